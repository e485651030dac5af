"""The few values of a layered map, and which of them each cell may have."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from fwi.arrays import Array
from fwi.inversion.plateaus import regions_of, snap

_LEAST = 6  # cells of a region that has a value of its own
_SAME = 4.0  # m/s: nearer values are one
# In deviations: nearer values of which one holds few cells are one, where the misfit that it makes,
# its cells times what they are off by, is small.
_NEAR, _LITTLE = 2.0, 75.0
_PIECE = 4  # cells in a row: fewer do not bring their value to those around
_AROUND = np.ones((7, 7), bool)  # cells around a region that may belong to it
_FAR, _NONE = 6.0, 1e-3  # how much less likely a value from elsewhere is, -log, and none at all
_ELSEWHERE = 50.0  # m/s by which a value from elsewhere must be nearer


def levels(velocity: Array, std: float) -> Array:
    """Find the values of a map's regions.

    Args:
        velocity: (nz, nx), m/s.
        std: how far cells may be from them, m/s: the larger, the more small regions are taken for
            a blur between others.

    Returns:
        (values,) float64, rising, m/s; none where no region is large enough.
    """
    regions = regions_of(snap(velocity, _LEAST), 0.5)
    sizes = np.bincount(regions.ravel())
    believed = np.flatnonzero(sizes >= _LEAST)
    values = np.array([np.median(velocity[regions == region]) for region in believed])
    return _joined(values, sizes[believed].astype(float), std)


def _joined(values: Array, sizes: Array, std: float) -> Array:
    """Join neighbouring values, those that differ by least first: the larger region's stays."""
    order = np.argsort(values)
    values, sizes = values[order], sizes[order]
    while len(values) > 1:
        gap = np.diff(values)
        little = gap * np.minimum(sizes[:-1], sizes[1:])
        near = (gap < _NEAR * std) & (little < _LITTLE * std)
        cost = np.where(near | (gap < min(_SAME, std)), little, np.inf)
        first = int(cost.argmin())
        if not np.isfinite(cost[first]):
            break
        smaller = first + int(sizes[first] > sizes[first + 1])
        sizes[first + (smaller == first)] += sizes[smaller]
        values, sizes = np.delete(values, smaller), np.delete(sizes, smaller)
    return values


def shares(velocity: Array, values: Array, std: float) -> Array:
    """How much of each cell is of each value, (nz nx, values) float64; a row's sum is at most 1.

    Args:
        velocity: (nz, nx), m/s.
        values: of the regions (`levels`), m/s.
        std: of cells about them, m/s.
    """
    if not len(values):
        return np.zeros((velocity.size, 0))
    off = (velocity[..., None] - values) / std
    likely = np.exp(-0.5 * off**2 - np.where(_is_near(velocity, values), 0, _FAR))
    share = (likely / (likely.sum(-1, keepdims=True) + _NONE)).reshape(velocity.size, -1)
    return share[:, share.sum(0) > 1]


def nearest(velocity: Array, values: Array) -> Array:
    """Number the value nearest to each cell's, those of regions around it first, (nz, nx)."""
    elsewhere = np.where(_is_near(velocity, values), 0, _ELSEWHERE)
    return (np.abs(velocity[..., None] - values) + elsewhere).argmin(-1)


def _is_near(velocity: Array, values: Array) -> Array:
    """Which values lie within reach of each cell, (nz, nx, values) bool."""
    numbers = np.abs(velocity[..., None] - values).argmin(-1)
    pieces = regions_of(numbers.astype(float), 0.5)
    large = (np.bincount(pieces.ravel()) >= _PIECE)[pieces]
    around = [binary_dilation((numbers == i) & large, _AROUND) for i in range(len(values))]
    return np.stack(around, -1)
