"""refine: from gathers and first maps to the maps that explain them, a sample at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from rich.table import Table

from fwi.arrays import Array
from fwi.checks import check_shape
from fwi.config import Config
from fwi.data.catalog import read_table
from fwi.data.inputs import Inputs, Part, open_gather_inputs
from fwi.data.readers import Sampling
from fwi.data.shards import outdated
from fwi.data.states import changed, states_of
from fwi.data.store import Store, checksum, shard_folder
from fwi.data.writer import StoreWriter, store_writer, write_shard
from fwi.execution import Shared, carry_out
from fwi.files import atomic_file, staged_part
from fwi.inference.predictor import Predictor, load
from fwi.inversion import Refined, refine
from fwi.inversion.methods import choose
from fwi.inversion.posterior import coverage
from fwi.inversion.routing import kind_of
from fwi.inversion.rung import Progress
from fwi.physics.misfit import geometry_of
from fwi.physics.simulator import simulate
from fwi.progress import Advance, progress_bar
from fwi.report.pictures import save_refinement
from fwi.runs import refined_path

_STEP = {
    "sample_id": pl.String,
    **dict.fromkeys(
        ("peak", "before", "after", "ratio", "radius", "vmin", "seconds", "mae"), pl.Float64
    ),
    "by_noise": pl.Boolean,
}


@dataclass(frozen=True)
class RefineResult:
    """The refined maps, and how each sample went.

    Attributes:
        store: the maps alone, in the order of the input, as infer writes them.
    """

    store: Store

    @cached_property
    def table(self) -> pl.DataFrame:
        """A row a sample: sample_id, kind, start_residual, residual, converged, exact, ..."""
        return pl.concat(
            [read_table(f) for f in sorted((self.store.path / "samples").glob("*.parquet"))]
        )

    def __rich__(self) -> Table:
        """Lay out what became of the samples."""
        table = Table(title=str(self.store))
        means = {"residual": "residual, noise deviations", "seconds": "seconds a sample"}
        if self.table["mae"].null_count() < len(self.table):
            means |= {"start_mae": "MAE of the start, m/s", "mae": "MAE, m/s"}
        shares = {"inside_one": "cells within one deviation", "inside_two": "within two"}
        means |= {name: label for name, label in shares.items() if self.table[name].count()}
        table.add_column("")
        table.add_column("median", justify="right")
        for name, label in means.items():
            table.add_row(label, f"{np.median(self.table[name].drop_nulls().to_numpy()):.2f}")
        for name in ("converged", "exact", "reverted"):
            table.add_row(name, f"{self.table[name].sum()} of {len(self.table)}")
        return table


def run(config: Config, *, force: bool = False) -> RefineResult:
    """Refine the map of every sample, or finish a refinement that was stopped.

    Args:
        config: reads `refine` and `machine`, and `store`, `name` for what they leave open.
        force: replace refined maps that are there, once the first one is made.

    Returns:
        A store that holds the refined maps alone; beside them samples/ says how each one went,
        steps/ what was done, pictures/ shows it.

    Raises:
        FileExistsError: if the folder holds maps of other gathers or starts, or of files that
            were changed since.
        FileNotFoundError: if the input or the start is missing.
        ValueError: if gathers or first maps do not fit; it names the sample.
    """
    section, out = config.refine, refined_path(config)
    said = Sampling(section.dt, section.source_x, section.receiver_x)
    inputs = open_gather_inputs(section.input or config.store_path, said)
    kind_of(section.family)
    choose(geometry_of(inputs.read(range(1))), section.method)  # before the folder is claimed
    start = _open_start(section.start, config.machine.device)
    n = min(section.samples or len(inputs), len(inputs))
    if isinstance(start, Store) and len(start) < n:
        raise ValueError(
            f"refine.start must hold a map for each of {n} samples, got {len(start)} in "
            f"{start.path}; predict them with fwi infer"
        )
    recipe = {
        "samples": inputs.fingerprint,
        "n": n,
        "start": _identity(start),
        **section.model_dump(include={"family", "method", "noise", "draws", "seconds"}),
    }
    with store_writer(out, recipe, n, force=force) as writer:
        missing = writer.missing()
        _check_sources(inputs, writer, sorted(set(range(n)) - set(missing)))
        shared = Shared((config, start))
        samples = (_Sample(i, Part(inputs, range(i, i + 1)), shared) for i in missing)
        with writer.staging() as staging, progress_bar("refine", n, n - len(missing)) as advance:
            carry_out(
                config.machine,
                partial(_stage, staging, out),
                samples,
                advance,
                lambda sample, part: writer.take(sample.number, part),
                networks=True,
            )
        return RefineResult(writer.finish())


class _Sample(NamedTuple):
    """What is refined: the sample's number and gathers, and what all have in common."""

    number: int
    part: Part
    shared: Shared[tuple[Config, Store | Predictor | str]]


def _stage(staging: Path, out: Path, sample: _Sample, advance: Advance) -> Path:
    """Refine one sample, and write how it went and its map in a folder of its own."""
    i, inputs, span = sample.number, sample.part.inputs, sample.part.span
    with staged_part(staging, shard_folder(out, i)) as part:
        name, sources = inputs.rows["sample_id"][span.start], states_of(inputs.sources_of(span))
        gathers = inputs.read(span)
        true = None if inputs.read_maps is None else inputs.read_maps(span)[0]
        refined = _refined(*sample.shared.value, i, name, gathers, advance)
        _report(part, i, name, gathers[0], refined, true)
        write_shard(part, i, inputs.rows_of(span), {"maps": refined.velocity[None]}, sources)
    advance()
    return part


