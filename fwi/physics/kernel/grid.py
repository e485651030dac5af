"""A map on the padded grid, as the compiled kernel reads it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.simd import REGISTER_BYTES
from fwi.physics.scheme.maps import squared_courant
from fwi.physics.scheme.padding import nearest_cells, replicate, sum_replicas
from fwi.physics.scheme.sponge import step_damping

BLOCK = 4  # rows that the kernel updates together
HALO = 2  # cells that the stencil reads beyond an edge: those of the opposite edge


class Grid(NamedTuple):
    """A flat layout of rows: HALO rows, the grid's, filled up to whole blocks, HALO rows.

    A row is one vector (its last HALO cells are the halo), the grid's columns filled up to whole
    vectors, and one vector more. Cells beyond the grid have a = 0, which keeps them still.

    Attributes:
        a: 4/3 (v dt / dx)^2, flat, (nz + 1) rows of `stride`: the map's, replicated to both
            sides, and one of zeros. 4/3 is the stencil's largest weight, taken out of it.
        row_a: where in `a` the row that a grid row replicates begins, uint64.
        damped_x: 1 - k of the strips left and right, 1 between, flat, (stride,).
        inside: 1 in the map's columns, 0 elsewhere, flat, (stride,).
        damped_z: k of the strips above and below, by grid row, 0 between.
        rows: rows of the grid.
        columns: columns of the grid.
        stride: cells from one row to the next.
    """

    a: Array
    row_a: Array
    damped_x: Array
    inside: Array
    damped_z: Array
    rows: int
    columns: int
    stride: int

    @property
    def lanes(self) -> int:
        """Cells of a vector."""
        return REGISTER_BYTES // self.a.itemsize

    @property
    def blocks(self) -> int:
        """Blocks of rows, the last one filled up."""
        return -(-self.rows // BLOCK)

    @property
    def size(self) -> int:
        """Cells of a field, halo and all."""
        return (self.blocks * BLOCK + 2 * HALO) * self.stride

    def flat_index(self, z: Any, x: Any) -> Any:
        """Place of a grid's cell in a flat field."""
        return (z + HALO) * self.stride + self.lanes + x


def make_grid(velocity: Array, geometry: AcquisitionGeometry, vmin: float, dtype: Any) -> Grid:
    """Lay out a map for the kernel.

    Args:
        velocity: (nz, nx) float64, m/s.
        geometry: grid and time step.
        vmin: the velocity that the sponge is made for, m/s.
        dtype: float32 or float64, that of the run.
    """
    g, width = geometry, geometry.sponge_width
    rows, columns = g.nz + 2 * width, g.nx + 2 * width
    a = flat_rows(4 / 3 * squared_courant(velocity, g), width, dtype)
    stride = a.size // (g.nz + 1)
    lanes = REGISTER_BYTES // a.itemsize
    by_row, by_column = step_damping(vmin, g)
    damped_x, inside = aligned_zeros(stride, dtype), aligned_zeros(stride, dtype)
    damped_x[:] = 1
    damped_x[lanes : lanes + columns] = 1 - by_column
    inside[lanes + width : lanes + width + g.nx] = 1
    filled = -(-rows // BLOCK) * BLOCK
    damped_z = np.zeros(filled, dtype)
    damped_z[:rows] = by_row
    map_row = np.full(filled, g.nz)
    map_row[:rows] = nearest_cells(g.nz, width)
    row_a = (map_row * stride).astype(np.uint64)
    return Grid(a, row_a, damped_x, inside, damped_z, rows, columns, stride)


def flat_rows(values: Array, width: int, dtype: Any) -> Array:
    """Lay out a map as `Grid.a` has it: its rows, replicated to both sides.

    Args:
        values: one of each cell, (nz, nx).
        width: columns that replicate the first and the last one.
        dtype: float32 or float64.
    """
    (nz, nx), lanes = values.shape, REGISTER_BYTES // np.dtype(dtype).itemsize
    columns = nx + 2 * width
    stride = (-(-(columns + HALO) // lanes) + 2) * lanes
    flat = aligned_zeros((nz + 1) * stride, dtype)
    rows = flat.reshape(nz + 1, stride)
    rows[:nz, lanes : lanes + columns] = replicate(values, width, axis=1)
    return flat


def sum_flat_rows(flat: Array, grid: Grid, nz: int, width: int) -> Array:
    """Transpose of `flat_rows`: add what replicating columns hold to the column they replicate.

    Args:
        flat: in the layout of `Grid.a`.
        grid: the layout.
        nz: rows of the map.
        width: columns that replicate the first and the last one.

    Returns:
        (nz, nx) float64.
    """
    rows = flat.reshape(nz + 1, grid.stride)[:nz, grid.lanes : grid.lanes + grid.columns]
    return sum_replicas(rows.astype(np.float64), width, axis=1)


def aligned_zeros(size: int, dtype: Any) -> Array:
    """Flat zeros that begin at a multiple of a cache line, so that no vector straddles two."""
    line, nbytes = 64, size * np.dtype(dtype).itemsize
    raw = np.zeros(nbytes + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + nbytes].view(dtype)
