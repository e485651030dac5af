"""Runs and baselines side by side, on one validation fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
from rich.table import Table

from fwi.arrays import Array
from fwi.baselines.gathers import BASELINES
from fwi.baselines.reduced import reduce_gathers
from fwi.data.blocks import blocks
from fwi.data.store import Store
from fwi.inference.predictor import Predictor, load, predict_store
from fwi.metrics import summarize
from fwi.progress import progress_bar

_BLOCK = 64  # gathers reduced at once
_SAMPLES = 8_000  # beyond, ridge regression on thousands of features takes minutes


@dataclass(frozen=True)
class Leaderboard:
    """How well each run did.

    Attributes:
        table: a row each, best first: run, mae, mae_scored, and one column a family, m/s.
    """

    table: pl.DataFrame

    def __rich__(self) -> Table:
        """Lay the table out: families across would not fit, so runs stand across."""
        table = Table()
        table.add_column("MAE, m/s", no_wrap=True)
        for run in self.table["run"]:
            table.add_column(run, overflow="fold")
        for key in self.table.columns[1:]:
            table.add_row(key, *(f"{value:.1f}" for value in self.table[key]))
        return table


@dataclass(frozen=True)
class Contest:
    """What is compared on what.

    Attributes:
        training: samples that baselines learn from.
        validation: samples that judge.
        fold: their fold of the store.
        tta: average with the prediction of the mirrored gathers.
        device: where networks run.
    """

    training: Store
    validation: Store
    fold: int
    tta: bool = True
    device: str = "auto"

    def compare(self, runs: Sequence[Path], baselines: Sequence[str]) -> Leaderboard:
        """Judge runs, and baselines that are fitted anew.

        Args:
            runs: run folders, stores that infer or refine wrote, or "default".
            baselines: names of `fwi.baselines.gathers.BASELINES`.

        Raises:
            FileNotFoundError: if a run is missing.
            KeyError: if a baseline is unknown.
            ValueError: if there are too few samples for the baselines.
        """
        for name in baselines:
            BASELINES[name]
        if baselines and len(self.training) < 2:
            raise ValueError(
                f"leaderboard.baselines must have 2 samples or more to learn from, got "
                f"{len(self.training)} outside fold {self.fold}; prepare more, or leave them out "
                "by leaderboard.baselines=[]"
            )
        true = self.validation.maps(range(len(self.validation)))
        names = self.validation.catalog["family"].to_list()
        rows = []
        with progress_bar("leaderboard", len(runs) + len(baselines)) as advance:
            for name, predicted in chain(self._runs(runs), self._baselines(baselines)):
                rows.append({"run": name, **summarize(predicted, true, names)})
                advance(note=name)
        return Leaderboard(pl.DataFrame(rows).sort("mae"))

    def _runs(self, runs: Sequence[Path]) -> Iterator[tuple[str, Array]]:
        """Yield the name and the predicted validation maps of each run, or of a store of maps."""
        for path in runs:
            if (path / "store.json").exists():
                yield f"{path.parent.name}/{path.name}", self._stored(Store(path, "fwi infer"))
                continue
            predictor = load(path, device=self.device)
            maps = predict_store(predictor, self.validation, self.tta)
            yield self._label(path, predictor), maps

    def _stored(self, store: Store) -> Array:
        """Read the validation samples' maps from what infer or refine wrote.

        Raises:
            ValueError: if one of them is missing, or the store holds no maps.
        """
        if not store.has_maps:
            raise ValueError(f"leaderboard.runs must hold maps, got gathers alone in {store.path}")
        rows = {name: i for i, name in enumerate(store.catalog["sample_id"])}
        names = self.validation.catalog["sample_id"].to_list()
        found = [rows[name] for name in names if name in rows]
        if len(found) < len(names):
            raise ValueError(
                f"{store.path} must hold a map for each of the {len(names)} samples of fold "
                f"{self.fold}, got {len(found)}; predict or refine the whole store"
            )
        return store.maps(found)

    def _label(self, path: Path, predictor: Predictor) -> str:
        """Name a run, and say so where it was trained on the fold that is compared."""
        description = predictor.description
        saw = (
            description is not None
            and description.data == self.training.recipe
            and description.config.get("fold") != self.fold
        )
        return f"{path.name} (trained on this fold)" if saw else path.name

    def _baselines(self, names: Sequence[str]) -> Iterator[tuple[str, Array]]:
        """Yield the name and the predicted validation maps of each baseline, fitted anew."""
        if not names:
            return
        n = len(self.training)
        chosen = range(0, n, -(-n // _SAMPLES))
        x, maps = _features(self.training, chosen), self.training.maps(chosen)
        families = self.training.catalog["family"][list(chosen)].to_list()
        judged = _features(self.validation, range(len(self.validation)))
        for name in names:
            yield name, BASELINES[name]().fit(x, maps, families).predict(judged)


def _features(store: Store, chosen: range) -> Array:
    """Reduce a store's gathers, the five shots that every store has, block by block."""
    parts = blocks(chosen, _BLOCK)
    return np.concatenate([reduce_gathers(store.gathers(part)[:, :5]) for part in parts])
