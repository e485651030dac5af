"""Curves: the shape that shifts every interface of a map alike."""

from collections.abc import Sequence

import numpy as np

from fwi.families.registry import Field
from fwi.openfwi import SIDE

HARMONICS = np.arange(1, 6)
"""Periods of 70/1 ... 70/5 columns, the ones found in real maps."""


def curve(
    rng: np.random.Generator, leading: Sequence[float], side: float, amplitude: tuple[float, float]
) -> Field:
    """Draw a sum of sines with one leading harmonic.

    d(x) = sum_k a_k sin(2 pi k x / 70 + phi_k), k = 1 ... 5, phi_k uniform.
    The neighbours of the leading harmonic beat with it, which gives the slowly
    varying amplitude of the real curves.

    Args:
        rng: Source of randomness.
        leading: Probabilities (5,) of each harmonic to lead.
        side: Largest weight of the neighbouring harmonics beside the leading one.
        amplitude: Range of half the peak-to-trough height, rows.

    Returns:
        Shifts (70,), rows, positive downward.
    """
    first = rng.choice(HARMONICS, p=leading)
    distance = np.abs(HARMONICS - first)
    weight = np.where(distance == 0, 1, rng.uniform(0, side, HARMONICS.size) / distance.clip(1))
    angle = 2 * np.pi * np.outer(HARMONICS, np.arange(SIDE)) / SIDE
    shape: Field = weight @ np.sin(angle + rng.uniform(0, 2 * np.pi, (HARMONICS.size, 1)))
    shape *= 2 * rng.uniform(*amplitude) / np.ptp(shape)
    return shape
