"""Blocks: the ground right of a fault slid along it, on the fine picture of the A families.

Spline ringing, whatever falls below the slowest velocity undone, and tilted columns leave marks in
the real maps of FlatFault_A, which these steps give to 0.01 m/s along the edges of the map and in
kind along the fault: blocks of the mean of two layers, faint lines, pits.
"""

import numpy as np
from scipy.ndimage import shift

from fwi.families.faults import TILT, Fault
from fwi.families.registry import Field

HOLLOW = -1500.0
"""What cells hold that no ground slid into, m/s: pits beside the tilted edges measure it."""

_REACH = 512  # columns of the step that rings; more than any two columns are apart
_STILL = 1.5e-15  # ringing below this is lost in double precision: 25 columns from the fault


def slid(ground: Field, fault: Fault) -> Field:
    """Slide the ground right of a fault along it.

    Rows move by whole cells, columns by a fraction too, through a cubic spline that rings at the
    step from ground to hollow; across one cell it falls to 2 - sqrt(3) and changes its sign.

    Args:
        ground: Velocity before (N, N), m/s.
        fault: The fault, in cells of this picture.

    Returns:
        Velocity after (N, N), m/s, and `HOLLOW` where nothing came to.
    """
    side = len(ground)
    cells = np.arange(side)
    edge = np.ceil(fault.column - (cells - side / 2) * fault.lean)
    edge = np.clip(edge, -side, 2 * side).astype(int)
    down = int(np.floor(fault.throw))
    across = -down * fault.lean
    rows = cells - down
    columns = cells - int(np.clip(np.floor(across), -side, side))
    sources = np.ix_(np.clip(rows, 0, side - 1), np.clip(columns, 0, side - 1))
    beyond = columns - edge[sources[0]]
    moved = ground[sources]
    moved += (moved - HOLLOW) * _ringing(across - np.floor(across))[beyond + _REACH]
    moved[(rows < 0) | (rows >= side)] = HOLLOW
    moved[:, (cells < across) | (cells > across + side - 1)] = HOLLOW
    return np.where(cells < edge[:, None], ground, moved)


def _ringing(fraction: float) -> Field:
    """Return what a cubic spline through a unit step lacks of one, `fraction` of a cell later."""
    step = np.repeat([0.0, 1.0], _REACH)
    lacking: Field = shift(step, fraction, order=3, mode="nearest") - 1
    lacking[np.abs(lacking) < _STILL] = 0
    return lacking


def tilted(picture: Field) -> Field:
    """Tilt columns to the right about their upper ends by `TILT`, interpolated linearly.

    Args:
        picture: Velocity (N, N), m/s.

    Returns:
        Velocity (N, N), m/s; what is beyond the picture mixes in as `HOLLOW`.
    """
    side = len(picture)
    padded = np.full((side + 1, side + 1), HOLLOW)  # the last row and column, also as -1
    padded[:side, :side] = picture
    cells = np.arange(side)
    depth, drift = cells / np.cos(TILT), cells * np.tan(TILT)
    above, left = depth.astype(int), np.floor(-drift).astype(int)
    down, right = (depth - above)[:, None], (-drift - left)[:, None]
    mixed = padded[above] * (1 - down) + padded[above + 1] * down
    columns = np.maximum(cells + left[:, None], -1)
    beside = np.maximum(cells + left[:, None] + 1, -1)
    rows = cells[:, None]
    tilted: Field = mixed[rows, columns] * (1 - right) + mixed[rows, beside] * right
    return tilted
