"""One sample's way up the ladder: from a first map to one that explains its gathers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.ladder import ALONG, SETTLING, Kind, finish, settle
from fwi.inversion.priors import Variation
from fwi.inversion.result import EXPLAINED
from fwi.inversion.rung import State
from fwi.inversion.valley import ValleySearch
from fwi.inversion.walk import Walk

_SETTLED = 30.0  # noise deviations: a layered map that is nearer is drawn to its regions' values
_FITTED = 1.1  # likewise: a layered map that leaves more has edges out of place
_ALIKE = 0.02  # of a residual: maps whose residuals differ by less explain as much
_STEPS = Variation(eps=1.0, p=0.4)
_PASSES = 4  # of the last band, from total variation again, where one does not reach the noise


@dataclass
class Climb:
    """What a climb is made with.

    Attributes:
        search: for the right valley, and the kind of map.
        complete: gives a layered map whole values in the end; None leaves it as it is.
        is_reached: whether a map of a kind needs no further step.
    """

    search: ValleySearch
    complete: Callable[[Tensor, Kind], Tensor] | None
    is_reached: Callable[[Tensor, Kind], bool]

    def go(self, starts: Tensor) -> tuple[Tensor, Kind]:
        """Climb from first maps (n, nz, nx), m/s, until the noise is reached or time is up.

        Returns:
            A map whose own smallest velocity is the sponge's, and what it was drawn to.
        """
        state, kind = self.search.go(starts)
        best = state = self._pass(state, kind, starts[0])
        for number in range(1, _PASSES):
            if self._walk.is_over() or self.is_reached(best.velocity, kind):
                break
            may_be_near = number == 1 and _is_decided(best.velocity)
            if self._is_explained(best, kind) and not may_be_near:
                break
            if self.search.kind is None and kind == "smooth":
                kind = "noisy"
            state = self._walk.take(state, self.search.bands(kind, starts[0])[-1:])
            state = self._pass(state, kind, starts[0])
            best = state if self._is_better(state, best) else best
        return self._alone(best), kind

    def _pass(self, state: State, kind: Kind, first: Tensor) -> State:
        """Sharpen a map that explains all frequencies, and complete it where it comes near."""
        frequency = self._walk.problem.geometry.frequency
        for rung in finish(kind, first, frequency, self.search.smooth):
            state = self._walk.take(state, [rung])
            if self.is_reached(state.velocity, kind):
                return state
        far = self._walk.residual(self._noise, state) > _SETTLED
        if self.complete is None or kind not in ALONG or far:
            return state
        best, whole = state, state.velocity
        for stds in SETTLING:
            for std in stds:
                state = self._walk.take(state, [settle(state.velocity, std, frequency)])
            alone, before = self._alone(state), whole
            whole = self.complete(alone, kind)
            state = replace(state, velocity=whole, vmin=float(whole.min()))
            best = state if self._is_better(state, best) else best
            same = torch.equal(whole, alone) or torch.equal(whole, before)
            if same or self._walk.is_over() or self.is_reached(whole, kind):
                break
        return best

    def _is_better(self, state: State, other: State) -> bool:
        """Say whether a map explains more than another or, where both do as much, is simpler."""
        left, of_other = (self._left(self._alone(s)) for s in (state, other))
        if abs(left - of_other) < _ALIKE * of_other:
            return _STEPS.value(state.velocity) < _STEPS.value(other.velocity)
        return left < of_other

    def _alone(self, state: State) -> Tensor:
        """Give the map as it is, or tied to the sponge's velocity, whichever explains more."""
        return min(state.velocity, state.tied(), key=self._left)

    def _is_explained(self, state: State, kind: Kind) -> bool:
        return self._left(self._alone(state)) < (_FITTED if kind in ALONG else EXPLAINED)

    def _left(self, velocity: Tensor) -> float:
        """Residual in noise deviations."""
        return self._walk.problem.relative(self._noise, velocity)

    @property
    def _walk(self) -> Walk:
        return self.search.walk

    @property
    def _noise(self) -> Band:
        return self._walk.problem.noise_band()


def _is_decided(velocity: Tensor) -> bool:
    """Say whether most cells were given whole values, which data agree with: they may be near."""
    return bool((velocity == velocity.round()).double().mean() > 0.5)
