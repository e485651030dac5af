"""FlatVel and CurveVel: whole-number layers, flat or shifted by one curve."""

import numpy as np

from fwi.families.curves import curve
from fwi.families.layers import (
    Integers,
    any_values,
    increasing_values,
    regular_thicknesses,
    sharp,
)
from fwi.families.registry import Field, register_family
from fwi.openfwi import SIDE

COUNTS = (3, 4, 5, 6, 7, 8)
COUNT_ODDS = (0.1, 0.2, 0.2, 0.2, 0.2, 0.1)
"""Layers of a map; three and eight were seen half as often as the others."""

LEADING = (0.03, 0.2, 0.54, 0.2, 0.03)
"""Curves of real maps have periods of 22 to 24 columns: mostly 70/3."""


@register_family("FlatVel_A")
def flat_increasing(rng: np.random.Generator) -> Field:
    """Draw flat layers whose velocity increases with depth, (70, 70) m/s."""
    tops = _tops(rng)
    return _flat(increasing_values(rng, tops.size + 1), tops)


@register_family("FlatVel_B")
def flat_any(rng: np.random.Generator) -> Field:
    """Draw flat layers in any order of velocity, (70, 70) m/s."""
    tops = _tops(rng)
    return _flat(any_values(rng, tops.size + 1), tops)


@register_family("CurveVel_A")
def curved_increasing(rng: np.random.Generator) -> Field:
    """Draw curved layers whose velocity increases with depth, (70, 70) m/s."""
    tops = _tops(rng)
    return _curved(rng, increasing_values(rng, tops.size + 1), tops)


@register_family("CurveVel_B")
def curved_any(rng: np.random.Generator) -> Field:
    """Draw curved layers in any order of velocity, (70, 70) m/s."""
    tops = _tops(rng)
    return _curved(rng, any_values(rng, tops.size + 1), tops)


def _tops(rng: np.random.Generator) -> Field:
    """Draw the interfaces of a map, rows, the last one near its bottom or below.

    The layer beyond the last interface is mostly out of sight: sorted velocities
    that lose their fastest give the mean and spread of the A families.
    """
    n = int(rng.choice(COUNTS, p=COUNT_ODDS))
    return np.cumsum(regular_thicknesses(rng, n, spill=0.45, jitter=0.3))


def _flat(values: Integers, tops: Field) -> Field:
    """Fill the rows between interfaces, (70, 70) m/s."""
    return np.tile(sharp(values, tops, np.arange(float(SIDE)))[:, None], SIDE)


def _curved(rng: np.random.Generator, values: Integers, tops: Field) -> Field:
    """Fill the layers between interfaces shifted by one curve, (70, 70) m/s.

    Real crests stay 3 to 5 rows below the surface, however large the curve.
    """
    shift = curve(rng, LEADING, side=0.7, amplitude=(4, 17))
    crest = tops[0] + shift.min()
    shift += max(0, rng.uniform(-7, 5) - crest)
    return sharp(values, tops, np.arange(float(SIDE))[:, None] - np.rint(shift))
