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
from torch import Tensor

from fwi.arrays import Array
from fwi.inversion.jacobian import thinned_rows
from fwi.inversion.lattice import Choices, decide
from fwi.inversion.levels import levels, nearest
from fwi.inversion.methods.dense import rows_at
from fwi.inversion.objective import look
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, State

_OFF = 1.5  # m/s: a cell that is so far from its value is in doubt, and those around it
_PATIENCE = 3  # rounds that bring little: a worse map may lead to a better one
_LITTLE = 0.98  # of the least residual: more brings little
_MOST = 1200  # cells in doubt: more are not decided well
_OWN = -1  # the label of a cell that keeps what it was
_SHIFT = 3.0  # m/s of a value


@dataclass(frozen=True)
class Search:
    """How cells are decided.

    Attributes:
        reach: cells around those in doubt that are decided too.
        spread: of a cell's changes, about what it was: while it is undecided.
        penalty: for a cell that keeps what it was, in half squares of noise deviations.
    """

    reach: int
    spread: float
    penalty: float


# Every cell has one of the values; where that cannot be, some are exceptions.
_SEARCHES = Search(1, 0.3, np.inf), Search(2, 0.3, np.inf), Search(0, 0.1, 10.0)


@dataclass(frozen=True)
class Labelled:
    """A map of labels.

    Attributes:
        smooth: what it was, (nz, nx), m/s.
        values: of the regions, (regions,), m/s.
        labels: their numbers, (nz, nx); -1 where a cell keeps what it was.
    """

    smooth: Array
    values: Array
    labels: Array

    @property
    def velocity(self) -> Array:
        """The map (nz, nx), m/s."""
        return np.where(self.labels == _OWN, self.smooth, self.values[self.labels])


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
        here, worse = first, 0
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
    curvature, slope, values = _equations(problem, here, places)
    before = here.velocity.ravel()[cells]
    targets = np.where(labels == _OWN, here.smooth.ravel()[cells], here.values[labels])
    changes = _linear_change(before, targets)
    ends = np.append(first, len(cells))
    width = np.maximum.reduceat(changes, first) - np.minimum.reduceat(changes, first)
    mean = _linear_change(here.velocity.ravel()[places], here.smooth.ravel()[places])
    penalties = np.where(labels == _OWN, search.penalty, 0.0)
    taken = decide(
        curvature, slope, mean, search.spread * width.clip(1), Choices(ends, changes, penalties)
    )
    decided = here.labels.copy()
    decided.flat[places] = labels[taken]
    moved = replace(here, labels=decided)
    shifts = -(values[:, -1] + values[:, :-1] @ changes[taken])
    return [moved, replace(moved, values=np.rint(here.values + shifts))]


def _equations(problem: Problem, here: Labelled, places: Array) -> tuple[Array, Array, Array]:
    """The misfit's curvature and slope by some cells, the values solved for.

    Returns:
        (n, n), (n,), and what gives the values' shifts: a column for each cell, and one that
        stands alone, (regions, n + 1).
    """
    velocity, n = here.velocity, len(places)
    band = problem.noise_band()
    at = look(problem, band, State(torch.from_numpy(velocity), float(velocity.min())))
    rows, every = rows_at(problem, band, at)
    columns = _columns(rows.flatten(1), here.labels.ravel(), places, len(here.values))
    slowest = here.labels.flat[velocity.argmin()]
    if slowest != _OWN:  # its value is the sponge's too
        columns[n + slowest] += thinned_rows(band, at.by_sponge, every).flatten()
    left = at.linear.gathers[0] - problem.observed
    residual = thinned_rows(band, left, every).flatten().double()
    matrix, slope = (columns @ columns.T).numpy(), (columns @ residual).numpy()
    own = matrix[n:, n:] + np.eye(len(here.values)) / _SHIFT**2
    solved = np.linalg.solve(own, np.column_stack([matrix[n:, :n], slope[n:]]))
    coupling = matrix[:n, n:]
    return matrix[:n, :n] - coupling @ solved[:, :n], slope[:n] - coupling @ solved[:, -1], solved


def _columns(rows: Tensor, labels: Array, places: Array, regions: int) -> Tensor:
    """J by some cells and by every region's value, transposed, float64: sums are exact enough."""
    of_regions = [
        rows[torch.from_numpy(np.flatnonzero(labels == region))].double().sum(0)
        for region in range(regions)
    ]
    return torch.cat([rows[torch.from_numpy(places)].double(), torch.stack(of_regions)])


def _linear_change(velocity: Array, target: Array) -> Array:
    """Change of the velocity that is to the data, linear in slowness squared, what a jump is."""
    return 0.5 * velocity**3 * (velocity**-2.0 - target**-2.0)


def _options(here: Labelled, search: Search) -> tuple[Array, Array]:
    """Cells in doubt, and the labels that each may have, (options,) each, cell by cell.

    Those are of the cells around it and, where it had none, of the two values next to its own.
    """
    velocity = here.velocity
    doubt = (here.labels == _OWN) | (np.abs(velocity - here.smooth) > _OFF)
    doubt = binary_dilation(doubt, np.ones((2 * search.reach + 1,) * 2, bool))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(here.labels, 1, "edge"), (3, 3))
    options = list[tuple[int, int]]()
    for z, x in np.argwhere(doubt).tolist():
        labels = {*around[z, x].ravel().tolist()} - {_OWN}
        if here.labels[z, x] == _OWN:
            labels.update(np.abs(here.values - here.smooth[z, x]).argsort()[:2].tolist())
        if np.isfinite(search.penalty):
            labels.add(_OWN)
        options += [(z * velocity.shape[1] + x, label) for label in sorted(labels)]
    cells, labels_ = np.array(options, int).reshape(-1, 2).T
    return cells, labels_
