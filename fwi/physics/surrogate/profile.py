"""How strongly the absorbing layers around the map absorb, and their layout for the kernel."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.grid import HALO, Grid, aligned_zeros
from fwi.physics.surrogate.layers import Layer

# The layer is made for the fastest rock, not for the map at hand: slower rock is only damped more,
# and the layer does not depend on the map, so that the gradient is exact. 4500 m/s does as well
# as the map's maximum; its mean is twice as far from an open earth, its minimum ten times.
_VELOCITY = 4500.0  # m/s
_REFLECTION = 3e-4  # amplitude that the layer returns at normal incidence, before discretization
_SHIFT = 0.4 * np.pi  # alpha at the inner edge over the peak frequency


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
