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

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.grid import BLOCK, Grid, aligned_zeros, fold, lay_out, make_grid
from fwi.physics.kernel.loops import run_backward, run_forward, run_tangent
from fwi.physics.kernel.windows import EPOCH, Windows, find_windows
from fwi.physics.scheme.wavelet import ricker

_SCRATCH = threading.local()


@dataclass(frozen=True)
class Medium:
    """A map, laid out for the kernel.

    Attributes:
        velocity: (nz, nx) float64, m/s.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that the sponge is made for, m/s.
        grid: the map's layout; its dtype is that of the runs.
        windows: where each shot's wavefield matters.
    """

    velocity: Array
    geometry: AcquisitionGeometry
    vmin: float
    grid: Grid
    windows: list[Windows]

    @classmethod
    def lay_out(
        cls, velocity: Array, geometry: AcquisitionGeometry, vmin: float, dtype: Any
    ) -> Medium:
        """Lay out a map."""
        grid = make_grid(velocity, geometry, vmin, dtype)
        return cls(velocity, geometry, vmin, grid, find_windows(velocity, geometry, grid))

    def source(self, shot: int) -> tuple[int, int]:
        """Row and column of a source in the map."""
        return self.geometry.source_depth_idx, int(self.geometry.source_idx[shot])

    def source_cells(self, shot: int) -> Array:
        """Flat index of a source, (1,)."""
        width, (z, x) = self.geometry.sponge_width, self.source(shot)
        return np.array([self.grid.flat_index(z + width, x + width)])

    def receiver_cells(self) -> Array:
        """Flat indices of the receivers."""
        g = self.geometry
        return self.grid.flat_index(
            g.receiver_depth_idx + g.sponge_width, g.receiver_idx + g.sponge_width
        )

    def wavelet(self) -> Array:
        """The source's signal, with zeros to the record's end, (nt, 1)."""
        g = self.geometry
        signal = ricker(g.frequency, g.dt)[: g.nt]
        return np.pad(signal, (0, g.nt - len(signal)))[:, None]

    def sources(self, shot: int) -> tuple[Array, Array]:
        """What the kernel adds where: flat index of the source, and (v dt)^2 w, (nt, 1)."""
        strength = (self.velocity[self.source(shot)] * self.geometry.dt) ** 2
        return self.source_cells(shot), (self.wavelet() * strength).astype(self.grid.a.dtype)

    def fields(self, count: int) -> tuple[Array, ...]:
        """Wavefields at rest: this thread's own, until it asks again.

        Fresh memory costs a tenth of a shot, since the system clears and maps every page of it.
        """
        key = self.grid.size, self.grid.a.dtype
        kept = _SCRATCH.__dict__.get("fields", {})
        if key not in kept or len(kept[key]) < count:
            kept = {key: tuple(aligned_zeros(*key) for _ in range(count))}
            _SCRATCH.fields = kept
        for field in kept[key][:count]:
            field[:] = 0
        return kept[key][:count]


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


def stretches(medium: Medium, shot: int, every: int) -> list[Stretch]:
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


def forward(medium: Medium, shot: int, traces: Array, checkpoints: Checkpoints) -> None:
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


def backward(medium: Medium, shot: int, checkpoints: Checkpoints, residual: Array) -> Array:
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
    courant2 = (medium.velocity * g.dt / g.dx) ** 2
    at_receivers = courant2[g.receiver_depth_idx, g.receiver_idx]
    residuals = medium.receiver_cells(), (residual * at_receivers).astype(grid.a.dtype)
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
    gradient = 2 * fold(image, grid, g.nz, g.sponge_width) / (courant2 * medium.velocity)
    of_source = 2 * g.dx**2 / medium.velocity[source] * (at_source * medium.wavelet()).sum()
    gradient[source] += of_source
    return gradient


def tangent(medium: Medium, shot: int, direction: Array, vmin_rate: float, traces: Array) -> None:
    """Directional derivative of one shot's gather.

    Args:
        medium: the map.
        shot: which source.
        direction: change of the map, (nz, nx), m/s.
        vmin_rate: relative change of the sponge's velocity.
        traces: the derivative, (nt, receivers), filled.
    """
    g, grid, source = medium.geometry, medium.grid, medium.source(shot)
    slope = 2 * medium.velocity * direction  # of v^2
    change = grid._replace(
        a=lay_out(4 / 3 * slope * (g.dt / g.dx) ** 2, g.sponge_width, traces.dtype),
        damped_x=np.ones_like(grid.damped_x),
        damped_z=np.zeros_like(grid.damped_z),
    )
    run_tangent(
        medium.fields(4), grid, change, vmin_rate, medium.windows[shot], medium.sources(shot),
        (medium.wavelet() * slope[source] * g.dt**2).astype(traces.dtype),
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
