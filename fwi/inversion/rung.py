"""One band of the ladder, where an inversion stands in it, and what every step tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.inversion.unknowns import SLOWNESS_SQUARED, Unknown

SPONGE_STD = 60.0  # m/s: of the sponge's velocity about the map's smallest one


@dataclass(frozen=True)
class Rung:
    """One band of the ladder, and how it is climbed.

    Attributes:
        peak: Hz to which the wavelet is brought.
        priors: what the map is drawn to, in the steps of one build by turns.
        damping: time constant of the record's damping, s; none.
        builds: most builds: of a Jacobian, or of what stands for it.
        goal: relative residual at which the band is left; never below its noise.
        stagnation: share of the last build's residual above which the band is left.
        tolerance: s over the relative residual.
        iterations: of conjugate gradients behind the dense matrix; methods without it take a
            multiple.
        sponge_std: how far the sponge's velocity may be from the map's smallest one, m/s.
        unknown: what is solved for.
        by_noise: every datum counts by its known error, and the wavelet stays as it is; residuals
            are in those errors' deviations.
        follows: differences are taken along the curve of the map that it is climbed from.
    """

    peak: float
    priors: tuple[Prior, ...]
    damping: float | None = None
    builds: int = 1
    goal: float = 0.004
    stagnation: float = 0.75
    tolerance: float = 0.6
    iterations: int = 5
    sponge_std: float = SPONGE_STD
    unknown: Unknown = SLOWNESS_SQUARED
    by_noise: bool = False
    follows: bool = False

    def band(self, problem: Problem) -> Band:
        """Lay out what is fitted."""
        return problem.noise_band() if self.by_noise else problem.band(self.peak, self.damping)


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

    def tied(self) -> Tensor:
        """Give the map whose smallest velocity is the sponge's, as the data's is."""
        tied = self.velocity.clamp(min=self.vmin)
        tied.view(-1)[int(tied.argmin())] = self.vmin
        return tied


@dataclass(frozen=True)
class Progress:
    """What a step did.

    Attributes:
        peak: of the band, Hz.
        before: relative residual; of a rung by noise, in noise deviations.
        after: likewise.
        ratio: actual over promised decrease; nan of a method that promises none.
        state: after it.
        seconds: it took, with the build where it made one.
        by_noise: the rung's.
    """

    peak: float
    before: float
    after: float
    ratio: float
    state: State
    seconds: float
    by_noise: bool = False


Watch = Callable[[Progress], None]
IsOver = Callable[[], bool]
