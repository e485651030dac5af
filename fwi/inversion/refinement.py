"""From gathers and a first map to the map that explains them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.climb import Climb
from fwi.inversion.devices import devices_of
from fwi.inversion.exact import finished, is_exact, rounded
from fwi.inversion.intake import (
    check_errors,
    check_gathers,
    check_settings,
    gathers_of,
    kinds_of,
    starts_of,
)
from fwi.inversion.ladder import Kind, squares
from fwi.inversion.methods import METHODS, choose
from fwi.inversion.methods.choice import takes_processes
from fwi.inversion.noise import known_errors
from fwi.inversion.posterior import LAWS, calibrated, posterior
from fwi.inversion.priors import Gaussian
from fwi.inversion.problem import BOUNDS, Problem, as_tensor
from fwi.inversion.result import Refined, Refinement
from fwi.inversion.room import Room
from fwi.inversion.rung import Progress
from fwi.inversion.valley import ValleySearch
from fwi.inversion.walk import Walk
from fwi.physics.misfit import geometry_of

SECONDS = 300.0  # most maps need a third of it; steep ones all
_NEAR = "of noisy waves many maps are explanations, and the one that is near the start is sought"
_OUTSIDE = "the start held velocities beyond the bounds, which were brought to them"


def refine(
    gathers: Array,
    start: Array | str | None = None,
    family: str | Sequence[str] = "auto",
    *,
    geometry: AcquisitionGeometry | None = None,
    method: str = "auto",
    noise: float | None = None,
    bounds: tuple[float, float] = BOUNDS,
    draws: int = 0,
    seconds: float = SECONDS,
    threads: int | None = None,
    device: str = "auto",
    watch: Callable[[int, Progress], None] | None = None,
) -> Refinement:
    """Find the maps that explain gathers, by Gauss-Newton steps on the exact simulator.

    Args:
        gathers: (B, S, T, R), or (S, T, R) of one sample. Their dtype says how they were rounded:
            float16 gathers carry its rounding error, which is where refinement stops.
        start: first maps (B, nz, nx), m/s, or several a sample (B, n, nz, nx), of which the one
            that explains the lowest band best is gone on with; None for those of the network that
            ships with the package, "trend" for a velocity that rises with depth from 1,900 to
            3,700 m/s.
        family: OpenFWI family, which chooses the prior, one or one a sample; or the kind of map,
            "flat", "layered", "smooth", "noisy", "near" the start, or "free" of any prior; "auto"
            finds out, and where noise is heard stays "near" a start that is a first guess.
        geometry: sources, receivers, grid and time axis; by default OpenFWI's of five or six
            shots.
        method: "dense" for grids of some thousand cells, "cg", "lbfgs" and "adam" for any, by
            `fwi.inversion.methods.METHODS`; "auto" chooses by the memory that "dense" would take.
        noise: standard deviation of what is added to the waves, in the gathers' unit; by default
            what is seen before the first arrivals.
        bounds: smallest and largest velocity, m/s.
        draws: so many maps that explain the gathers as well are drawn from the posterior.
        seconds: after which no further step of a sample is begun; one always is.
        threads: of the simulator; by default one for each processor.
        device: where networks run and, where it is an NVIDIA GPU, the matrices of "dense" and, from
            the A100 on, waves (`devices_of`). "auto" is the first GPU, or the CPU.
        watch: told of every step, with the number of its sample.

    Returns:
        The maps, none of which explains its gathers worse than its start, and how each one went.

    Raises:
        ValueError: if shapes or values do not fit, or the device is not there.
        TypeError: if the gathers are not floating.
        KeyError: if a family or method is unknown.
    """
    gathers = gathers_of(gathers)
    geometry = geometry_of(gathers) if geometry is None else geometry
    check_gathers(gathers, geometry)
    bounds = check_settings(noise, bounds, draws, seconds, threads)
    kinds = kinds_of(family, len(gathers))
    is_first_guess = not isinstance(start, str)
    settings = Settings(
        choose(geometry, method), noise, bounds, draws, seconds, threads, device, is_first_guess
    )
    starts = starts_of(start, gathers, geometry, device)
    return Refinement(
        [
            _Sample(
                i, gathers[i], kinds[i], geometry, settings,
                None if watch is None else partial(watch, i),
            ).refine(starts[i])
            for i in range(len(gathers))
        ]
    )  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How every sample is refined; see `refine`.

    Attributes:
        is_first_guess: whether starts say something of their gathers, unlike a trend.
    """

    method: str
    noise: float | None
    bounds: tuple[float, float]
    draws: int
    seconds: float
    threads: int | None
    device: str
    is_first_guess: bool


