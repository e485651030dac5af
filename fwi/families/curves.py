"""Curves of interfaces: quadratic splines through knots ten columns apart."""

from functools import cache

import numpy as np
from scipy.interpolate import make_interp_spline

from fwi.families.registry import Field
from fwi.openfwi import SIDE

FIRST = 0.1
"""Where the map's first column lies on the axis of the knots."""

KNOTS = (0, 10, 20, 30, 40, 50, 60, 78)
"""Columns where real curves take independent values; the last one lies beyond the map."""


def spline(values: Field) -> Field:
    """Draw the curves of real interfaces through their knots.

    A quadratic spline, smooth to the first derivative, one parabola from column 0 to 20 and
    then one between neighbouring knots: each starts with the slope in which the last one ended,
    so the curves swing further and further towards the right, as the real ones do.

    Args:
        values: Depths (..., 8) at `KNOTS`, rows.

    Returns:
        Depths (..., 70) at the columns of a map, rows, which may lie above or below it.

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
