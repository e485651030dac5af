"""From a map that is nearly right to the layered one behind it: whole regions of one integer."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fwi.arrays import Array

_SAME = 5.0  # m/s that neighbours within a region differ by, at most
_LEAST = 8  # cells of a region that is believed
_AROUND = np.ones((7, 7), bool)  # cells around one whose regions it may belong to


def snap(velocity: Array) -> Array:
    """Give every cell the value of the region near it that its own is nearest to.

    Regions are connected cells whose neighbours differ by little; their value is the median of
    theirs, rounded to an integer as the layered families' are. Cells between regions, where a map
    is still smooth, go to one side or the other.

    Args:
        velocity: (nz, nx), m/s.

    Returns:
        The snapped map, (nz, nx) float64; the rounded one where no region is large enough.
    """
    regions = regions_of(velocity)
    sizes = np.bincount(regions.ravel())
    believed = np.flatnonzero(sizes >= _LEAST)
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
