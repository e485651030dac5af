"""Which region each cell at an interface belongs to, by a binary quadratic over exact products.

A layered map is a few values and, for every cell, which of them it has. About a snapped map the
misfit is a quadratic in both: moving a cell i to a neighbour's value changes the map by d_i there,
and shifting a region's value changes all of it,

    f(z, s) = g' (D z + R s) + (D z + R s)' H (D z + R s) / 2,    z binary, s real,

with g and H of all data weighed by their known errors. Moves are taken one by one, the best first;
where they bring nothing, the values are solved for along with them. On one real map two wrong cells
of 4,900 raised the residual from 0.59 noise deviations to 359.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import maximum_filter, minimum_filter

from fwi.arrays import Array
from fwi.inversion.jacobian import gram
from fwi.inversion.methods.dense import rows_at
from fwi.inversion.objective import look
from fwi.inversion.plateaus import regions_of, snap
from fwi.inversion.problem import Problem
from fwi.inversion.rung import State

_ROUNDS = 8
_MOVES = 1000  # of a round
_GAIN = 1.0  # of a move, in half squares of noise deviations: less is none
_OFF, _NEAR = 20.0, 7  # m/s beyond all values of so many rows and columns around


def relabel(
    problem: Problem, smooth: Array, good: float, is_over: Callable[[], bool]
) -> tuple[Array, float]:
    """Snap a map, then move cells between its regions and shift values until data agree.

    Args:
        problem: the sample.
        smooth: map (nz, nx) that is nearly right, m/s.
        good: residual in noise deviations that is low enough.
        is_over: whether no further round may be begun.

    Returns:
        The map, and its residual in noise deviations.
    """
    velocity = snap(smooth)
    best = _residual(problem, velocity)
    for _ in range(_ROUNDS):
        if best < good or is_over():
            break
        model = _Model(problem, velocity)
        # A shift of a whole region makes up for many wrong cells, and leads away from them: values
        # are left alone as long as moves bring something.
        for shifted in (False, True):
            maps = model.lead(smooth, shifted)
            residuals = [_residual(problem, map_) for map_ in maps]
            least = int(np.argmin(residuals))
            if residuals[least] < best:
                best, velocity = residuals[least], maps[least]
                break
        else:
            break
    return velocity, best


def _residual(problem: Problem, velocity: Array) -> float:
    return problem.relative(problem.noise_band(), torch.from_numpy(velocity))


def _counts(n: int) -> list[int]:
    """Give 1, 2, 4, ... and n: so many of the best moves are tried; 0 where there are none."""
    return sorted({min(2**i, n) for i in range(n.bit_length() + 1)} if n else {0})


class _Model:
    """The misfit's quadratic about a snapped map, its regions' values solved for."""

    def __init__(self, problem: Problem, velocity: Array) -> None:
        self.velocity, self.shape = velocity.ravel(), velocity.shape
        self.bounds = problem.bounds
        band = problem.noise_band()
        at = look(problem, band, State(torch.from_numpy(velocity), float(velocity.min())))
        sponge = at.sponge(band)
        coupling = at.back(band, sponge).flatten().numpy()
        rows, _ = rows_at(problem, band, at)
        self.hessian = gram(rows, problem.room).double().numpy()
        self.gradient = at.back(band, at.residual).flatten().numpy()
        self.regions = regions_of(velocity, 0.5).ravel()
        member = np.eye(self.regions.max() + 1)[self.regions]
        # The slowest region takes the sponge's velocity with it.
        slowest = np.zeros(member.shape[1])
        slowest[self.regions[self.velocity.argmin()]] = 1
        self._columns = self.hessian @ member + np.outer(coupling, slowest)
        self._values = member.T @ self._columns
        self._values += np.outer(slowest, coupling @ member)
        self._values += band.product(sponge, sponge) * np.outer(slowest, slowest)
        self._slope = member.T @ self.gradient + band.product(sponge, at.residual) * slowest

    def lead(self, smooth: Array, shifted: bool) -> list[Array]:
        """Maps that the quadratic leads to, by its best moves: the first, two, four, ... of them.

        Args:
            smooth: the map before it was snapped, (nz, nx), m/s.
            shifted: whether regions' values are solved for along with the moves, or stay.
        """
        cells, values, joined = _candidates(self.velocity, smooth.ravel(), self.regions, self.shape)
        order, shifts = self.search(cells, values, shifted)
        maps, whole = [], np.append(np.rint(shifts), 0.0)  # the last for -1
        for count in _counts(len(order)):
            used, moved = order[:count], self.velocity + whole[self.regions]
            moved[cells[used]] = values[used] + whole[joined[used]]
            maps.append(moved.clip(*self.bounds).reshape(self.shape))
        return maps

    def search(self, cells: Array, targets: Array, shifted: bool) -> tuple[Array, Array]:
        """Take moves: their numbers, best first, and the shifts of the regions' values.

        Args:
            cells: where a move is, (moves,).
            targets: what velocity it gives, m/s.
            shifted: whether values are solved for along with the moves, or stay.
        """
        change = _linear_change(self.velocity[cells], targets)
        solved = np.zeros((len(self._values), len(self.velocity) + 1))
        if shifted:
            ridge = 1e-9 * np.trace(self._values) * np.eye(len(self._values))
            known = np.column_stack([self._columns.T, self._slope])
            solved = np.linalg.solve(self._values + ridge, known)
        places, at = np.unique(cells, return_inverse=True)
        projected = self.hessian[np.ix_(places, places)] - self._columns[places] @ solved[:, places]
        slope = self.gradient[places] - self._columns[places] @ solved[:, -1]
        order = _descend(projected, slope, at, change)
        moved = np.zeros(len(self.velocity))
        moved[cells[order]] = change[order]
        return order, -(solved[:, -1] + solved[:, :-1] @ moved)


def _linear_change(velocity: Array, target: Array) -> Array:
    """Change of the velocity that is to the data, linear in slowness squared, what a jump is."""
    return 0.5 * velocity**3 * (velocity**-2.0 - target**-2.0)


def _descend(curvature: Array, slope: Array, at: Array, change: Array) -> Array:
    """Minimise a quadratic by one cell's move at a time, the best first.

    A cell may be moved again, or back.

    Args:
        curvature: of the cells, (cells, cells).
        slope: of the cells, (cells,).
        at: the cell of each move, (moves,).
        change: what a move changes its cell by, (moves,).

    Returns:
        Numbers of the moves that are left, in the order in which they were made.
    """
    n, slope = len(slope), slope.copy()
    at, change = np.append(at, np.arange(n)), np.append(change, np.zeros(n))  # back, the last n
    here, made = np.zeros(n), dict[int, int]()
    for _ in range(_MOVES):
        step = change - here[at]
        gain = step * slope[at] + 0.5 * step**2 * np.diag(curvature)[at]
        best = int(gain.argmin())
        if not gain[best] < -_GAIN:
            break
        cell = int(at[best])
        slope += curvature[:, cell] * step[best]
        here[cell] = change[best]
        made.pop(cell, None)
        if best < len(at) - n:
            made[cell] = best
    return np.array(list(made.values()), int)


def _candidates(
    velocity: Array, smooth: Array, regions: Array, shape: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """Moves: cells, the values that they would have, and the regions these are of.

    Cells beside another region may join it; and those that had been beyond all values near them may
    go back to what they had before the snap, which is no region's (-1): that brings back regions of
    a few cells, which snapping overlooks.
    """
    grid = velocity.reshape(shape)
    highest, lowest = maximum_filter(grid, _NEAR), minimum_filter(grid, _NEAR)
    beyond = np.maximum(smooth - highest.ravel(), lowest.ravel() - smooth)
    own = np.flatnonzero(beyond > _OFF)
    moves = {(cell, -1) for cell in own.tolist()}
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(regions.reshape(shape), 1, "edge"), (3, 3)
    ).reshape(len(regions), 9)
    cells, places = np.nonzero(around != regions[:, None])
    moves.update(zip(cells.tolist(), around[cells, places].tolist(), strict=True))
    cells, joined = np.array(sorted(moves), int).reshape(-1, 2).T
    of_region = np.zeros(regions.max() + 1)
    of_region[regions] = velocity
    return cells, np.where(joined < 0, np.rint(smooth[cells]), of_region[joined]), joined
