"""Fields that look like natural images: stationary noise and dead leaves."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

from fwi.families.registry import Field
from fwi.openfwi import SIDE

PERIOD = 96
"""Side of the periodic field that a map is cut from: no map sees its own edge again."""


@cache
def _squared_wavenumbers() -> tuple[Field, Field]:
    """Return squared wavenumbers (96, 1) down and (1, 49) across, radians a cell."""
    down = (2 * np.pi * scipy.fft.fftfreq(PERIOD))[:, None] ** 2
    across = (2 * np.pi * scipy.fft.rfftfreq(PERIOD))[None, :] ** 2
    return down, across


def noise(rng: np.random.Generator, scales: Sequence[tuple[float, float, float]]) -> Field:
    """Draw a Gaussian field, a sum of squared-exponential processes.

    Each process has the covariance v exp(-x^2 / 2 across^2 - z^2 / 2 down^2); its
    spectrum is v across down exp(-(kx^2 across^2 + kz^2 down^2) / 2) up to a factor.

    Args:
        rng: Source of randomness.
        scales: Rows of variance, length across and length down, cells.

    Returns:
        Field (70, 70) of zero mean; its variance is the sum of the variances.
    """
    down, across = _squared_wavenumbers()
    power = np.zeros((PERIOD, PERIOD // 2 + 1))
    for variance, length_x, length_z in scales:
        spectrum = np.exp(-0.5 * (across * length_x**2 + down * length_z**2))
        power += variance * 2 * np.pi * length_x * length_z * spectrum
    white = scipy.fft.rfft2(rng.standard_normal((PERIOD, PERIOD)))
    field: Field = scipy.fft.irfft2(white * np.sqrt(power), s=(PERIOD, PERIOD))
    return field[:SIDE, :SIDE]


def dead_leaves(rng: np.random.Generator, n: int, radii: tuple[float, float]) -> Field:
    """Draw ellipses that hide one another, the classical model of natural images.

    Radii have the density r^-3, which makes the picture look alike at every scale;
    each leaf has its own grey level and gradient.

    Args:
        rng: Source of randomness.
        n: Number of leaves.
        radii: Smallest and largest radius, cells.

    Returns:
        Field (70, 70), levels of about unit variance.

    Source:
        Lee, Mumford and Huang, Occlusion models for natural images, 2001,
        doi:10.1023/A:1011109015675.
    """
    image = np.full((SIDE, SIDE), rng.standard_normal())
    small, large = radii[0] ** -2, radii[1] ** -2
    radius = (large + rng.random(n) * (small - large)) ** -0.5
    for r, (row, column) in zip(np.sort(radius)[::-1], rng.uniform(0, SIDE, (n, 2)), strict=True):
        _paint_leaf(rng, image, row, column, r)
    return image


def _paint_leaf(
    rng: np.random.Generator, image: Field, row: float, column: float, radius: float
) -> None:
    """Paint one ellipse over the image, in place; only its bounding box is touched."""
    angle, flat = rng.uniform(0, np.pi), rng.uniform(0.25, 1)
    level, tilt = rng.standard_normal(), 0.3 * rng.standard_normal()
    top, left = max(0, int(row - radius)), max(0, int(column - radius))
    box = image[top : int(row + radius) + 1, left : int(column + radius) + 1]
    z = (np.arange(top, top + box.shape[0]) - row)[:, None] / radius
    x = (np.arange(left, left + box.shape[1]) - column)[None, :] / radius
    along = x * np.cos(angle) + z * np.sin(angle)
    across = (z * np.cos(angle) - x * np.sin(angle)) / flat
    np.copyto(box, level + tilt * along, where=along**2 + across**2 < 1)


def standardise(field: Field) -> Field:
    """Remove the mean and the trend in depth, and scale to unit standard deviation."""
    depth = np.linspace(-1, 1, SIDE)[:, None]
    field = field - field.mean()
    field = field - depth * ((depth * field).mean() / (depth**2).mean())
    scaled: Field = field / field.std()
    return scaled


def blur(field: Field, sigma: float) -> Field:
    """Blur by a Gaussian of `sigma` cells, edges repeated."""
    blurred: Field = gaussian_filter(field, sigma, mode="nearest", truncate=3)
    return blurred
