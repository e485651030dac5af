"""Gauss-Newton steps in one band, each judged by what it brings against what it promised."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.green import Green
from fwi.inversion.jacobian import gram, jacobian, receiver_spacing
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.inversion.step import Quadratic, factorize
from fwi.inversion.unknowns import SLOWNESS_SQUARED, Unknown
from fwi.physics.operator import Operator

BOUNDS = 1470.0, 4550.0  # m/s: a little beyond the data's
_LENGTHS = 1.0, 0.5, 0.25, 0.1  # of a step that are tried
_GOOD, _POOR = 0.6, 0.25  # actual over promised decrease
_WIDER, _NARROWER = 1.8, 0.5
_RADII = 3.0, 600.0  # m/s


@dataclass(frozen=True)
class Rung:
    """One band of the ladder, and how it is climbed.

    Attributes:
        peak: Hz to which the wavelet is brought.
        priors: what the map is drawn to, in the steps of one Jacobian by turns.
        damping: time constant of the record's damping, s; none.
        builds: most Jacobians.
        goal: relative residual at which the band is left; never below its noise.
        stagnation: share of the last build's residual above which the band is left.
        tolerance: s over the relative residual.
        iterations: of conjugate gradients.
        sponge_std: how far the sponge's velocity may be from the map's smallest one, m/s.
        unknown: what is solved for.
    """

    peak: float
    priors: tuple[Prior, ...]
    damping: float | None = None
    builds: int = 1
    goal: float = 0.004
    stagnation: float = 0.75
    tolerance: float = 0.6
    iterations: int = 5
    sponge_std: float = 60.0
    unknown: Unknown = SLOWNESS_SQUARED


@dataclass(frozen=True)
class State:
    """Where an inversion stands.

    Attributes:
        velocity: (nz, nx) float64, m/s.
        vmin: the sponge's velocity, m/s.
        radius: trust radius, m/s.
    """

    velocity: Tensor
    vmin: float
    radius: float = 150.0


@dataclass(frozen=True)
class Progress:
    """What a step did.

    Attributes:
        peak: of the band, Hz.
        before: relative residual.
        after: likewise.
        ratio: actual over promised decrease.
        state: after it.
        seconds: it took, with the Jacobian where it made one.
    """

    peak: float
    before: float
    after: float
    ratio: float
    state: State
    seconds: float


Watch = Callable[[Progress], None]


def descend(
    problem: Problem,
    state: State,
    rung: Rung,
    watch: Watch,
    is_over: Callable[[], bool] = lambda: False,
) -> State:
    """Fit a band until it is explained, or nothing moves, or time is up.

    Args:
        problem: the sample.
        state: where to begin.
        rung: the band and how it is fitted.
        watch: told of every step.
        is_over: whether no further step may be begun.
    """
    band, last = problem.band(rung.peak, rung.damping), float("inf")
    goal = max(rung.goal, 1.05 * band.noise)
    for _ in range(rung.builds):
        before = state
        state, relative = _build(problem, state, rung, band, watch, is_over)
        if relative < goal or relative > rung.stagnation * last or state is before:
            break
        if is_over():
            break
        last = relative
    return state


def _build(
    problem: Problem,
    state: State,
    rung: Rung,
    band: Band,
    watch: Watch,
    is_over: Callable[[], bool],
) -> tuple[State, float]:
    """Make a Jacobian and take its steps; the state and its relative residual."""
    begun, hessian, relative = time.monotonic(), None, float("inf")
    for prior in rung.priors:
        linear = problem.linearize(state.velocity, state.vmin)
        if hessian is None:
            hessian = gauss_newton_hessian(problem, state.velocity, state.vmin, band, linear)
        attempt = _Attempt(problem, rung, prior, band, state, linear, hessian)
        state, ratio, relative = attempt.take()
        watch(
            Progress(rung.peak, attempt.relative, relative, ratio, state, time.monotonic() - begun)
        )
        begun = time.monotonic()
        if ratio < _POOR or is_over():
            break
    return state, relative


def gauss_newton_hessian(
    problem: Problem, velocity: Tensor, vmin: float, band: Band, linear: Operator
) -> Tensor:
    """Gram matrix of a band's Jacobian at a map, (cells, cells), in the problem's memory."""
    highest = band.sampled / problem.geometry.dt
    green = Green(velocity.numpy(), vmin, problem.geometry, highest, problem.room, problem.threads)
    every = receiver_spacing(problem.geometry, float(velocity.min()), band)
    rows = jacobian(linear, green, problem.geometry, band, problem.room, every)
    return gram(rows, problem.room)


class _Attempt:
    """A step from one map: made, tried at several lengths, and again in a narrower region."""

    def __init__(
        self,
        problem: Problem,
        rung: Rung,
        prior: Prior,
        band: Band,
        state: State,
        linear: Operator,
        hessian: Tensor,
    ) -> None:
        self.problem, self.rung, self.band, self.state = problem, rung, band, state
        self.linear, self.hessian, self.prior = linear, hessian, prior
        residual = linear.gathers[0] - problem.observed
        self.residual = band.apply(residual)
        misfit = float(self.residual.double().square().sum()) / (2 * band.spacing)
        self.relative = band.relative(misfit)
        self.tolerance = max(rung.tolerance * self.relative, 0.3 * band.noise)
        self.tied = float(state.velocity.min().clamp(*BOUNDS))
        self.objective = self._objective(state.velocity, state.vmin, misfit)

    def take(self) -> tuple[State, float, float]:
        """Give the next state, the ratio of actual to promised decrease, the relative residual."""
        gradient, slope = self._gradient()
        sponge = self.band.apply(
            self.linear.jvp(torch.zeros_like(slope)[None].float(), torch.ones(1))[0]
        )
        radius = self.state.radius
        for _ in range(2):
            step, promised = self._solve(gradient, slope, sponge, radius)
            best, ratio = self._search(step, promised)
            radius = self._adapt(radius, ratio)
            if best[0] < self.objective:
                _, velocity, vmin, misfit = best
                return State(velocity, vmin, radius), ratio, self.band.relative(misfit)
        return replace(self.state, radius=radius), 0.0, self.relative

    def _gradient(self) -> tuple[Tensor, Tensor]:
        """Derivative by velocity and vmin's own part, and dv / dq, 0 in cells held at a bound."""
        m, s2 = self.state.velocity, self.tolerance**2
        back = self.band.adjoint(self.residual)
        total = self.linear.vjp(back[None])[0].double() / s2 + self.prior.gradient(m)
        low, high = BOUNDS
        held = ((m <= low + 1) & (total > 0)) | ((m >= high - 1) & (total < 0))
        slope = torch.where(held, 0.0, self.rung.unknown.slope(m))
        return total, slope

    def _solve(
        self, gradient: Tensor, slope: Tensor, sponge: Tensor, radius: float
    ) -> tuple[Tensor, float]:
        curvature = self.prior.curvature(self.state.velocity)
        factor = factorize(self.hessian, self.tolerance, curvature, slope, radius)
        own = self.rung.sponge_std**-2
        model = Quadratic(
            self.linear, self.band, self.tolerance, slope, curvature, radius, sponge, own, factor
        )
        of_sponge = float((sponge.double() * self.residual.double()).sum())
        of_sponge /= self.band.spacing * self.tolerance**2
        of_sponge += own * (self.state.vmin - self.tied)
        whole = torch.cat([(slope * gradient).flatten(), gradient.new_tensor([of_sponge])])
        return model.solve(whole, self.rung.iterations)

    def _search(
        self, step: Tensor, promised: float
    ) -> tuple[tuple[float, Tensor, float, float], float]:
        """Try lengths of a step: the best one's objective, map, vmin and misfit; the ratio."""
        best, ratio = None, 0.0
        change = step[:-1].view_as(self.state.velocity)
        for length in _LENGTHS:
            velocity = self.rung.unknown.move(self.state.velocity, length * change, BOUNDS)
            vmin = min(max(self.state.vmin + length * float(step[-1]), BOUNDS[0]), BOUNDS[1])
            residual = self.problem.simulate(velocity, vmin) - self.problem.observed
            misfit = self.band.misfit(residual)
            value = self._objective(velocity, vmin, misfit)
            if best is None:
                ratio = (value - self.objective) / promised if promised < 0 else 0.0
            if best is None or value < best[0]:
                best = value, velocity, vmin, misfit
            elif best[0] < self.objective:
                break
            if ratio > _GOOD:
                break
        assert best is not None
        return best, ratio

    def _adapt(self, radius: float, ratio: float) -> float:
        if ratio > _GOOD:
            return min(_WIDER * radius, _RADII[1])
        return max(_NARROWER * radius, _RADII[0]) if ratio < _POOR else radius

    def _objective(self, velocity: Tensor, vmin: float, misfit: float) -> float:
        sponge = 0.5 * ((vmin - self.tied) / self.rung.sponge_std) ** 2
        return misfit / self.tolerance**2 + self.prior.value(velocity) + sponge
