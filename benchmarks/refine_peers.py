"""Refinement beside deepwave: the same gathers, start, seconds and processors, in one run.

    python benchmarks/refine_peers.py out/ --families CurveVel_A FlatFault_A Style_A --seconds 120

Generated maps (seeds from 77,000), gathers rounded to float16, the shipped network's map as start.
One after the other: `fwi.refine` by its dense Gauss-Newton steps, by its L-BFGS in bands, and
deepwave by its published recipe for inversion: velocity is a sigmoid between bounds, and
torch.optim.LBFGS minimises the mean square of tapered, filtered gathers, at one cut-off after
another. In deepwave's favour, a cut-off may take no more than an even share of the time that is
left, so that all are reached, and the last goes on until time is up; the best map seen is kept;
and its gradient takes every fourth sample of the waves, which halves its cost and changes 2e-5 of
it. It gets no prior, because the recipe has none.

deepwave simulates with another boundary: gathers of a true map are off by 1.1e-3 of their norm
(CurveVel_A, seed 77,000; float16 rounds by some 2e-4). That error is part of its result.

The residual is one for all: of the exact simulator's gathers, of the whole record, over the norm
of the observed ones; it is computed off the clock. Every method has a run of one step before.
Finished pairs of map and method stay in out/rows.parquet and are not run again; out/peers.png
shows them. Times mean something where nothing else runs.

Source:
    A. Richardson, deepwave, DOI 10.5281/zenodo.3829886, docs/example_fwi.py, second attempt.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import torch
from matplotlib.figure import Figure
from scipy.signal import butter, sosfreqz
from torch import Tensor

import fwi
from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.geometry import OPENFWI
from fwi.inversion.problem import BOUNDS
from fwi.inversion.rung import Progress
from fwi.physics.scheme.wavelet import source_signal
from fwi.progress import progress_bar

_SEED = 77_000
_PEER = "deepwave"
_MAP = "family", "seed"
_CUTOFFS = 10.0, 15.0, 20.0, 25.0, 30.0  # Hz, as published
_ORDER, _CALLS, _TAPER = 6, 2, 100  # of the filter, of LBFGS a cut-off, samples: as published
_PML = 20  # cells: the recipe's default; twice as many cost twice and err no less
_COURANT = 0.75  # the default, 0.6, halves the time step above 4,243 m/s: twice the cost
_EVERY = 4  # samples of the waves between two in the gradient

Curve = list[tuple[float, Array]]  # seconds, and the map (nz, nx) that a method has by then, m/s
Method = Callable[[Array, Array, float], Curve]  # of gathers (1, S, T, R), a start, seconds


def refined(method: str, gathers: Array, start: Array, seconds: float) -> Curve:
    """Refine by a method of ours."""
    begun, curve = time.monotonic(), [(0.0, start)]

    def watch(_: int, step: Progress) -> None:
        curve.append((time.monotonic() - begun, step.state.velocity.numpy().copy()))

    result = fwi.refine(gathers, start[None], method=method, seconds=seconds, watch=watch)
    return [*curve, (time.monotonic() - begun, result.velocity[0])]


def by_deepwave(gathers: Array, start: Array, seconds: float) -> Curve:
    """Invert by deepwave's recipe."""
    begun, curve, (low, high) = time.monotonic(), [(0.0, start)], BOUNDS
    simulate, observed = simulator(), torch.from_numpy(gathers[0].astype(np.float32)).swapaxes(1, 2)
    inside = torch.from_numpy(start.clip(low + 1, high - 1).astype(np.float32))
    x = torch.logit((inside - low) / (high - low)).requires_grad_()

    def velocity(x: Tensor) -> Tensor:
        return low + (high - low) * torch.sigmoid(x)

    def keep(x: Tensor) -> None:
        curve.append((time.monotonic() - begun, velocity(x).numpy()))

    def misfit(x: Tensor, passed: Callable[[Tensor], Tensor], aim: Tensor) -> Tensor:
        off = passed(simulate(velocity(x))) - aim
        return 1e6 * off.square().mean() / aim.square().mean()

    for left in range(len(_CUTOFFS), 0, -1):
        passed, now = low_pass(_CUTOFFS[-left]), time.monotonic()
        until = now + max(begun + seconds - now, 0.0) / left
        calls = _CALLS if left > 1 else sys.maxsize
        go_down(x, partial(misfit, passed=passed, aim=passed(observed)), until, calls, keep)
    return curve