@dataclass
class _Sample:
    """One sample on its way."""

    number: int
    gathers: Array
    kind: Kind | None
    geometry: AcquisitionGeometry
    settings: Settings
    watch: Callable[[Progress], None] | None
    steps: list[Progress] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def refine(self, starts: Tensor) -> Refined:
        """Refine first maps (n, nz, nx), m/s."""
        errors = known_errors(self.gathers, self.geometry, self.settings.noise)
        check_errors(self.number, errors)
        matrices, waves = devices_of(self.settings.device)
        problem = Problem(
            as_tensor(self.gathers).to(waves), as_tensor(errors.sigma).to(waves), self.geometry,
            self.settings.threads, Room(matrices), self.settings.bounds,
        )  # fmt: skip
        within = starts.clamp(*problem.bounds)
        self.notes += [*errors.notes, *([] if bool((within == starts).all()) else [_OUTSIDE])]
        if errors.is_noisy and self.kind is None and self.settings.is_first_guess:
            self.kind = "near"
            self.notes.append(_NEAR)
        first, (velocity, kind) = within[0], self._climb(problem).go(within)
        noise, velocity = problem.noise_band(), rounded(problem, velocity, kind)
        before, after = (problem.relative(noise, map_) for map_ in (first, velocity))
        final = first if after >= before else velocity
        exact = is_exact(problem, final, self.gathers)
        std, draws = self._spread(problem, first, final, kind, exact)
        return Refined(
            velocity=final.numpy().astype(np.float32),
            residual=min(before, after),
            start_residual=before,
            kind=kind,
            exact=exact,
            reverted=after >= before,
            seconds=time.monotonic() - self.begun,
            std=std,
            draws=draws,
            notes=tuple(self.notes),
            steps=self.steps,
            start=first.numpy().astype(np.float32),
        )

    def _spread(
        self, problem: Problem, first: Tensor, velocity: Tensor, kind: Kind, exact: bool
    ) -> tuple[Array | None, Array | None]:
        """Standard deviation of a map's cells, and draws; none where matrices have no room."""
        n = self.settings.draws
        if exact:
            whole = velocity.numpy().astype(np.float32)
            return np.zeros_like(whole), np.repeat(whole[None], n, axis=0) if n else None
        if not takes_processes(self.geometry, self.settings.method) or kind not in LAWS:
            return None, None
        prior, law = calibrated(kind, first)
        try:
            found = posterior(problem, velocity, float(velocity.min()), prior, law)
        except FloatingPointError as error:  # the map is worth more than its deviation
            self.notes.append(f"no standard deviation: {error}")
            return None, None
        return found.std, found.sample(n, seed=self.number) if n else None

    def _climb(self, problem: Problem) -> Climb:
        def is_reached(velocity: Tensor, kind: Kind) -> bool:
            return is_exact(problem, rounded(problem, velocity, kind), self.gathers)

        def complete(velocity: Tensor, kind: Kind) -> Tensor:
            return finished(problem, velocity, kind, self.gathers, self._is_over)

        method = self.settings.method
        smooth = Gaussian if takes_processes(self.geometry, method) else squares
        # Only whole Jacobians are exact enough to decide cells.
        whole = complete if method == "dense" else None
        walk = Walk(problem, METHODS[method], self._note, self._is_over)
        return Climb(ValleySearch(walk, self.kind, smooth), whole, is_reached)

    def _note(self, progress: Progress) -> None:
        self.steps.append(progress)
        if self.watch is not None:
            self.watch(progress)

    def _is_over(self) -> bool:
        return bool(self.steps) and time.monotonic() > self.begun + self.settings.seconds
