"""Which region each cell at an interface belongs to, by a binary quadratic over exact products.

A layered map is a few values and, for every cell, which of them it has. About a snapped map the
misfit is a quadratic in both: moving a cell i to a neighbour's value changes the map by d_i there,
and shifting a region's value changes all of it,

    f(z, s) = g' (D z + R s) + (D z + R s)' H (D z + R s) / 2,    z binary, s real,

with g and H of all data weighed by their known errors. The values are solved for exactly, and
moves are taken one by one, the best first. Data determine every cell: one wrong cell costs some
700 to 38,000 standard deviations, so that what is left wrong is a matter of the search alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from fwi.arrays import Array
from fwi.inversion.descent import BOUNDS, gauss_newton_hessian
from fwi.inversion.plateaus import regions_of, snap
from fwi.inversion.problem import Problem

_ROUNDS = 8
_MOVES = 400  # of a round
_OFF = 10.0  # m/s that a snapped cell is from what it was


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
        found = min(
            (
                (_residual(problem, map_), i, map_)
                for i, map_ in enumerate(_round(problem, velocity, smooth))
            ),
            default=None,
            key=lambda candidate: candidate[:2],
        )
        if found is None or found[0] >= best:
            break
        best, velocity = found[0], found[2]
    return velocity, best


def _residual(problem: Problem, velocity: Array) -> float:
    return problem.relative(problem.noise_band(), torch.from_numpy(velocity))


def _round(problem: Problem, velocity: Array, smooth: Array) -> list[Array]:
    """Maps that the quadratic about a snapped one leads to."""
    model = _Model(problem, velocity)
    cells, values = _candidates(velocity, smooth)
    maps = []
    for shifted in (False, True):
        order, shifts = model.search(cells, values, shifted)
        for count in _counts(len(order)):
            used, moved = order[:count], velocity.copy().ravel()
            moved[cells[used]] = values[used]
            moved += np.rint(shifts)[model.regions] * (moved == velocity.ravel())
            maps.append(moved.clip(*BOUNDS).reshape(velocity.shape))
    return maps


def _counts(n: int) -> list[int]:
    """Give 1, 2, 4, ... and n: so many of the best moves are tried."""
    return sorted({min(2**i, n) for i in range(n.bit_length() + 1)})


class _Model:
    """The misfit's quadratic about a snapped map, its regions' values solved for."""

    def __init__(self, problem: Problem, velocity: Array) -> None:
        self.velocity, band = velocity.ravel(), problem.noise_band()
        map_ = torch.from_numpy(velocity)
        vmin = float(velocity.min())
        linear = problem.linearize(map_, vmin)
        residual = band.apply(linear.gathers[0] - problem.observed)
        sponge = band.apply(linear.jvp(torch.zeros_like(map_)[None].float(), torch.ones(1))[0])

        def back(data: torch.Tensor) -> Array:
            return linear.vjp(band.adjoint(data)[None])[0].flatten().double().numpy()

        def product(data: torch.Tensor) -> float:
            return float((sponge.double() * data.double()).sum()) / band.spacing

        self.hessian = gauss_newton_hessian(problem, map_, vmin, band, linear).double().numpy()
        self.gradient = back(residual)
        self.regions = regions_of(velocity, 0.5).ravel()
        member = np.eye(self.regions.max() + 1)[self.regions]
        # The slowest region takes the sponge's velocity with it.
        slowest = np.zeros(member.shape[1])
        slowest[self.regions[self.velocity.argmin()]] = 1
        self._columns = self.hessian @ member + np.outer(back(sponge), slowest)
        self._values = member.T @ self._columns
        self._values += np.outer(slowest, back(sponge) @ member)
        self._values += product(sponge) * np.outer(slowest, slowest)
        self._slope = member.T @ self.gradient + product(residual) * slowest

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
        projected = self.hessian[np.ix_(cells, cells)] - self._columns[cells] @ solved[:, cells]
        slope = (self.gradient[cells] - self._columns[cells] @ solved[:, -1]) * change
        order = _greedy(projected * np.outer(change, change), slope, cells)
        moved = np.zeros(len(self.velocity))
        moved[cells[order]] = change[order]
        return order, -(solved[:, -1] + solved[:, :-1] @ moved)


def _linear_change(velocity: Array, target: Array) -> Array:
    """Change of the velocity that is to the data, linear in slowness squared, what a jump is."""
    return 0.5 * velocity**3 * (velocity**-2.0 - target**-2.0)


def _greedy(curvature: Array, slope: Array, cells: Array) -> Array:
    """Numbers of the moves taken, at most one a cell, best first."""
    half, free, taken = 0.5 * np.diag(curvature), np.ones(len(slope), bool), list[int]()
    slope = slope.copy()
    for _ in range(min(_MOVES, len(slope))):
        gain = np.where(free, slope + half, np.inf)
        best = int(gain.argmin())
        if not gain[best] < 0:
            break
        taken.append(best)
        slope += curvature[:, best]
        free &= cells != cells[best]
    return np.array(taken, int)


def _candidates(velocity: Array, smooth: Array) -> tuple[Array, Array]:
    """Cells beside another value, and that value, a move each; and what cells had before the snap.

    The latter brings back regions of a few cells, which snapping overlooks.
    """
    own = np.flatnonzero(np.abs(smooth - velocity) > _OFF)
    moves = set(zip(own.tolist(), np.rint(smooth.ravel()[own]).tolist(), strict=True))
    padded = np.pad(velocity, 1, "edge")
    numbers = np.arange(velocity.size).reshape(velocity.shape)
    for dz in (-1, 0, 1):
        for dx in (-1, 0, 1):
            nz, nx = velocity.shape
            there = padded[1 + dz : 1 + dz + nz, 1 + dx : 1 + dx + nx]
            other = there != velocity
            moves.update(zip(numbers[other].tolist(), there[other].tolist(), strict=True))
    cells, values = zip(*sorted(moves), strict=True) if moves else ((), ())
    return np.array(cells, int), np.array(values, float)
