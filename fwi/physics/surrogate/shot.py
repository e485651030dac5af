"""One shot of the surrogate: its absorbing layers, its gather, and a misfit's gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.grid import HALO, Grid, aligned_zeros, fold
from fwi.physics.kernel.shot import Medium
from fwi.physics.kernel.windows import EPOCH
from fwi.physics.surrogate.loops import Layer, run_steps

# The layer is made for the fastest rock, not for the map at hand: slower rock is only damped more,
# and the layer does not depend on the map, so that the gradient is exact. 4500 m/s does as well
# as the map's maximum; its mean is twice as far from an open earth, its minimum ten times.
_VELOCITY = 4500.0  # m/s
_REFLECTION = 3e-4  # amplitude that the layer returns at normal incidence, before discretization
_SHIFT = 0.4 * np.pi  # alpha at the inner edge over the peak frequency
_STRETCH, _CHECKPOINTS = 8 * EPOCH, 32  # steps between two checkpoints, at least; the most of them


@dataclass(frozen=True)
class Checkpoint:
    """The fields before a stretch of steps: p, d, and psi and zeta of x and of z."""

    first: int
    last: int
    state: tuple[Array, ...]


def profile(cells: int, width: int, geometry: AcquisitionGeometry) -> tuple[Array, Array]:
    """The memory's decay b and gain c across a map and its two layers.

    sigma = 3 v ln(1 / R) / (2 L) (i / width)^2 and alpha = 0.4 pi f (1 - i / width) in cell
    i = 1 ... width outward, L = width dx; b = exp(-(sigma + alpha) dt), c = sigma / (sigma +
    alpha) (b - 1); both are 0 in the map.

    Args:
        cells: those of the map.
        width: those of a layer.
        geometry: cell size, time step and peak frequency.

    Returns:
        b and c, (cells + 2 width,).

    Source:
        Komatitsch and Martin, Geophysics 72 (2007).
    """
    outward = np.arange(1, width + 1) / width
    strongest = -3 * _VELOCITY * np.log(_REFLECTION) / (2 * width * geometry.dx)
    sigma, alpha = strongest * outward**2, _SHIFT * geometry.frequency * (1 - outward)
    decay = np.exp(-(sigma + alpha) * geometry.dt)
    gain = sigma / (sigma + alpha) * (decay - 1)
    b, c = (np.concatenate([f[::-1], np.zeros(cells), f]) for f in (decay, gain))
    return b, c


def make_layer(grid: Grid, geometry: AcquisitionGeometry) -> Layer:
    """Lay the layers out for the kernel; the geometry's sponge is as wide as they are."""
    dtype, lanes, width = grid.a.dtype, grid.lanes, geometry.sponge_width
    b_x, c_x = aligned_zeros(grid.stride, dtype), aligned_zeros(grid.stride, dtype)
    inside = slice(lanes, lanes + grid.columns)
    b_x[inside], c_x[inside] = profile(geometry.nx, width, geometry)
    b_z, c_z = (f.astype(dtype) for f in profile(geometry.nz, width, geometry))
    left = -(-(width + HALO) // lanes) * lanes
    right = (grid.columns - width - HALO) // lanes * lanes
    if right < left:  # a small map, which one layer's vectors fill
        left = right = -(-grid.columns // lanes) * lanes
    top, bottom = width + HALO, grid.rows - width - HALO
    if bottom < top:
        top = bottom = grid.rows
    return Layer(b_x, c_x, b_z, c_z, *(np.uint64(n) for n in (left, right, top, bottom)))


def forward(medium: Medium, layer: Layer, shot: int, traces: Array, keep: bool) -> list[Checkpoint]:
    """Run a shot, fill its gather (nt, receivers), and keep checkpoints if asked to."""
    nt, state, checkpoints = medium.geometry.nt, medium.fields(6), []
    every = max(_STRETCH, -(-nt // (_CHECKPOINTS * EPOCH)) * EPOCH) if keep else nt
    for first in range(0, nt, every):
        last = min(first + every, nt)
        if keep:
            checkpoints.append(Checkpoint(first, last, tuple(f.copy() for f in state)))
        _record(medium, layer, shot, (first, last), state, traces, np.empty(0, traces.dtype))
    return checkpoints


def _record(
    medium: Medium,
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


def backward(
    medium: Medium, layer: Layer, shot: int, checkpoints: list[Checkpoint], residual: Array
) -> Array:
    """Gradient of a misfit of one shot's gather with respect to the map, (nz, nx) float64.

    The increments obey d[n+1] - d[n] = v^2 (...), the source's included, so that with D adjoint
    to d the gradient is 2 / v times the sum over n of D (d[n+1] - d[n]). Summed by parts that is
    d times the adjoint's own increment P = e / a: no Laplacian is kept, and no source set apart.
    """
    g, grid = medium.geometry, medium.grid
    courant2 = (medium.velocity * g.dt / g.dx) ** 2
    at_receivers = courant2[g.receiver_depth_idx, g.receiver_idx]
    residuals = medium.receiver_cells(), (residual * at_receivers).astype(grid.a.dtype)
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
    return 2 * fold(image, grid, g.nz, g.sponge_width) / (courant2 * medium.velocity)