def go_down(
    x: Tensor,
    misfit: Callable[[Tensor], Tensor],
    until: float,
    calls: int,
    keep: Callable[[Tensor], None],
) -> None:
    """Call LBFGS until nothing moves or time is up; x is left where the misfit was least."""
    optimizer = torch.optim.LBFGS([x], line_search_fn="strong_wolfe")
    best, least = x.detach().clone(), math.inf

    def closure() -> Tensor:
        nonlocal best, least
        if time.monotonic() > until and least < math.inf:
            raise TimeoutError
        optimizer.zero_grad()
        loss = misfit(x)
        loss.backward()
        if loss.item() < least:
            best, least = x.detach().clone(), loss.item()
            keep(best)
        return loss

    with suppress(TimeoutError):
        for _ in range(calls):
            before = least
            optimizer.step(closure)
            if least == before:
                break
    with torch.no_grad():
        x.copy_(best)


def simulator() -> Callable[[Tensor], Tensor]:
    """Give deepwave's gathers (S, R, T) of a map (nz, nx), m/s."""
    import deepwave

    g = OPENFWI
    shots, receivers = len(g.source_x), len(g.receiver_x)
    sources = torch.full((shots, 1, 2), g.source_depth_idx)
    sources[:, 0, 1] = torch.from_numpy(g.source_idx)
    stations = torch.full((shots, receivers, 2), g.receiver_depth_idx)
    stations[:, :, 1] = torch.from_numpy(g.receiver_idx)
    # Its sources have the other sign, and its records are a sample late.
    wavelet = -torch.from_numpy(np.append(source_signal(g)[1:], 0.0)).float()
    return lambda velocity: deepwave.scalar(
        velocity, g.dx, g.dt, source_amplitudes=wavelet.repeat(shots, 1, 1),
        source_locations=sources, receiver_locations=stations, accuracy=4, pml_width=_PML,
        pml_freq=g.frequency, max_vel=BOUNDS[1], courant_number=_COURANT,
        model_gradient_sampling_interval=_EVERY,
    )[-1]  # fmt: skip


def low_pass(cutoff: float) -> Callable[[Tensor], Tensor]:
    """Taper the end of traces (..., T) and filter them, causally.

    The filter is the recipe's recursive one by its spectrum: over twice the record its response,
    which falls to 1e-6 in a record, does not wrap.
    """
    n, dt = OPENFWI.nt, OPENFWI.dt
    taper = torch.ones(n)
    taper[-_TAPER:] = 0.5 + 0.5 * torch.cos(math.pi * torch.arange(1, _TAPER + 1) / _TAPER)
    sections = butter(_ORDER, cutoff, fs=1 / dt, output="sos")
    _, response = sosfreqz(sections, np.fft.rfftfreq(2 * n, dt), fs=1 / dt)
    spectrum = torch.from_numpy(response).to(torch.complex64)
    return lambda x: torch.fft.irfft(spectrum * torch.fft.rfft(taper * x, 2 * n), 2 * n)[..., :n]


METHODS: dict[str, Method] = {
    "dense": partial(refined, "dense"),
    "lbfgs": partial(refined, "lbfgs"),
    _PEER: by_deepwave,
}


def judge(family: str, seed: int, method: str, seconds: float) -> pl.DataFrame:
    """Run a method on a map, a row for every map on its way."""
    true, gathers, start = case(family, seed)
    warm_up(method)
    curve, observed = METHODS[method](gathers, start, seconds), gathers.astype(np.float32)
    rows = []
    for at, velocity in curve:
        off = fwi.simulate(velocity[None].astype(np.float32)) - observed
        rows.append(
            {
                "family": family,
                "seed": seed,
                "method": method,
                "allowed": seconds,
                "seconds": at,
                "mae": float(np.abs(velocity - true).mean()),
                "residual": float(np.linalg.norm(off) / np.linalg.norm(observed)),
            }
        )
    return pl.DataFrame(rows)


