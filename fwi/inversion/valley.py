"""From first maps to the valley of the one that explains all frequencies, and of which kind it is.

Starts are taken from the lowest band up. One that explains not even 2 Hz is lost: it is averaged,
and brought there gently (`rescue`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.inversion.ladder import Kind, Smooth, approach, finish, is_lost, rescue
from fwi.inversion.routing import looks_flat, looks_layered, may_be_flat
from fwi.inversion.rung import Rung, State
from fwi.inversion.walk import Walk

_TREND = 1900.0, 3700.0  # m/s at the top and the bottom of a start without a network
_SMOOTHED = 3.0  # cells, of a start that is lost: its averages are kept, in slowness squared
_STUCK = 0.03  # relative residual of the lowest band: another start is tried
_NEAR = 0.02  # likewise of the whole record, after the approach: the kind was guessed wrong


@dataclass(frozen=True)
class ValleySearch:
    """What a valley is looked for with.

    Attributes:
        walk: how the map is moved.
        kind: what it is drawn to; None until it is found out.
        smooth: what stands for the processes that smooth maps are drawn to.
    """

    walk: Walk
    kind: Kind | None
    smooth: Smooth

    def go(self, starts: Tensor) -> tuple[State, Kind]:
        """Find the valley from first maps (n, nz, nx), m/s, and the kind."""
        guess: Kind = self.kind or ("flat" if may_be_flat(self.walk.problem) else "layered")
        bands = self.bands(guess, starts[0])
        state = self.walk.rise(self._lowest(bands, starts), bands[1:])
        if self.kind is None and guess == "flat" and not self._is_flat(state):
            guess = "layered"
            state = self.walk.rise(state, self.bands(guess, starts[0]))
        if self.kind is None and guess == "layered":
            sharper = finish(guess, starts[0], self._frequency, self.smooth)[:1]
            state = self.walk.take(state, sharper)
            guess = guess if looks_layered(state.velocity) else "smooth"
        return state, guess

    def bands(self, kind: Kind, first: Tensor) -> list[Rung]:
        """The rungs of a kind (`approach`)."""
        return approach(kind, first, self._frequency, self.smooth)

    def _lowest(self, bands: list[Rung], starts: Tensor) -> State:
        """Fit the lowest band from every start; where none explains it, gently and from a trend."""
        walk, rung, above = self.walk, bands[0], bands[1]
        band, low = walk.problem.band(rung.peak), walk.problem.band(2.0)
        states = [State(start, float(start.min())) for start in starts]
        kept = [state for state in states if not is_lost(walk.residual(low, state))]
        near = [state for state in kept if walk.reaches(above, rung, state)]
        tried = near or [walk.take(state, [rung]) for state in kept]
        for other in (starts[0], trend(walk.problem.geometry)):
            if near or walk.is_over() or any(walk.is_near(band, s, _STUCK) for s in tried):
                break
            tried.append(walk.take(_averaged(other), [*rescue(other, self.smooth), rung]))
        return min(tried, key=lambda state: walk.residual(band, state))

    def _is_flat(self, state: State) -> bool:
        whole = self.walk.problem.band(self._frequency)
        return looks_flat(state.velocity) and self.walk.is_near(whole, state, _NEAR)

    @property
    def _frequency(self) -> float:
        return self.walk.problem.geometry.frequency


def _averaged(velocity: Tensor) -> State:
    smooth = gaussian_filter(velocity.numpy() ** -2.0, _SMOOTHED, mode="nearest") ** -0.5
    return State(torch.from_numpy(smooth), float(velocity.min()))


def trend(geometry: AcquisitionGeometry) -> Tensor:
    """Give a velocity that rises with depth, (nz, nx) float64, m/s."""
    down = torch.linspace(*_TREND, geometry.nz, dtype=torch.float64)
    return down[:, None].repeat(1, geometry.nx)
