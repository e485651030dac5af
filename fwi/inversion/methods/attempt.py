"""One Gauss-Newton step, judged by what it brings against what it promised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.objective import Point, objective_about
from fwi.inversion.priors.base import Prior
from fwi.inversion.priors.within import Within
from fwi.inversion.problem import Problem
from fwi.inversion.rung import Rung, State
from fwi.inversion.step import Hessian, Quadratic

POOR = 0.25  # actual over promised decrease
_GOOD = 0.6
# Lengths of a step that are tried, the next ones after another solution in a narrower region: that
# turns a step that is too long where the data hold it least, a shorter length would shorten all.
_TRIES = (1.0,), (1.0,), (1.0, 0.5, 0.25, 0.1)
_CAREFUL, _LONGER = 1.3, (2.0, 4.0)  # ratio above which longer steps are tried, and their lengths
_WIDER, _NARROWER = 1.8, 0.5
_RADII = 3.0, 300.0  # m/s
_REACH = 6.0  # times a step's root mean square: more does not hold it


@dataclass(frozen=True)
class Means:
    """What the steps of one build are solved with.

    Attributes:
        hessian: what stands before conjugate gradients.
        iterations: most of them.
    """

    hessian: Hessian
    iterations: int


class Attempt:
    """A step from one map: made, tried at several lengths, and again in a narrower region.

    Attributes:
        relative: residual of the map that it starts from.
    """

    def __init__(
        self, problem: Problem, rung: Rung, prior: Prior, band: Band, at: Point, means: Means
    ) -> None:
        self._problem, self._rung, self._band, self._at = problem, rung, band, at
        self._means, self.relative = means, band.relative(at.misfit)
        low, high = problem.bounds
        # In the end the sponge's velocity, the smallest, is known far better than any cell's.
        within = Within(prior, (max(low, at.state.vmin) if rung.by_noise else low, high))
        self._objective = objective_about(problem, rung, within, band, at)
        self._value = self._objective.value(at.state.velocity, at.state.vmin, at.misfit)

    def take(self) -> tuple[State, float, float]:
        """Give the next state, the ratio of actual to promised decrease, the relative residual."""
        gradient, slope = self._gradient()
        sponge = self._at.sponge(self._band)
        radius = self._at.state.radius
        for lengths in _TRIES:
            step, promised = self._solve(gradient, slope, sponge, radius)
            best, ratio = self._search(step, promised, lengths)
            radius = _adapt(radius, ratio, float(step[:-1].square().mean().sqrt()))
            if best.value < self._value and (ratio > POOR or lengths is _TRIES[-1]):
                state = State(best.velocity, best.vmin, radius)
                return state, ratio, self._band.relative(best.misfit)
        return replace(self._at.state, radius=radius), 0.0, self.relative

    def _gradient(self) -> tuple[Tensor, Tensor]:
        """Derivative by velocity, and dv / dq, 0 in cells held at a bound."""
        m = self._at.state.velocity
        total = self._objective.by_velocity(self._at)
        low, high = self._problem.limits
        held = ((m <= low + 1) & (total > 0)) | ((m >= high - 1) & (total < 0))
        return total, torch.where(held, 0.0, self._rung.unknown.slope(m))

    def _solve(
        self, gradient: Tensor, slope: Tensor, sponge: Tensor, radius: float
    ) -> tuple[Tensor, float]:
        at, tolerance = self._at, self._objective.tolerance
        curvature = self._objective.prior.curvature(at.state.velocity)
        factor = self._means.hessian.factorize(tolerance, curvature, slope, radius)
        own = self._rung.sponge_std**-2
        model = Quadratic(
            at.linear, self._band, tolerance, slope, curvature, radius, sponge, own, factor
        )
        of_misfit = self._band.product(sponge, at.residual)
        by_vmin = self._objective.by_vmin(at.state.vmin, of_misfit)
        whole = torch.cat([(slope * gradient).flatten(), gradient.new_tensor([by_vmin])])
        return model.solve(whole, self._means.iterations)

    def _search(
        self, step: Tensor, promised: float, lengths: tuple[float, ...]
    ) -> tuple[_Trial, float]:
        """Try lengths of a step: the best one, and the first one's ratio."""
        best = self._try(step, lengths[0])
        ratio = (best.value - self._value) / promised if promised < 0 else 0.0
        # A quadratic that lies above the prior promises too little: such steps may be longer.
        for length in _LONGER if ratio > _CAREFUL else lengths[1:] if ratio < _GOOD else ():
            trial = self._try(step, length)
            if trial.value >= best.value and best.value < self._value:
                break
            best = min(best, trial, key=lambda trial: trial.value)
        return best, ratio

    def _try(self, step: Tensor, length: float) -> _Trial:
        start, (low, high) = self._at.state, self._problem.limits
        change = length * step[:-1].view_as(start.velocity)
        velocity = self._rung.unknown.move(start.velocity, change, (low, high))
        vmin = min(max(start.vmin + length * float(step[-1]), low), high)
        misfit = self._band.misfit(self._problem.simulate(velocity, vmin) - self._problem.observed)
        return _Trial(self._objective.value(velocity, vmin, misfit), velocity, vmin, misfit)


@dataclass(frozen=True)
class _Trial:
    """A map that a step leads to, and the objective there."""

    value: float
    velocity: Tensor
    vmin: float
    misfit: float


def _adapt(radius: float, ratio: float, length: float) -> float:
    """Trust radius after a step of some length, which a far wider one did not hold."""
    if ratio > _GOOD:
        return min(_WIDER * radius, _RADII[1])
    narrower = min(_NARROWER * radius, _REACH * length)
    return max(narrower, _RADII[0]) if ratio < POOR else radius
