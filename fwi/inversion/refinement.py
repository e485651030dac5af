"""From gathers and a first map to the map that explains them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from fwi.arrays import Array
from fwi.checks import check_finite, check_float, check_shape, check_velocity
from fwi.geometry import AcquisitionGeometry
from fwi.inference.predictor import load
from fwi.inversion.descent import BOUNDS, Progress, Rung, State, Watch, descend
from fwi.inversion.labels import relabel
from fwi.inversion.ladder import Kind, approach, finish, is_lost, rescue
from fwi.inversion.noise import rounding_noise
from fwi.inversion.plateaus import snap
from fwi.inversion.problem import Problem, as_tensor
from fwi.inversion.result import EXPLAINED, Refined, Refinement
from fwi.inversion.routing import kind_of, looks_layered, may_be_flat
from fwi.physics.misfit import geometry_of

TREND = 1900.0, 3700.0  # m/s at the top and the bottom of a start without a network
_SMOOTHED = 3.0  # cells, of a start that is lost: its averages are kept, in slowness squared
_NEAR = 0.02  # relative residual after the approach
_PASSES = 4  # of the last band, from total variation again, where one does not reach the noise
_STILL_NOISE = 1.02  # of a residual: rounding a map to integers may cost as little


def refine(
    gathers: Array,
    start: Array | str | None = None,
    family: str | Sequence[str] = "auto",
    *,
    geometry: AcquisitionGeometry | None = None,
    seconds: float = 120.0,
    threads: int | None = None,
    watch: Callable[[int, Progress], None] | None = None,
) -> Refinement:
    """Find the maps that explain gathers, by Gauss-Newton steps on the exact simulator.

    Args:
        gathers: (B, S, T, R), or (S, T, R) of one sample. Their dtype says how they were rounded:
            float16 gathers carry its rounding error, which is where refinement stops.
        start: first maps (B, nz, nx), m/s; None for those of the network that ships with the
            package, "trend" for a velocity that rises with depth from 1,900 to 3,700 m/s.
        family: OpenFWI family, one or one a sample, which chooses the prior; "auto" finds out.
        geometry: sources, receivers, grid and time axis; by default OpenFWI's of five or six
            shots.
        seconds: after which no further step of a sample is begun; one always is.
        threads: of the simulator; by default one for each processor.
        watch: told of every step, with the number of its sample.

    Returns:
        The maps, none of which explains its gathers worse than its start, and how each one went.

    Raises:
        ValueError: if shapes or values do not fit.
        TypeError: if the gathers are not floating.
        KeyError: if a family is unknown.
    """
    gathers = gathers[None] if gathers.ndim == 3 else gathers
    geometry = geometry_of(gathers) if geometry is None else geometry
    _check(gathers, geometry)
    kinds = _kinds(family, len(gathers))
    starts = _starts(start, gathers, geometry)
    return Refinement(
        [
            refine_sample(
                gathers[i], starts[i], kinds[i], geometry, seconds, threads,
                None if watch is None else partial(watch, i),
            )
            for i in range(len(gathers))
        ]
    )  # fmt: skip


def refine_sample(
    gathers: Array,
    start: Array,
    kind: Kind | None,
    geometry: AcquisitionGeometry,
    seconds: float = 120.0,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Refined:
    """Refine one map (nz, nx) of gathers (S, T, R); `kind` None finds out.

    See `refine`; nothing is checked here.
    """
    begun, steps = time.monotonic(), list[Progress]()
    problem = Problem(as_tensor(gathers), as_tensor(rounding_noise(gathers)), geometry, threads)
    noise = problem.noise_band()
    first = torch.from_numpy(start.astype(np.float64)).clamp(*BOUNDS)
    before = problem.relative(noise, torch.from_numpy(start.astype(np.float64)))

    def note(progress: Progress) -> None:
        steps.append(progress)
        if watch is not None:
            watch(progress)

    def is_over() -> bool:
        return bool(steps) and time.monotonic() > begun + seconds

    state, kind = _climb(problem, first, kind, gathers, note, is_over)
    velocity = _finished(problem, state.velocity, kind, is_over)
    after = problem.relative(noise, velocity)
    reverted = after >= before
    final = torch.from_numpy(start.astype(np.float64)) if reverted else velocity
    return Refined(
        final.numpy().astype(np.float32), min(before, after), before, kind,
        _is_exact(problem, final, gathers), reverted,
        time.monotonic() - begun, steps, start.astype(np.float32),
    )  # fmt: skip


def _climb(
    problem: Problem,
    first: Tensor,
    kind: Kind | None,
    gathers: Array,
    watch: Watch,
    is_over: Callable[[], bool],
) -> tuple[State, Kind]:
    """Go up the ladder until the noise is reached or time is up."""
    g = problem.geometry
    grid = g.nz, g.nx
    state = State(first, float(first.min()))
    if is_lost(problem.relative(problem.band(2.0), first)):
        state = State(_averaged(first), float(first.min()))
        state = _take(problem, state, rescue(grid), watch, is_over)
    guess: Kind = kind or ("flat" if may_be_flat(problem) else "layered")
    state = _take(problem, state, approach(guess, grid, g.frequency), watch, is_over)
    if kind is None and guess == "flat" and not _is_near(problem, state):
        guess = "layered"
        state = _take(problem, state, approach(guess, grid, g.frequency), watch, is_over)
    if kind is None and guess == "layered" and not looks_layered(state.velocity):
        guess = "smooth"
    for _ in range(_PASSES):
        for rung in finish(guess, grid, g.frequency):
            state = _take(problem, state, [rung], watch, is_over)
            if _is_exact(problem, _rounded(problem, state.velocity, guess), gathers):
                return state, guess
        noise = problem.noise_band()
        if is_over() or problem.relative(noise, state.velocity, state.vmin) < EXPLAINED:
            break
        if kind is None and guess == "smooth":
            guess = "noisy"
        state = _take(problem, state, approach(guess, grid, g.frequency)[-1:], watch, is_over)
    return state, guess


def _is_near(problem: Problem, state: State) -> bool:
    """Say whether the approach has come near the gathers, as a right guess of the kind does."""
    band = problem.band(problem.geometry.frequency)
    return problem.relative(band, state.velocity, state.vmin) < _NEAR


def _take(
    problem: Problem, state: State, rungs: Sequence[Rung], watch: Watch, is_over: Callable[[], bool]
) -> State:
    for rung in rungs:
        if is_over():
            break
        state = descend(problem, state, rung, watch, is_over)
    return state


def _averaged(velocity: Tensor) -> Tensor:
    smooth = gaussian_filter(velocity.numpy() ** -2.0, _SMOOTHED, mode="nearest") ** -0.5
    return torch.from_numpy(smooth)


def _rounded(problem: Problem, velocity: Tensor, kind: Kind) -> Tensor:
    """Snap a layered map to regions of integers, as the data's are, where the gathers agree."""
    if kind in ("smooth", "noisy"):
        return velocity
    noise = problem.noise_band()
    candidates = [torch.from_numpy(snap(velocity.numpy())), velocity.round()]
    best = min(candidates, key=lambda map_: problem.relative(noise, map_))
    most = max(1.0, _STILL_NOISE * problem.relative(noise, velocity))
    return best if problem.relative(noise, best) < most else velocity


