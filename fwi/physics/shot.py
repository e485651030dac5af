"""One shot: its gather, the gather's derivative along a direction, and a misfit's gradient.

The update is linear in the wavefield with a symmetric Laplacian L, so that with mu = a lambda the
adjoint field obeys the forward scheme itself, run back in time from the receivers:

    mu[n] = (2 - k) mu[n+1] - (1 - k) mu[n+2] + a L mu[n+1] + a residual[n],

and a misfit's gradient with respect to a is the sum over n of mu[n] (a L p[n]) / a^2 (Plessix,
Geophys. J. Int. 167, 2006, for the method). The forward field is recomputed from checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.geometry import AcquisitionGeometry
from fwi.physics.grid import BLOCK, Grid, aligned_zeros, fold, lay_out, make_grid
from fwi.physics.kernel import run_steps, run_tangent
from fwi.physics.wavelet import ricker
from fwi.physics.windows import EPOCH, Windows, find_windows

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

    def fields(self, count: int) -> list[Array]:
        """Wavefields at rest."""
        return [aligned_zeros(self.grid.size, self.grid.a.dtype) for _ in range(count)]


@dataclass(frozen=True)
class Checkpoint:
    """The wavefield at the beginning of a stretch of steps, on the rows that it has reached."""

    step: int
    rows: slice
    p: Array
    d: Array


def forward(medium: Medium, shot: int, traces: Array, every: int | None = None) -> list[Checkpoint]:
    """Run a shot.

    Args:
        medium: the map.
        shot: which source.
        traces: its gather, (nt, receivers), filled.
        every: steps between two checkpoints, a multiple of EPOCH; None keeps none.

    Returns:
        The checkpoints.
    """
    g, (z, x) = medium.geometry, medium.source(shot)
    added = (medium.wavelet() * (medium.velocity[z, x] * g.dt) ** 2).astype(traces.dtype)
    run = (medium.source_cells(shot), added, medium.receiver_cells(), traces)
    p, d = medium.fields(2)
    checkpoints = []
    for first in range(0, g.nt, every or g.nt):
        if every is not None:
            rows = _reached(medium, shot, first)
            checkpoints.append(Checkpoint(first, rows, p[rows].copy(), d[rows].copy()))
        last = min(first + (every or g.nt), g.nt)
        run_steps(p, d, medium.grid, *medium.windows[shot], first, last, False, run, None, None)
    return checkpoints


def backward(
    medium: Medium, shot: int, checkpoints: list[Checkpoint], residual: Array, buffer: Array
) -> Array:
    """Gradient of a misfit of one shot's gather with respect to the map.

    Args:
        medium: the map.
        shot: which source.
        checkpoints: those of its forward run.
        residual: the misfit's gradient with respect to the gather, (nt, receivers).
        buffer: room for the steps between two checkpoints, (steps, cells of a field).

    Returns:
        The gradient, (nz, nx) float64.
    """
    g, (z, x), dtype = medium.geometry, medium.source(shot), medium.grid.a.dtype
    wavelet = medium.wavelet()
    courant2 = (medium.velocity * g.dt / g.dx) ** 2
    nothing = np.empty((g.nt, 0), dtype)
    again = (
        medium.source_cells(shot),
        (wavelet * (medium.velocity[z, x] * g.dt) ** 2).astype(dtype),
        np.empty(0, np.int64),
        nothing,
    )
    at_receivers = courant2[g.receiver_depth_idx, g.receiver_idx]
    at_source = np.zeros((g.nt, 1), dtype)
    back = (
        medium.receiver_cells(),
        (residual * at_receivers).astype(dtype),
        medium.source_cells(shot),
        at_source,
    )
    image = np.zeros_like(medium.grid.a)
    mu, increment = medium.fields(2)
    window, last = medium.windows[shot], g.nt
    for point in reversed(checkpoints):
        p, d = medium.fields(2)
        p[point.rows], d[point.rows] = point.p, point.d
        run_steps(p, d, medium.grid, *window, point.step, last, False, again, buffer, None)
        run_steps(mu, increment, medium.grid, *window, point.step, last, True, back, buffer, image)
        last = point.step
    gradient = 2 * fold(image, medium.grid, g.nz, g.sponge_width) / (courant2 * medium.velocity)
    gradient[z, x] += 2 * g.dx**2 / medium.velocity[z, x] * float((at_source * wavelet).sum())
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
    g, (z, x), grid = medium.geometry, medium.source(shot), medium.grid
    dtype = traces.dtype
    v, dv = medium.velocity[z, x], direction[z, x]
    wavelet = medium.wavelet() * g.dt**2
    run = (
        medium.source_cells(shot),
        (wavelet * v**2).astype(dtype),
        medium.receiver_cells(),
        traces,
    )
    change = grid._replace(
        a=lay_out(8 / 3 * medium.velocity * direction * (g.dt / g.dx) ** 2, g.sponge_width, dtype),
        damped_x=np.ones_like(grid.damped_x),
        damped_z=np.zeros_like(grid.damped_z),
    )
    run_tangent(
        tuple(medium.fields(4)),
        grid,
        change,
        dtype.type(vmin_rate),
        *medium.windows[shot],
        run,
        (wavelet * 2 * v * dv).astype(dtype),
    )


def _reached(medium: Medium, shot: int, step: int) -> slice:
    """Rows of a flat field that anything has reached before a step, with their neighbours."""
    blocks = np.flatnonzero((medium.windows[shot].on < step + EPOCH).any(1))
    if not len(blocks):
        return slice(0, 0)
    stride = medium.grid.stride
    return slice(blocks[0] * BLOCK * stride, (blocks[-1] + 2) * BLOCK * stride)
