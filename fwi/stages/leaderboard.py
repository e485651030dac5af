"""leaderboard: every run, and the baselines, on one validation fold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.baselines.gathers import BASELINES
from fwi.baselines.reduced import reduce_gathers
from fwi.config import Config, LeaderboardConfig
from fwi.data.blocks import batches
from fwi.data.store import Store
from fwi.files import atomic_file
from fwi.inference.predictor import Predictor, load
from fwi.metrics import summarize
from fwi.progress import progress_bar
from fwi.registry import nearest
from fwi.stages.train import predict_store, split

_BLOCK = 64  # gathers reduced at once
_SAMPLES = 8_000  # beyond, ridge regression on thousands of features takes minutes


def run(config: Config, *, force: bool = False) -> pl.DataFrame:
    """Compare runs on a fold of the config's store.

    Args:
        config: reads `leaderboard`, `store` and `runs`.
        force: taken for the stages' common signature; the table is always made anew.

    Returns:
        A row each, best first: run, mae, mae_scored, and one column a family, m/s.

    Raises:
        FileNotFoundError: if the store or a named run is missing.
        KeyError: if a baseline is unknown.
        ValueError: if the fold or the rest is too small, the store has no maps, or there is
            nothing to compare.
    """
    board = config.leaderboard
    store = Store(config.store_path)
    training, validation = split(store, board.fold)
    true = validation.maps(range(len(validation)))
    names = validation.catalog["family"].to_list()
    rows: list[dict[str, Any]] = []
    runs = [Path(r) for r in board.runs] or find_runs(config.runs)
    baselines = _chosen(board.baselines)
    if not runs and not baselines:
        raise ValueError(
            "leaderboard.runs or leaderboard.baselines must name something, got neither and no "
            f"finished run in {config.runs}; train one first"
        )
    if baselines and len(training) < 2:
        raise ValueError(
            f"leaderboard.baselines must have 2 samples or more to learn from, got "
            f"{len(training)} outside fold {board.fold}; prepare more, or leave them out by "
            "leaderboard.baselines=[]"
        )
    with progress_bar("leaderboard", len(runs) + len(baselines)) as advance:
        for name, predicted in chain(
            _runs(runs, board, training, validation), _baselines(baselines, training, validation)
        ):
            rows.append({"run": name, **summarize(predicted, true, names)})
            advance(note=name)
    table = pl.DataFrame(rows).sort("mae")
    with atomic_file(config.runs / "leaderboard.parquet") as temporary:
        table.write_parquet(temporary)
    return table


def _chosen(names: list[str] | None) -> list[str]:
    """Name the baselines that are asked for; all where none are named."""
    for name in names or []:
        if name not in BASELINES:
            raise KeyError(
                f"leaderboard.baselines must be known names, got {name!r}; "
                f"{nearest(name, BASELINES)}"
            )
    return list(BASELINES) if names is None else names


def _runs(
    runs: list[Path], board: LeaderboardConfig, training: Store, validation: Store
) -> Iterator[tuple[str, Array]]:
    """Yield the name and the predicted validation maps of each run."""
    for path in runs:
        predictor = load(path)
        yield (
            _label(path, predictor, board.fold, training),
            predict_store(predictor, validation, board.tta),
        )


def _label(path: Path, predictor: Predictor, fold: int, store: Store) -> str:
    """Name a run, and say so where it was trained on the fold that is compared."""
    description = predictor.description
    saw = (
        description is not None
        and description.data == store.recipe
        and description.config.get("fold") != fold
    )
    return f"{path.name} (trained on this fold)" if saw else path.name


def find_runs(folder: Path) -> list[Path]:
    """List the runs that have a best checkpoint, by name."""
    return sorted(p.parent.parent for p in folder.glob("*/checkpoints/best"))


def _baselines(names: list[str], training: Store, validation: Store) -> Iterator[tuple[str, Array]]:
    """Yield the name and the predicted validation maps of each baseline, fitted anew."""
    if not names:
        return
    chosen = range(0, len(training), -(-len(training) // _SAMPLES))
    x, maps = _features(training, chosen), training.maps(chosen)
    families = training.catalog["family"][list(chosen)].to_list()
    judged = _features(validation, range(len(validation)))
    for name in names:
        yield name, BASELINES[name]().fit(x, maps, families).predict(judged)


def _features(store: Store, chosen: range) -> Array:
    """Reduce a store's gathers, the five shots that every store has, block by block."""
    parts = batches(chosen, _BLOCK)
    return np.concatenate([reduce_gathers(store.gathers(part)[:, :5]) for part in parts])