def _refined(config: Config, start: Any, i: int, name: str, gathers: Array, note: Any) -> Refined:
    section, begun = config.refine, time.monotonic()

    def watch(_: int, progress: Progress) -> None:
        left = max(0.0, section.seconds - (time.monotonic() - begun))
        said = f"{name}: {progress.peak:g} Hz, residual {progress.after:.5f}, {left:.0f} s left"
        note(0, note=said)

    try:
        return refine(
            gathers, _first(start, gathers, range(i, i + 1)), section.family,
            method=section.method, noise=section.noise, draws=section.draws,
            seconds=section.seconds, threads=config.machine.task_threads,
            device=config.machine.device, watch=watch,
        ).samples[0]  # fmt: skip
    except ValueError as error:
        raise ValueError(f"sample {name}: {error}") from None


def _check_sources(inputs: Inputs, writer: StoreWriter, done: list[int]) -> None:
    """Refuse to go on with maps of files that have other gathers by now."""
    for i in done:
        part = range(i, i + 1)
        now = states_of(inputs.sources_of(part))
        suspects = changed(now, writer.sources(i))
        if not suspects:
            continue
        noted = read_table(writer.path / "samples" / f"{i:05d}.parquet")
        if noted["checksum"].item() != checksum(inputs.read(part)):
            raise outdated(writer.path, suspects[0])
        writer.note_sources(i, now)


def _report(
    out: Path, i: int, name: str, gathers: Array, refined: Refined, true: Array | None
) -> None:
    """Write how a sample went: a row, its steps, a picture."""
    row = {
        "sample_id": name,
        "checksum": checksum(gathers),
        "kind": refined.kind,
        "start_residual": refined.start_residual,
        "residual": refined.residual,
        "converged": refined.converged,
        "exact": refined.exact,
        "reverted": refined.reverted,
        "seconds": refined.seconds,
        "notes": "; ".join(refined.notes),
        "start_mae": _mae(refined.start, true),
        "mae": _mae(refined.velocity, true),
        "std": None if refined.std is None else float(refined.std.mean()),
        **_coverage(refined, true),
    }
    known = dict.fromkeys(("start_mae", "mae", "std", "inside_one", "inside_two"), pl.Float64)
    frames = {
        "samples": pl.DataFrame([row], schema_overrides=known),
        "steps": pl.DataFrame(list(_steps(name, refined, true)), schema=_STEP, orient="row"),
    }
    for folder, frame in frames.items():
        with atomic_file(out / folder / f"{i:05d}.parquet") as temporary:
            frame.write_parquet(temporary)
    for folder, values in (("std", refined.std), ("draws", refined.draws)):
        if values is not None:
            with atomic_file(out / folder / f"{i:05d}.npy") as temporary, temporary.open("wb") as f:
                np.save(f, values)
    predicted = simulate(refined.velocity[None], geometry_of(gathers[None]))[0]
    save_refinement(
        out / "pictures" / f"{i:05d}.png",
        f"{name}: {refined}",
        (gathers, predicted),
        (refined.start, refined.velocity, true),
        refined.std,
        [(step.peak, step.after) for step in refined.steps if not step.by_noise],
    )


def _steps(name: str, refined: Refined, true: Array | None) -> Iterator[tuple[Any, ...]]:
    """What each step did, a row each, of the columns of `_STEP`."""
    seconds = 0.0
    for step in refined.steps:
        seconds += step.seconds
        error = _mae(step.state.velocity.numpy(), true)
        at = step.state
        yield (
            name, step.peak, step.before, step.after, step.ratio, at.radius, at.vmin, seconds,
            error, step.by_noise,
        )  # fmt: skip


def _coverage(refined: Refined, true: Array | None) -> dict[str, float | None]:
    """Shares of cells whose error is within one and two standard deviations."""
    if true is None or refined.std is None:
        return {"inside_one": None, "inside_two": None}
    one, two = coverage(true, refined.velocity, refined.std)
    return {"inside_one": one, "inside_two": two}


def _mae(velocity: Array, true: Array | None) -> float | None:
    return None if true is None else float(np.abs(velocity - true).mean())


def _open_start(start: str, device: str) -> Store | Predictor | str:
    """Open what gives first maps."""
    if start == "trend":
        return start
    if (Path(start) / "store.json").exists():
        store = Store(Path(start))
        if not store.has_maps:
            raise ValueError(f"refine.start must hold velocity maps, got gathers alone in {start}")
        return store
    return load(start, device=device)


def _identity(start: Store | Predictor | str) -> Any:
    if isinstance(start, str):
        return start
    return start.fingerprint if isinstance(start, Store) else start.fingerprint()


def _first(start: Store | Predictor | str, gathers: Array, part: range) -> Array | str:
    """Give the first map of a sample, (1, nz, nx), or the name of one."""
    if isinstance(start, str):
        return start
    maps = start.maps(part) if isinstance(start, Store) else start.predict(gathers)
    check_shape("maps of refine.start", maps, (1, None, None))
    return maps
