"""Curves of interfaces: quadratic splines through knots ten columns apart."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.interpolate import make_interp_spline

from fwi.families.registry import Field
from fwi.openfwi import SIDE

FIRST = 0.1
"""Column of the knots' axis that a map's first column shows: its breaks lie at 19.9 ... 59.9."""

KNOTS = (0, 10, 20, 30, 40, 50, 60, 78)
"""Where real curves take independent values; the last knot lies beyond the map."""

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


def spline(values: Field) -> Field:
    """Draw the curves of real interfaces through their knots.

    A quadratic spline, smooth to the first derivative, one parabola from column 0 to 20 and
    then one between neighbouring knots: each starts with the slope in which the last one ended,
    so the curves swing further and further towards the right, as the real ones do.

    Args:
        values: Depths (..., 8) at `KNOTS`, rows.

    Returns:
        Depths (..., 70) at the columns of a map, rows, of any size and sign.

    Source:
        500 real maps of CurveVel_A: all 1,672 interfaces that no edge of the map cuts are such
        splines, rounded to rows (within 0.5 rows); with the breaks moved by 0.05 columns 7 to
        9 % of them are not.
    """
    depths: Field = values @ _weights().T
    return depths


@cache
def _weights() -> Field:
    """Return what each knot's value adds to the depth in each column, (70, 8)."""
    first, last = KNOTS[0], KNOTS[-1]
    breaks = (first, first, first, *KNOTS[2:-1], last, last, last)
    unit = make_interp_spline(KNOTS, np.eye(len(KNOTS)), k=2, t=breaks)
    weights: Field = unit(np.arange(SIDE) + FIRST)
    return weights
