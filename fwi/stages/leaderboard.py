"""leaderboard: every run, and the floors, on one validation fold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.baselines.floors import fit_ridge, reduce_gathers
from fwi.config import Config, LeaderboardConfig
from fwi.data.store import Store
from fwi.files import atomic_file
from fwi.metrics import summarize
from fwi.predictor import Predictor, load
from fwi.progress import progress_bar
from fwi.stages.batches import batches
from fwi.stages.train import predict_store, split

Array = npt.NDArray[Any]

_BLOCK = 64  # gathers reduced at once
_RIDGE_SAMPLES = 8_000  # beyond, ridge on thousands of features takes minutes


def run(config: Config, *, force: bool = False) -> pl.DataFrame:
    """Compare runs on a fold of the config's store.

    Args:
        config: reads `leaderboard`, `store` and `runs`.
        force: taken for the stages' common signature; the table is always made anew.

    Returns:
        A row each, best first: run, mae, mae_scored, and one column a family, m/s.

    Raises:
        FileNotFoundError: if the store or a named run is missing.
        ValueError: if the fold is empty, the store has no maps, or there is nothing to compare.
    """
    board = config.leaderboard
    store = Store(config.store_path)
    training, validation = split(store, board.fold)
    true = validation.maps(range(len(validation)))
    names = validation.catalog["family"].to_list()
    rows: list[dict[str, Any]] = []
    runs = [Path(r) for r in board.runs] or find_runs(config.runs)
    if not runs and not board.floors:
        raise ValueError(
            f"leaderboard.runs must name a run or leaderboard.floors be true, got neither and no "
            f"finished run in {config.runs}; train one first"
        )
    with progress_bar("leaderboard", len(runs) + 2 * board.floors) as advance:
        for name, predicted in _candidates(runs, board, training, validation):
            rows.append({"run": name, **summarize(predicted, true, names)})
            advance()
    table = pl.DataFrame(rows).sort("mae")
    with atomic_file(config.runs / "leaderboard.parquet") as temporary:
        table.write_parquet(temporary)
    return table


def _candidates(
    runs: list[Path], board: LeaderboardConfig, training: Store, validation: Store
) -> Iterator[tuple[str, Array]]:
    """Yield the name and the predicted validation maps of each run and floor."""
    for path in runs:
        predictor = load(path)
        yield (
            _label(path, predictor, board.fold, training),
            predict_store(predictor, validation, board.tta),
        )
    if board.floors:
        yield from _floors(training, validation)


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


def _floors(training: Store, validation: Store) -> list[tuple[str, Array]]:
    """Predict the validation maps by the mean map and by ridge regression."""
    step = -(-len(training) // _RIDGE_SAMPLES)
    chosen = range(0, len(training), step)
    maps = training.maps(chosen)
    mean = np.broadcast_to(maps.mean(axis=0, dtype=np.float64), (len(validation), *maps.shape[1:]))
    ridge = fit_ridge(_features(training, chosen), maps)
    predicted = ridge.predict(_features(validation, range(len(validation))))
    return [("mean map", mean), ("ridge regression", predicted.reshape(mean.shape))]


def _features(store: Store, chosen: range) -> Array:
    """Reduce a store's gathers, the five shots that every store has, block by block."""
    parts = batches(chosen, _BLOCK)
    return np.concatenate([reduce_gathers(store.gathers(part)[:, :5]) for part in parts])