@cache
def case(family: str, seed: int) -> tuple[Array, Array, Array]:
    """Give a map (nz, nx), its gathers (1, S, T, R), float16, and the network's map (nz, nx)."""
    true = fwi.families.sample(family, 1, seed)[0]
    gathers = fwi.simulate(true[None]).astype(np.float16)
    return true, gathers, fwi.load("default").predict(gathers)[0]


@cache
def warm_up(method: str) -> None:
    """Have compiled and loaded what a method needs."""
    _, gathers, start = case("FlatVel_A", _SEED - 1)
    METHODS[method](gathers, start, 0.0)


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """A line a map and method: where it ended, and when it was as good as the peer at its end."""
    goal = pl.col("mae").filter(pl.col("method") == _PEER).last().over(_MAP)
    as_good = pl.col("seconds").filter(pl.col("mae") <= pl.col("goal")).min().round(1)
    judged = rows.with_columns(goal.alias("goal"))
    return judged.group_by(*_MAP, "method", maintain_order=True).agg(
        pl.col("mae").first().round(2).alias("start mae"),
        pl.col("mae").last().round(3),
        pl.col("residual").last().round(6),
        pl.col("seconds").last().round(1),
        as_good.alias(f"seconds to {_PEER}'s mae"),
    )


def draw(path: Path, rows: pl.DataFrame) -> None:
    """Draw a row a family: errors and residuals over time, a colour a method, a line a map."""
    families = rows["family"].unique(maintain_order=True).to_list()
    figure = Figure((11, 3.2 * len(families)), layout="constrained")
    panels = dict(zip(families, figure.subplots(len(families), 2, squeeze=False), strict=True))
    for (family, _, method), curve in rows.group_by(*_MAP, "method", maintain_order=True):
        style = {"color": f"C{list(METHODS).index(method)}", "drawstyle": "steps-post"}
        for axes, what in zip(panels[family], ("mae", "residual"), strict=True):
            seen = method in axes.get_legend_handles_labels()[1]
            # An exact map has no place on a logarithmic axis.
            values = curve[what].clip(1e-4)
            axes.plot(curve["seconds"], values, label=None if seen else method, **style)
    for family, (left, right) in panels.items():
        left.set(title=family, yscale="log", xlabel="s", ylabel="mean absolute error, m/s")
        right.set(title=family, yscale="log", xlabel="s", ylabel="relative residual")
        left.legend()
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def completed(path: Path, pairs: list[tuple[str, int, str]], seconds: float) -> pl.DataFrame:
    """Run the pairs of map and method that a file lacks; all rows of those asked for."""
    rows = pl.read_parquet(path) if path.exists() else pl.DataFrame()
    key = *_MAP, "method", "allowed"
    done = set(rows.select(key).iter_rows()) if len(rows) else set()
    with progress_bar("refine", len(pairs)) as advance:
        for pair in pairs:
            if (*pair, seconds) not in done:
                rows = pl.concat([rows, judge(*pair, seconds)], how="diagonal")
                with atomic_file(path) as temporary:
                    rows.write_parquet(temporary)
            advance(note="/".join(map(str, pair)))
    asked = pl.DataFrame(pairs, schema=list(key[:-1]), orient="row")
    return asked.join(
        rows.filter(pl.col("allowed") == seconds), on=key[:-1], maintain_order="left_right"
    )


def main() -> None:
    """Run what is missing, draw all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of the rows, gone on with, and picture")
    parser.add_argument("--families", nargs="+", default=["CurveVel_A", "FlatFault_A", "Style_A"])
    parser.add_argument("--maps", type=int, default=1, help="a family")
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    # deepwave, not yet loaded, brings threads of its own. Those that wait by spinning took a
    # hundred times as long beside another process's work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    pairs = list(product(asked.families, range(_SEED, _SEED + asked.maps), METHODS))
    rows = completed(asked.results / "rows.parquet", pairs, asked.seconds)
    draw(asked.results / "peers.png", rows)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=140, tbl_hide_column_data_types=True):
        print(table(rows))


if __name__ == "__main__":
    main()
