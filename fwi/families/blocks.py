"""Blocks: the ground right of a fault slid along it, on the fine picture of the A families.

The real maps of FlatFault_A hold marks beside their faults and edges, and these steps make the
same: a spline's ringing draws faint lines along the fault, and where it undershoots the slowest
velocity every other cell is undone, which blurs to a block of the mean of two layers; tilted
edges leave pits.
"""

from functools import cache

import numpy as np
from scipy.ndimage import shift

from fwi.families.faults import TILT, Fault
from fwi.families.registry import Field
from fwi.families.stacks import Integers

HOLLOW = -1500.0
"""What cells hold that no ground slid into, m/s: pits beside the tilted edges measure it."""

_REACH = 512  # columns of the step that rings; more than any two columns are apart
_STILL = 1.5e-15  # ringing below this is lost in double precision: 25 columns from the fault
_ROUNDING = 1.5e-12  # m/s, of interpolation; the faintest ringing is above it


def faulted(flat: Field, bent: Field, fault: Fault) -> Field:
    """Slide ground along a fault and tilt it; undo what came out below the slowest velocity.

    Args:
        flat: Velocity (N, N), m/s, slowest in its first row; it lies where faulting is undone.
        bent: Velocity (N, N), m/s, of the ground that is faulted.
        fault: The fault, in cells of these pictures.

    Returns:
        Velocity (N, N), m/s.
    """
    moved = tilted(slid(bent, fault))
    return np.where(moved < flat[0, 0] - _ROUNDING, flat, moved)


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
    above, down, beside, right = _tilt(side)
    padded = np.full((side + 1, side + 2), HOLLOW)  # below, and two columns either side of a row
    padded[:side, :side] = picture
    mixed = padded[above] * (1 - down) + padded[above + 1] * down
    return mixed.take(beside) * (1 - right) + mixed.take(beside + 1) * right


@cache
def _tilt(side: int) -> tuple[Integers, Field, Integers, Field]:
    """Return where tilted cells come from, and the shares of the cells below and beside.

    Returns:
        Rows above (N,) and the shares of those below (N, 1); places (N, N) of the left cells among
        rows of N + 2 columns, whose ends are the left neighbours of the next row; and the shares
        of the right ones (N, 1).
    """
    cells = np.arange(side)
    depth, drift = cells / np.cos(TILT), -cells[:, None] * np.tan(TILT)
    above, left = depth.astype(int), np.floor(drift).astype(int)
    beside = cells[:, None] * (side + 2) + np.maximum(cells + left, -2)
    return above, (depth - above)[:, None], beside, drift - left