def _finished(
    problem: Problem, velocity: Tensor, kind: Kind, is_over: Callable[[], bool]
) -> Tensor:
    """Find every cell's region, where a layered map has come near enough for that."""
    rounded = _rounded(problem, velocity, kind)
    own = problem.relative(problem.noise_band(), velocity)
    if kind in ("smooth", "noisy") or rounded is not velocity or own > EXPLAINED:
        return rounded
    most = max(1.0, _STILL_NOISE * own)
    labelled, residual = relabel(problem, velocity.numpy(), most, is_over)
    return torch.from_numpy(labelled) if residual < most else velocity


def _is_exact(problem: Problem, velocity: Tensor, gathers: Array) -> bool:
    """Compare every sample, where gathers were rounded so that equality means something."""
    if gathers.dtype != np.float16:
        return False
    again = problem.simulate(velocity, float(velocity.min()))
    return bool(np.array_equal(again.numpy().astype(np.float16), gathers))


def _kinds(family: str | Sequence[str], n: int) -> list[Kind | None]:
    names = [family] * n if isinstance(family, str) else list(family)
    if len(names) != n:
        raise ValueError(f"family must name one family or {n}, one a sample, got {len(names)}")
    return [kind_of(name) for name in names]


def _check(gathers: Array, geometry: AcquisitionGeometry) -> None:
    check_float("gathers", gathers)
    check_shape("gathers", gathers, (None, *geometry.gather_shape))
    check_finite("gathers", gathers)
    for i, sample in enumerate(gathers):
        if not sample.any():
            raise ValueError(
                f"gathers of sample {i} must hold a wave, got zeros alone; remove the sample"
            )


def _starts(start: Array | str | None, gathers: Array, geometry: AcquisitionGeometry) -> Array:
    """Give the first maps, (B, nz, nx)."""
    grid = geometry.nz, geometry.nx
    if start is None:
        return load("default").predict(gathers)
    if isinstance(start, str):
        if start != "trend":
            raise ValueError(f"start must be maps, None or 'trend', got {start!r}")
        trend = np.linspace(*TREND, geometry.nz, dtype=np.float32)[:, None]
        return np.broadcast_to(trend, (len(gathers), *grid)).copy()
    maps = start[None] if start.ndim == 2 else start
    check_velocity(maps, *grid, "start")
    check_shape("start", maps, (len(gathers), *grid))
    return maps
