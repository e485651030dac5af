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
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.geometry import AcquisitionGeometry
from fwi.physics.grid import BLOCK, Grid, aligned_zeros, fold, lay_out, make_grid
from fwi.physics.kernel import run_backward, run_forward, run_tangent
from fwi.physics.wavelet import ricker
from fwi.physics.windows import Windows, find_windows

Array = npt.NDArray[Any]


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
        """Wavefields at rest."""
        return tuple(aligned_zeros(self.grid.size, self.grid.a.dtype) for _ in range(count))


@dataclass(frozen=True)
class Checkpoint:
    """The wavefield after a stretch of steps, on the box that anything has reached.

    Attributes:
        first: the stretch's first step.
        last: the step after its last one.
        box: rows and columns of a field of the grid's layout.
        p: wavefield in the box.
        d: its increment.
    """

    first: int
    last: int
    box: tuple[slice, slice]
    p: Array
    d: Array


def forward(medium: Medium, shot: int, traces: Array, every: int | None = None) -> list[Checkpoint]:
    """Run a shot.

    Args:
        medium: the map.
        shot: which source.
        traces: its gather, (nt, receivers), filled.
        every: steps between two checkpoints; None keeps none.

    Returns:
        The checkpoints.
    """
    grid, nt, window = medium.grid, medium.geometry.nt, medium.windows[shot]
    sources, stations = medium.sources(shot), medium.receiver_cells()
    p, d = medium.fields(2)
    checkpoints = []
    for first in range(0, nt, every or nt):
        last = min(first + (every or nt), nt)
        run_forward(p, d, grid, window, first, last, sources, stations, traces)
        if every is not None:
            box = reached(window, grid, last)
            kept = (f.reshape(-1, grid.stride)[box].copy() for f in (p, d))
            checkpoints.append(Checkpoint(first, last, box, *kept))
    return checkpoints


def backward(medium: Medium, shot: int, checkpoints: list[Checkpoint], residual: Array) -> Array:
    """Gradient of a misfit of one shot's gather with respect to the map.

    Args:
        medium: the map.
        shot: which source.
        checkpoints: those of its forward run.
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
    adjoints = medium.fields(2)
    for point in reversed(checkpoints):
        fields = medium.fields(2)
        for field, kept in zip(fields, (point.p, point.d), strict=True):
            field.reshape(-1, grid.stride)[point.box] = kept
        run_backward(
            fields, adjoints, grid, undo, medium.windows[shot], point.first, point.last,
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


def reached(window: Windows, grid: Grid, step: int) -> tuple[slice, slice]:
    """Rows and columns of a field that anything has reached before a step, and their neighbours."""
    there = window.on < step
    blocks, tiles = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if not len(blocks):
        return slice(0), slice(0)
    rows = slice(blocks[0] * BLOCK, (blocks[-1] + 2) * BLOCK)
    return rows, slice(tiles[0] * grid.lanes, (tiles[-1] + 3) * grid.lanes)
