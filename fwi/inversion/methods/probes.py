"""The diagonal of a band's Gauss-Newton matrix from a few products with random signs.

For A = W F J over independent data and a vector of independent random signs xi,

    E (A^T xi)_x^2 = sum over data of A_x^2 = (A^T A)_xx,

so that every probe costs one `vjp`, however many cells there are. One probe is off by sqrt(2) of
its value in the root mean square; means over a quarter of a wavelength take most of that away.

Source:
    C. Bekas, E. Kokiopoulou, Y. Saad, Applied Numerical Mathematics 57 (2007), 1214-1229, for
    diagonals by probing.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.band import Band
from fwi.inversion.objective import Point
from fwi.inversion.unknowns import SLOWNESS_SQUARED

_WIDTHS = 0.15, 0.3  # wavelengths at the peak over which is averaged, in depth and along rows


def probed_diagonal(
    geometry: AcquisitionGeometry, band: Band, at: Point, probes: int, seed: int = 0
) -> Tensor:
    """Diagonal of the misfit's curvature by velocity, smoothed, (nz, nx) float64.

    Args:
        geometry: the grid.
        band: what is fitted.
        at: where the scheme is linearised.
        probes: how many products are averaged.
        seed: of the signs.
    """
    velocity = at.state.velocity
    # Slowness squared scatters alike at all velocities: what is left varies slowly.
    scale = SLOWNESS_SQUARED.slope(velocity) ** 2
    wavelength = float(velocity.mean()) / band.peak / geometry.dx
    even = squared_probes(band, at, probes, seed) * scale
    return torch.from_numpy(smoothed(even.numpy(), wavelength)) / scale


def squared_probes(band: Band, at: Point, probes: int, seed: int = 0) -> Tensor:
    """Mean of squared products with random signs, (nz, nx) float64: right on the average."""
    generator, total = torch.Generator().manual_seed(seed), torch.zeros_like(at.state.velocity)
    for _ in range(probes):
        signs = 2.0 * torch.randint(2, at.residual.shape, generator=generator) - 1
        total += at.back(band, signs.to(at.residual)).square()
    return total * (band.spacing / probes)


def smoothed(values: Array, wavelength: float) -> Array:
    """Average over cells, those at the map's edge apart: they stand for the padding beside them.

    Args:
        values: (nz, nx).
        wavelength: in cells.
    """
    down, along = (width * wavelength for width in _WIDTHS)
    result = np.array(values)
    result[1:-1, 1:-1] = gaussian_filter(values[1:-1, 1:-1], (down, along), mode="nearest")
    for row in (0, -1):
        result[row, 1:-1] = gaussian_filter1d(values[row, 1:-1], along, mode="nearest")
    for column in (0, -1):
        result[1:-1, column] = gaussian_filter1d(values[1:-1, column], down, mode="nearest")
    return result
