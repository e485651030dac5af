"""One sample's way up the ladder: from a first map to one that explains its gathers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.inversion.band import Band
from fwi.inversion.ladder import (
    ALONG,
    SETTLING,
    Kind,
    Smooth,
    approach,
    finish,
    is_lost,
    rescue,
    settle,
)
from fwi.inversion.methods.base import Method
from fwi.inversion.priors import Variation
from fwi.inversion.problem import Problem
from fwi.inversion.result import EXPLAINED
from fwi.inversion.routing import looks_flat, looks_layered, may_be_flat
from fwi.inversion.rung import IsOver, Rung, State, Watch

TREND = 1900.0, 3700.0  # m/s at the top and the bottom of a start without a network
_SMOOTHED = 3.0  # cells, of a start that is lost: its averages are kept, in slowness squared
_STUCK = 0.015  # relative residual of the lowest band: another start is tried
_NEAR = 0.02  # likewise of the whole record, after the approach: the kind was guessed wrong
_NOISE = 1.5  # times that of a band explains it
_SETTLED = 30.0  # noise deviations: a layered map that is nearer is drawn to its regions' values
_ALIKE = 0.02  # of a residual: maps whose residuals differ by less explain as much
_STEPS = Variation(eps=1.0, p=0.4)
_PASSES = 4  # of the last band, from total variation again, where one does not reach the noise


@dataclass
class Climb:
    """What a climb is made with.

    Attributes:
        problem: the sample.
        kind: what the map is drawn to; None until it is found out.
        descend: the way down a band's objective.
        smooth: what stands for the processes that smooth maps are drawn to.
        complete: gives a layered map whole values in the end; None leaves it as it is.
        watch: told of every step.
        is_over: whether no further step may be begun.
        is_reached: whether a map of a kind needs no further step.
    """

    problem: Problem
    kind: Kind | None
    descend: Method
    smooth: Smooth
    complete: Callable[[Tensor, Kind], Tensor] | None
    watch: Watch
    is_over: IsOver
    is_reached: Callable[[Tensor, Kind], bool]

    def go(self, starts: Tensor) -> tuple[Tensor, Kind]:
        """Climb from first maps (n, nz, nx), m/s, until the noise is reached or time is up.

        Returns:
            A map whose own smallest velocity is the sponge's, and what it was drawn to.
        """
        guess: Kind = self.kind or ("flat" if may_be_flat(self.problem) else "layered")
        state, kind = self._approach(guess, self._lowest(guess, starts), starts[0])
        best = state = self._pass(state, kind, starts[0])
        for number in range(1, _PASSES):
            if self.is_over() or self.is_reached(best.velocity, kind):
                break
            if self._is_explained(best) and (number > 1 or not _is_decided(best.velocity)):
                break
            if self.kind is None and kind == "smooth":
                kind = "noisy"
            state = self._take(state, self._bands(kind, starts[0])[-1:])
            state = self._pass(state, kind, starts[0])
            best = state if self._is_better(state, best) else best
        return self._alone(best), kind

    def _pass(self, state: State, kind: Kind, first: Tensor) -> State:
        """Sharpen a map that explains all frequencies, and complete it where it comes near."""
        for rung in self._finish(kind, first):
            state = self._take(state, [rung])
            if self.is_reached(state.velocity, kind):
                return state
        far = self._residual(self.problem.noise_band(), state) > _SETTLED
        if self.complete is None or kind not in ALONG or far:
            return state
        whole = state.velocity
        for stds in SETTLING:
            for std in stds:
                state = self._take(state, [settle(state.velocity, std, self._frequency)])
            alone, before = self._alone(state), whole
            whole = self.complete(alone, kind)
            state = replace(state, velocity=whole, vmin=float(whole.min()))
            same = torch.equal(whole, alone) or torch.equal(whole, before)
            if same or self.is_reached(whole, kind):
                break
        return state

    def _is_better(self, state: State, other: State) -> bool:
        """Say whether a map explains more than another or, where both do as much, is simpler."""
        noise = self.problem.noise_band()
        left, of_other = (self.problem.relative(noise, self._alone(s)) for s in (state, other))
        if abs(left - of_other) < _ALIKE * of_other:
            return _STEPS.value(state.velocity) < _STEPS.value(other.velocity)
        return left < of_other

    @property
    def _frequency(self) -> float:
        return self.problem.geometry.frequency

    def _bands(self, kind: Kind, first: Tensor) -> list[Rung]:
        return approach(kind, first, self._frequency, self.smooth)

    def _finish(self, kind: Kind, first: Tensor) -> list[Rung]:
        return finish(kind, first, self._frequency, self.smooth)

    def _lowest(self, kind: Kind, starts: Tensor) -> State:
        """Fit the lowest band from every start; where none explains it, gently and from a trend."""
        rung = self._bands(kind, starts[0])[0]
        band, low = self.problem.band(rung.peak), self.problem.band(2.0)
        states = [State(start, float(start.min())) for start in starts]
        kept = [state for state in states if not is_lost(self._residual(low, state))]
        tried = [self._take(state, [rung]) for state in kept]
        for other in (starts[0], trend(self.problem.geometry)):
            if self.is_over() or any(self._is_near(band, state, _STUCK) for state in tried):
                break
            tried.append(self._take(_averaged(other), [*rescue(other, self.smooth), rung]))
        return min(tried, key=lambda state: self._residual(band, state))

    def _approach(self, guess: Kind, state: State, first: Tensor) -> tuple[State, Kind]:
        """Fit the higher bands, and find out the kind."""
        whole = self.problem.band(self._frequency)
        state = self._take(state, self._bands(guess, first)[1:])
        is_flat = looks_flat(state.velocity) and self._is_near(whole, state, _NEAR)
        if self.kind is None and guess == "flat" and not is_flat:
            guess = "layered"
            state = self._take(state, self._bands(guess, first))
        if self.kind is None and guess == "layered":
            state = self._take(state, self._finish(guess, first)[:1])
            guess = guess if looks_layered(state.velocity) else "smooth"
        return state, guess

    def _alone(self, state: State) -> Tensor:
        """Give the map as it is, or tied to the sponge's velocity, whichever explains more."""
        noise = self.problem.noise_band()
        return min(state.velocity, state.tied(), key=partial(self.problem.relative, noise))

    def _is_explained(self, state: State) -> bool:
        return self.problem.relative(self.problem.noise_band(), self._alone(state)) < EXPLAINED

    def _is_near(self, band: Band, state: State, least: float) -> bool:
        """Say whether a band is explained as well as by the right valley and a right guess."""
        return self._residual(band, state) < max(least, _NOISE * band.noise)

    def _residual(self, band: Band, state: State) -> float:
        return self.problem.relative(band, state.velocity, state.vmin)

    def _take(self, state: State, rungs: Sequence[Rung]) -> State:
        for rung in rungs:
            if self.is_over():
                break
            state = self.descend(self.problem, state, rung, self.watch, self.is_over)
        return state


def _is_decided(velocity: Tensor) -> bool:
    """Say whether most cells were given whole values, which data agree with: they may be near."""
    return bool((velocity == velocity.round()).double().mean() > 0.5)


def _averaged(velocity: Tensor) -> State:
    smooth = gaussian_filter(velocity.numpy() ** -2.0, _SMOOTHED, mode="nearest") ** -0.5
    return State(torch.from_numpy(smooth), float(velocity.min()))


def trend(geometry: AcquisitionGeometry) -> Tensor:
    """Give a velocity that rises with depth, (nz, nx) float64, m/s."""
    down = torch.linspace(*TREND, geometry.nz, dtype=torch.float64)
    return down[:, None].repeat(1, geometry.nx)
