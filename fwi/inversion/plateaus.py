"""From a map that is nearly right to the layered one behind it: whole regions of one integer."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fwi.arrays import Array

_SAME = 5.0  # m/s that neighbours within a region differ by, at most
_LEAST = 8  # cells of a region that is believed
_TWO = 0.78  # share of a region's variance between two groups of cells: an even spread has 0.75
_AROUND = np.ones((7, 7), bool)  # cells around one whose regions it may belong to


def snap(velocity: Array, least: int = _LEAST) -> Array:
    """Give every cell the value of the region near it that its own is nearest to.

    Regions are connected cells whose neighbours differ by little; their value is the median of
    theirs, rounded to an integer as the layered families' are. Cells between regions, where a map
    is still smooth, go to one side or the other.

    Args:
        velocity: (nz, nx), m/s.
        least: cells of a region that is believed.

    Returns:
        The snapped map, (nz, nx) float64; the rounded one where no region is large enough.
    """
    regions = _parted(regions_of(velocity), velocity, least)
    sizes = np.bincount(regions.ravel())
    believed = np.flatnonzero(sizes >= least)
    if not len(believed):
        return np.rint(velocity)
    best, distance = np.rint(velocity), np.full(velocity.shape, np.inf)
    for region in believed:
        member = regions == region
        value = float(np.rint(np.median(velocity[member])))
        near = binary_dilation(member, _AROUND)
        off = np.where(near, np.abs(velocity - value), np.inf)
        closer = off < distance
        best[closer], distance[closer] = value, off[closer]
    return best


def _parted(regions: Array, velocity: Array, least: int) -> Array:
    """Part regions that are two: a small step, still smooth, joins what lies on its sides."""
    parted = regions.copy()
    for region in np.flatnonzero(np.bincount(regions.ravel()) >= 2 * least):
        member = regions == region
        values = np.sort(velocity[member])
        n, total = np.arange(1, len(values)), np.cumsum(values)
        gap = total[:-1] / n - (total[-1] - total[:-1]) / (len(values) - n)
        between = n * (len(values) - n) / len(values) * gap**2
        k = int(between.argmax())
        spread = len(values) * values.var()
        if between[k] > _TWO * spread and -gap[k] > _SAME and least <= k < len(values) - least:
            parted[member & (velocity > values[k])] = parted.max() + 1
    return parted


def regions_of(velocity: Array, same: float = _SAME) -> Array:
    """Number a map's connected regions, whose neighbours differ by less than `same`, (nz, nx)."""
    cells = np.arange(velocity.size).reshape(velocity.shape)
    pairs = []
    for axis in (0, 1):
        joined = np.abs(np.diff(velocity, axis=axis)) < same
        first, second = (np.delete(cells, end, axis)[joined] for end in (-1, 0))
        pairs.append((first, second))
    rows, columns = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(cells.size, cells.size))
    return connected_components(graph, directed=False)[1].reshape(velocity.shape)
