"""One shot: its gather, the gather's derivative along a direction, and a misfit's gradient.

The update is linear in the wavefield with a symmetric Laplacian L, so that with mu = a lambda the
adjoint field obeys the forward scheme itself, run back in time from the receivers:

    mu[n] = (2 - k) mu[n+1] - (1 - k) mu[n+2] + a L mu[n+1] + a residual[n],

and a misfit's gradient with respect to a is the sum over n of mu[n] (a L p[n]) / a^2 (Plessix,
Geophys. J. Int. 167, 2006, for the method). The forward field
is found again by undoing its steps from checkpoints: (1 - k) is divided by, which rounding bears
for some dozens of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.physics.kernel.grid import BLOCK, Grid, aligned_zeros, flat_rows
from fwi.physics.kernel.loops import run_backward, run_forward, run_tangent
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.windows import EPOCH, Windows
from fwi.physics.scheme.maps import squared_courant_change


@dataclass(frozen=True)
class Stretch:
    """Steps between two checkpoints, and the box in which they change anything.

    Attributes:
        first: first step.
        last: the step after the last one.
        box: rows and columns of a field of the grid's layout.
        shape: of p and its increment in the box, (2, rows, columns).
    """

    first: int
    last: int
    box: tuple[slice, slice]
    shape: tuple[int, int, int]


def stretches(medium: KernelMedium, shot: int, every: int) -> list[Stretch]:
    """Cut a shot's steps into stretches of `every` steps."""
    nt, found = medium.geometry.nt, []
    for first in range(0, nt, every):
        last = min(first + every, nt)
        box = alive(medium.windows[shot], medium.grid, first - EPOCH, last + EPOCH)
        shape = 2, box[0].stop - box[0].start, box[1].stop - box[1].start
        found.append(Stretch(first, last, box, shape))
    return found


# Stretches that make up the record, and room for the wavefield after each, of the stretch's shape.
Checkpoints = list[tuple[Stretch, Array]]


def forward(medium: KernelMedium, shot: int, traces: Array, checkpoints: Checkpoints) -> None:
    """Run a shot.

    Args:
        medium: the map.
        shot: which source.
        traces: its gather, (nt, receivers), filled.
        checkpoints: to be filled; none where the list is empty.
    """
    grid, nt, window = medium.grid, medium.geometry.nt, medium.windows[shot]
    sources, stations = medium.sources(shot), medium.receiver_cells()
    p, d = medium.fields(2)
    if not checkpoints:
        run_forward(p, d, grid, window, 0, nt, sources, stations, traces)
        return
    for part, room in checkpoints:
        run_forward(p, d, grid, window, part.first, part.last, sources, stations, traces)
        for kept, field in zip(room, (p, d), strict=True):
            kept[:] = field.reshape(-1, grid.stride)[part.box]


def backward(medium: KernelMedium, shot: int, checkpoints: Checkpoints, residual: Array) -> Array:
    """Gradient of a misfit of one shot's gather with respect to the map.

    Args:
        medium: the map.
        shot: which source.
        checkpoints: those that its forward run has filled.
        residual: the misfit's gradient with respect to the gather, (nt, receivers).

    Returns:
        The gradient, (nz, nx) float64.
    """
    g, grid, source = medium.geometry, medium.grid, medium.source(shot)
    residuals = medium.adjoint_sources(residual)
    at_source = np.zeros((g.nt, 1), grid.a.dtype)
    image = aligned_zeros(grid.a.size, grid.a.dtype)
    with np.errstate(divide="ignore"):  # k = 1 forgets the increment, and every step is kept then
        undo = grid._replace(damped_x=1 / grid.damped_x, damped_z=1 - 1 / (1 - grid.damped_z))
    p, d, *adjoints = medium.fields(4)
    for part, room in reversed(checkpoints):
        # What is left outside the box belongs to later steps, and is not read.
        for field, kept in zip((p, d), room, strict=True):
            field.reshape(-1, grid.stride)[part.box] = kept
        run_backward(
            (p, d), tuple(adjoints), grid, undo, medium.windows[shot], part.first, part.last,
            medium.sources(shot), residuals, medium.source_cells(shot), at_source, image,
        )  # fmt: skip
    gradient = medium.gradient(image)
    of_source = 2 * g.dx**2 / medium.velocity[source] * (at_source * medium.wavelet()).sum()
    gradient[source] += of_source
    return gradient


def tangent(
    medium: KernelMedium, shot: int, direction: Array, vmin_rate: float, traces: Array
) -> None:
    """Directional derivative of one shot's gather.

    Args:
        medium: the map.
        shot: which source.
        direction: change of the map, (nz, nx), m/s.
        vmin_rate: relative change of the sponge's velocity.
        traces: the derivative, (nt, receivers), filled.
    """
    g, grid, source = medium.geometry, medium.grid, medium.source(shot)
    slope = squared_courant_change(medium.velocity, direction, g)
    change = grid._replace(
        a=flat_rows(4 / 3 * slope, g.sponge_width, traces.dtype),
        damped_x=np.ones_like(grid.damped_x),
        damped_z=np.zeros_like(grid.damped_z),
    )
    run_tangent(
        medium.fields(4), grid, change, vmin_rate, medium.windows[shot], medium.sources(shot),
        (medium.wavelet() * slope[source] * g.dx**2).astype(traces.dtype),
        medium.receiver_cells(), traces,
    )  # fmt: skip


def alive(window: Windows, grid: Grid, first: int, last: int) -> tuple[slice, slice]:
    """Rows and columns of a field that are updated in steps first to last, and their neighbours."""
    there = (window.on < last) & (window.off > first)
    blocks, tiles = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not len(blocks):
        return slice(0, 0), slice(0, 0)
    rows = slice(blocks[0] * BLOCK, (blocks[-1] + 2) * BLOCK)
    return rows, slice(tiles[0] * grid.lanes, (tiles[-1] + 3) * grid.lanes)
