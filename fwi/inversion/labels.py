"""Which value each cell at an interface has: the nearest point of a lattice, in the data's metric.

A layered map is a few values and, for every cell, which of them it has. About a map of labels the
data are linear in both: giving cell i another value changes the map by y_i there, and shifting a
value changes all cells that have it,

    f(y, s) = |J (y + R s) + r|^2 / 2 + |s|^2 / (2 own^2),    y_i a change of its cell, s real,

with all data weighed by their known errors. Values are solved for (a region's shift of 3 m/s does
what a wrong cell does), then cells are decided (`lattice.decide`). On one real map two wrong cells
of 4,900 raised the residual from 0.59 noise deviations to 359: what is not right is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from fwi.arrays import Array
from fwi.inversion.labelled import OWN, Labelled, equations, linear_change
from fwi.inversion.lattice import Choices, decide
from fwi.inversion.levels import levels, nearest
from fwi.inversion.problem import Problem
from fwi.inversion.result import EXPLAINED
from fwi.inversion.rung import IsOver

_OFF = 1.5  # m/s: a cell that is so far from its value is in doubt, and those around it
_PATIENCE = 3  # rounds that bring little: a worse map may lead to a better one
_LITTLE = 0.98  # of the least residual: more brings little
_MOST = 1200  # cells in doubt: more are not decided well


@dataclass(frozen=True)
class Search:
    """How cells are decided.

    Attributes:
        reach: cells around those in doubt that are decided too.
        penalty: for a cell that keeps what it was, in half squares of noise deviations.
        interfaces: all cells beside one of another value are decided too.
        between: residuals of the best map, in noise deviations, for which it is made.
    """

    reach: int
    penalty: float = np.inf
    interfaces: bool = False
    between: tuple[float, float] = 0.0, np.inf


# Every cell has one of the values. If such a map nearly fits, what is wrong hides at interfaces; if
# none fits, some cells are exceptions.
_SEARCHES = (
    Search(1),
    Search(1, interfaces=True, between=(0.0, EXPLAINED)),
    Search(2, between=(1.0, np.inf)),
    Search(0, 10.0, between=(1.0, np.inf)),
)
# Of a cell's changes while it is undecided, over their width. No one is best: where many cells are
# wrong, only those searches come near that hold them where they are.
_SPREADS = 0.01, 0.03, 0.1, 0.3


def relabel(
    problem: Problem, smooth: Array, is_over: IsOver, is_reached: Callable[[Array], bool]
) -> tuple[Array, float]:
    """Give every cell one of the map's values, as long as the data agree better.

    Args:
        problem: the sample.
        smooth: map (nz, nx) that is nearly right, m/s.
        is_over: whether no further round may be begun.
        is_reached: whether a map is right.

    Returns:
        The map, and its residual in noise deviations; some cells may have kept what they were.
    """
    values = np.rint(levels(smooth, 1.0))
    if not len(values):
        return smooth, _residual(problem, smooth)
    best = first = Labelled(smooth, values, nearest(smooth, values))
    least = _residual(problem, best.velocity)
    for search in _SEARCHES:
        if not search.between[0] <= least < search.between[1]:
            continue
        here, worse = best if search.interfaces else first, 0
        while worse < _PATIENCE:
            if is_over() or is_reached(best.velocity):
                return best.velocity, least
            before, found = here, _decided(problem, here, search)
            if not found:
                break
            residuals = [_residual(problem, other.velocity) for other in found]
            here = found[int(np.argmin(residuals))]
            if np.array_equal(here.velocity, before.velocity):
                break
            worse = 0 if min(residuals) < _LITTLE * least else worse + 1
            if min(residuals) < least:
                best, least = here, min(residuals)
    return best.velocity, least


def _residual(problem: Problem, velocity: Array) -> float:
    return problem.relative(problem.noise_band(), torch.from_numpy(velocity))


def _decided(problem: Problem, here: Labelled, search: Search) -> list[Labelled]:
    """Decide the cells in doubt: with the values that go with it, and with those that were."""
    cells, labels = _options(here, search)
    places, first = np.unique(cells, return_index=True)
    if not 0 < len(places) <= _MOST:
        return []
    curvature, slope, values = equations(problem, here, places)
    before = here.velocity.ravel()[cells]
    targets = np.where(labels == OWN, here.smooth.ravel()[cells], here.values[labels])
    changes = linear_change(before, targets)
    ends = np.append(first, len(cells))
    width = np.maximum.reduceat(changes, first) - np.minimum.reduceat(changes, first)
    smooth = linear_change(here.velocity.ravel()[places], here.smooth.ravel()[places])
    penalties = np.where(labels == OWN, search.penalty, 0.0)
    try:
        taken = _best(curvature, slope, smooth, width.clip(1), Choices(ends, changes, penalties))
    except FloatingPointError:  # data do not hold these cells: what was decided before stays
        return []
    decided = here.labels.copy()
    decided.flat[places] = labels[taken]
    moved = replace(here, labels=decided)
    shifts = -(values[:, -1] + values[:, :-1] @ changes[taken])
    shifted = np.rint(here.values + shifts).clip(*problem.limits)
    return [moved, replace(moved, values=shifted)]


def _best(curvature: Array, slope: Array, smooth: Array, width: Array, choices: Choices) -> Array:
    """Search about the smooth map and about the decided one, in several spreads."""

    def value(taken: Array) -> float:
        y = choices.values[taken]
        return float(0.5 * y @ curvature @ y + slope @ y + choices.penalties[taken].sum())

    found = [
        decide(curvature, slope, mean, spread * width, choices)
        for mean in (smooth, np.zeros_like(smooth))
        for spread in _SPREADS
    ]
    return min(found, key=value)


def _options(here: Labelled, search: Search) -> tuple[Array, Array]:
    """Cells in doubt, and the labels that each may have, (options,) each, cell by cell.

    Those are of the cells around it and, where it had none, of the two values next to its own.
    """
    velocity = here.velocity
    doubt = (here.labels == OWN) | (np.abs(velocity - here.smooth) > _OFF)
    doubt = binary_dilation(doubt, np.ones((2 * search.reach + 1,) * 2, bool))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(here.labels, 1, "edge"), (3, 3))
    if search.interfaces:
        sides = around[..., (0, 1, 1, 2), (1, 0, 2, 1)]
        doubt |= (sides != here.labels[..., None]).any(2)
    options = list[tuple[int, int]]()
    for z, x in np.argwhere(doubt).tolist():
        labels = {*around[z, x].ravel().tolist()} - {OWN}
        if here.labels[z, x] == OWN:
            labels.update(np.abs(here.values - here.smooth[z, x]).argsort()[:2].tolist())
        if np.isfinite(search.penalty):
            labels.add(OWN)
        options += [(z * velocity.shape[1] + x, label) for label in sorted(labels)]
    cells, labels_ = np.array(options, int).reshape(-1, 2).T
    return cells, labels_
