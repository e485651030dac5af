"""Maps beyond their edges: the cells of the strips repeat the nearest one of the map."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array


def nearest_cells(size: int, width: int) -> Array:
    """The map's cell that each cell of a padded axis repeats, (size + 2 width,)."""
    return np.arange(-width, size + width).clip(0, size - 1)


def replicate(values: Array, width: int, axis: int) -> Array:
    """Repeat the first and the last value of an axis `width` times outward."""
    return values.take(nearest_cells(values.shape[axis], width), axis)


def sum_replicas(values: Array, width: int, axis: int) -> Array:
    """Transpose of `replicate`: add what repeated cells hold to the cell that they repeat."""
    last = values.shape[axis] - 2 * width
    starts = [0, *range(width + 1, width + last)]
    return np.add.reduceat(values, starts, axis)
