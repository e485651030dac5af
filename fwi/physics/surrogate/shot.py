"""One shot of the surrogate: its gather, the gather's tangent, and a misfit's gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.physics.kernel.grid import aligned_zeros, flat_rows
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.surrogate.layers import Layer
from fwi.physics.surrogate.loops import run_steps, run_tangent


@dataclass(frozen=True)
class Checkpoint:
    """The fields before a stretch of steps: p, d, and psi and zeta of x and of z."""

    first: int
    last: int
    state: tuple[Array, ...]


def forward(
    medium: KernelMedium, layer: Layer, shot: int, traces: Array, every: int | None
) -> list[Checkpoint]:
    """Run a shot, fill its gather (nt, receivers), and keep a checkpoint `every` so many steps."""
    nt, state, checkpoints = medium.geometry.nt, medium.fields(6), []
    for first in range(0, nt, every or nt):
        last = min(first + (every or nt), nt)
        if every is not None:
            checkpoints.append(Checkpoint(first, last, tuple(f.copy() for f in state)))
        _record(medium, layer, shot, (first, last), state, traces, np.empty(0, traces.dtype))
    return checkpoints


def _record(
    medium: KernelMedium,
    layer: Layer,
    shot: int,
    steps: tuple[int, int],
    state: tuple[Array, ...],
    traces: Array,
    history: Array,
) -> None:
    p, d, *memory = state
    run_steps(
        p, d, tuple(memory), medium.grid, layer, medium.windows[shot], *steps,
        medium.sources(shot), medium.receiver_cells(), traces, history, None,
    )  # fmt: skip


def tangent(medium: KernelMedium, layer: Layer, shot: int, direction: Array, traces: Array) -> None:
    """Directional derivative of one shot's gather.

    Args:
        medium: the map.
        layer: the layers around it.
        shot: which source.
        direction: change of the map, (nz, nx), m/s.
        traces: the derivative, (nt, receivers), filled.
    """
    grid, width = medium.grid, medium.geometry.sponge_width
    ratio = flat_rows(2 * direction / medium.velocity, width, grid.a.dtype)
    p, d, tp, e, *memory = medium.fields(12)
    run_tangent(
        (p, d, tuple(memory[:4])), (tp, e, tuple(memory[4:])), grid, layer, ratio,
        medium.windows[shot], medium.sources(shot), medium.receiver_cells(), traces,
    )  # fmt: skip


def backward(
    medium: KernelMedium, layer: Layer, shot: int, checkpoints: list[Checkpoint], residual: Array
) -> Array:
    """Gradient of a misfit of one shot's gather with respect to the map, (nz, nx) float64.

    The increments obey d[n+1] - d[n] = v^2 (...), the source's included, so that with D adjoint
    to d the gradient is 2 / v times the sum over n of D (d[n+1] - d[n]). Summed by parts that is
    d times the adjoint's own increment P = e / a: no Laplacian is kept, and no source set apart.
    """
    grid, residuals = medium.grid, medium.adjoint_sources(residual)
    image = aligned_zeros(grid.a.size, grid.a.dtype)
    history = aligned_zeros(checkpoints[0].last * grid.size, grid.a.dtype)
    again = np.empty(residual.shape, grid.a.dtype)
    u, e, *memory = medium.fields(6)
    for point in reversed(checkpoints):
        steps, state = (point.first, point.last), tuple(f.copy() for f in point.state)
        _record(medium, layer, shot, steps, state, again, history)
        run_steps(
            u, e, tuple(memory), grid, layer, medium.windows[shot], *steps,
            residuals, np.empty(0, np.int64), again, history, image,
        )  # fmt: skip
    return medium.gradient(image)
