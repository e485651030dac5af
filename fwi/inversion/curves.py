"""The curve that a map's layers share: how much deeper they lie in every column."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array

_MOST = 0.25  # of the grid's depth: the largest shift
_DEPTH = 0.35  # of the grid's depth over which columns count less: what lies deep is known late
_JUMP = 0.1  # of a column's misfit: what a row more or less than the last column costs
_ROUNDS = 8


def curve_of(velocity: Array) -> Array:
    """Find the shifts that bring a map's columns nearest to one profile.

    In the CurveVel families one curve shifts all interfaces, and a fault shifts all that it cuts.
    Profile and shifts are found by turns, the shifts of all columns at once by dynamic programming.

    Args:
        velocity: (nz, nx), m/s.

    Returns:
        (nx,) integers, rows, positive downward.

    Source:
        D. Hale, Geophysics 78 (2013), dynamic warping.
    """
    logarithm, (nz, nx) = np.log(velocity), velocity.shape
    rows, most = np.arange(nz), int(_MOST * nz)
    weights = np.exp(-rows / (_DEPTH * nz))
    shifts, curve = np.arange(-most, most + 1), np.zeros(nx, int)
    for _ in range(_ROUNDS):
        profile = _profile(logarithm, weights, rows[:, None] - curve + most, nz + 2 * most)
        shifted = profile[rows - shifts[:, None] + most]
        # sum w (s - f)^2 but for sum w s^2, the same for every shift
        cost = (shifted**2 @ weights)[:, None] - 2 * shifted @ (weights[:, None] * logarithm)
        cost += weights @ logarithm**2
        before, curve = curve, shifts[_path(cost, _JUMP * cost.min(0).mean())]
        curve = (curve - int(np.median(curve))).clip(-most, most)
        if np.array_equal(curve, before):
            break
    return curve


def _profile(values: Array, weights: Array, places: Array, length: int) -> Array:
    """Weighted mean of the values that come to every place; those of no value are filled."""
    every = np.broadcast_to(weights[:, None], values.shape)
    total = np.bincount(places.ravel(), every.ravel(), length)
    sums = np.bincount(places.ravel(), (every * values).ravel(), length)
    known = np.flatnonzero(total)
    return np.interp(np.arange(length), known, sums[known] / total[known])


def _path(cost: Array, jump: float) -> Array:
    """The cheapest row of every column, where each row between two columns costs, (columns,)."""
    rows = np.arange(len(cost))
    between = jump * np.abs(rows[:, None] - rows)
    total, back = cost[:, 0], np.zeros(cost.shape, int)
    for column in range(1, cost.shape[1]):
        reached = total + between
        back[:, column] = reached.argmin(1)
        total = reached.min(1) + cost[:, column]
    path = [int(total.argmin())]
    for column in range(cost.shape[1] - 1, 0, -1):
        path.append(int(back[path[-1], column]))
    return np.array(path[::-1])
