"""The scheme of docs/physics.md as a plain NumPy loop over the whole grid, with numbers of its own.

It shares no code with the simulator. A complex map gives complex gathers: the imaginary part of
the gathers of v + i h dv, over h, is their exact derivative along dv (Squire and Trapp, SIAM Review
40, 1998), since no step subtracts two close numbers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.geometry import AcquisitionGeometry

Array = npt.NDArray[Any]

STEP = 1e-20  # of the complex derivative: its error is of the order of the square


def laplacian(field: Array) -> Array:
    """Fourth order on each axis, wrapping at the outer edge."""
    wide = np.pad(field, 2, mode="wrap")
    rows, columns = wide[:, 2:-2], wide[2:-2, :]
    return (
        4 / 3 * (rows[1:-3] + rows[3:-1] + columns[:, 1:-3] + columns[:, 3:-1])
        - 1 / 12 * (rows[:-4] + rows[4:] + columns[:, :-4] + columns[:, 4:])
        - 5.0 * field
    )


def numpy_gathers(
    velocity: Array, geometry: AcquisitionGeometry, vmin: complex | None = None
) -> Array:
    """Run docs/physics.md to the letter.

    Args:
        velocity: one map, (nz, nx), float64 or complex128.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that the sponge is made for; by default the map's smallest one.

    Returns:
        (shots, nt, receivers), float64, or complex128 where the map or vmin is complex.
    """
    g, pad, dt = geometry, geometry.sponge_width, geometry.dt
    lowest = velocity.real.min() if vmin is None else vmin
    v = np.pad(velocity, pad, mode="edge")
    a = (v * dt / g.dx) ** 2
    thickness = (pad - 1) * g.dx
    outward = np.arange(pad) * g.dx / thickness
    strip = 3 * lowest * np.log(1e7) / (2 * thickness) * outward**2 * dt
    k = np.zeros(v.shape, strip.dtype)
    for i in range(pad):
        k[pad - 1 - i, pad : pad + g.nx] = k[pad + g.nz + i, pad : pad + g.nx] = strip[i]
    for i in range(pad):
        k[:, pad - 1 - i] = k[:, pad + g.nx + i] = strip[i]
    centre = int(1.1 / (g.frequency * dt))
    b = ((centre - np.arange(2 * centre + 1)) * g.frequency * dt * np.pi) ** 2
    wavelet = np.zeros(max(g.nt, len(b)))
    wavelet[: len(b)] = (1 - 2 * b) * np.exp(-b)
    row, receiver_row = (pad + round(z / g.dx) for z in (g.source_depth, g.receiver_depth))
    receivers = [pad + round(x / g.dx) for x in g.receiver_x]
    data = np.empty((len(g.source_x), g.nt, len(receivers)), np.result_type(a, k))
    for shot, x in enumerate(g.source_x):
        column = pad + round(x / g.dx)
        strength = (v[row, column] * dt) ** 2
        p_prev = np.zeros(v.shape, data.dtype)
        p = np.zeros_like(p_prev)
        for n in range(g.nt):
            p_next = (2 - k) * p - (1 - k) * p_prev + a * laplacian(p)
            p_next[row, column] += strength * wavelet[n]
            data[shot, n] = p_next[receiver_row, receivers]
            p_prev, p = p, p_next
    return data


def numpy_derivative(
    velocity: Array,
    direction: Array,
    geometry: AcquisitionGeometry,
    vmin: float,
    vmin_direction: float = 0.0,
) -> Array:
    """Derivative of the gathers along a change of the map and of the sponge's velocity.

    Exact but for rounding, by the complex step.
    """
    moved = velocity + 1j * STEP * direction
    return numpy_gathers(moved, geometry, vmin + 1j * STEP * vmin_direction).imag / STEP


def worst(got: Any, expected: Any) -> float:
    """Largest difference of arrays or tensors relative to the largest expected value."""
    wanted = np.asarray(expected)
    return float(np.abs(np.asarray(got) - wanted).max() / np.abs(wanted).max())


def white(shape: tuple[int, ...], seed: int) -> Array:
    """White noise."""
    return np.random.default_rng(seed).standard_normal(shape)
