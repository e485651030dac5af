"""FlatFault and CurveFault: layers slid along one fault (A) or several (B)."""

from collections.abc import Sequence

import numpy as np

from fwi.families.curves import curve
from fwi.families.faults import Fault, grid, ragged_fault, smooth_fault, unfault
from fwi.families.layers import (
    blurred,
    increasing_values,
    mostly_increasing_values,
    sharp,
    uneven_thicknesses,
)
from fwi.families.registry import Field, register_family
from fwi.openfwi import FASTEST, SIDE, SLOWEST

LONG_PERIODS = (1.0, 0.0, 0.0, 0.0, 0.0)
"""A: one smooth interface with a period of 60 to 70 columns."""

SHORT_PERIODS = (0.0, 0.0, 0.45, 0.55, 0.0)
"""B: periods of 16 to 25 columns."""


@register_family("FlatFault_A")
def flat_blurred(rng: np.random.Generator) -> Field:
    """Draw a few flat layers across a fault, interfaces blurred, (70, 70) m/s."""
    return _blurred(rng, np.zeros(SIDE))


@register_family("CurveFault_A")
def curved_blurred(rng: np.random.Generator) -> Field:
    """Draw a few gently curved layers across a fault, blurred, (70, 70) m/s."""
    return _blurred(rng, curve(rng, LONG_PERIODS, side=0.2, amplitude=(6, 14)))


@register_family("FlatFault_B")
def flat_sharp(rng: np.random.Generator) -> Field:
    """Draw many flat layers across several faults, sharp, (70, 70) m/s."""
    return _sharp(rng, np.zeros(SIDE))


@register_family("CurveFault_B")
def curved_sharp(rng: np.random.Generator) -> Field:
    """Draw many strongly curved layers across several faults, sharp, (70, 70) m/s."""
    return _sharp(rng, curve(rng, SHORT_PERIODS, side=0.5, amplitude=(5, 12)))


def _blurred(rng: np.random.Generator, shift: Field) -> Field:
    """Draw a map of the A kind whose interfaces follow `shift`, (70, 70) m/s."""
    n = int(rng.choice((2, 3, 4), p=(0.2, 0.4, 0.4)))
    tops = np.cumsum(uneven_thicknesses(rng, n, rows=SIDE, evenness=6))[:-1] - rng.uniform(0, 10)
    values = increasing_values(rng, n)
    faults = [smooth_fault(rng) for _ in range(rng.choice((1, 2), p=(0.75, 0.25)))]
    depth, x = unfault(faults, *grid())
    velocity = blurred(values, tops, depth - _between(shift, x), rng.uniform(1, 2.5))
    return np.clip(velocity + _marks(rng, faults), SLOWEST, FASTEST)


def _sharp(rng: np.random.Generator, shift: Field) -> Field:
    """Draw a map of the B kind whose interfaces follow `shift`, (70, 70) m/s."""
    n = int(rng.integers(9, 14, endpoint=True))
    tops = np.cumsum(uneven_thicknesses(rng, n, rows=SIDE + 8, evenness=2.5))[:-1] - rng.uniform(
        4, 9
    )
    values = mostly_increasing_values(rng, n, swap=0.12)
    faults = [ragged_fault(rng) for _ in range(rng.choice((2, 3, 4), p=(0.35, 0.4, 0.25)))]
    depth, x = unfault(faults, *grid())
    return sharp(values, tops, depth - shift[np.rint(x).astype(int)])


def _between(shift: Field, x: Field) -> Field:
    """Interpolate a curve (70,) at fractional columns."""
    return np.interp(x, np.arange(SIDE), shift)


def _marks(rng: np.random.Generator, faults: Sequence[Fault]) -> Field:
    """Draw the faint patchy marks of a few m/s along faults, (70, 70) m/s.

    In the real maps the line of a fault can be followed through a layer of one
    velocity by marks of 5 to 20 m/s, with gaps.
    """
    depth, x = grid()
    marks = np.zeros((SIDE, SIDE))
    for fault in faults:
        strength = rng.exponential(8) * np.repeat(rng.random(SIDE // 5) < 0.5, 5)
        zone = np.abs(fault.side(depth, x)) < fault.width
        marks += zone * strength[:, None]
    return marks
