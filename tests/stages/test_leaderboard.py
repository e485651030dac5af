"""The leaderboard: its rows, its baselines, and that the validation fold teaches nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fwi.baselines.gathers import BASELINES
from fwi.competition.leaderboard import Contest
from fwi.config import Config, LeaderboardConfig
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.inference.checkpoint import Description, save_checkpoint
from fwi.metrics import SCORED
from fwi.runs import finished_runs
from fwi.stages import leaderboard

OPTIONS = {"stem_channels": [4, 8], "decoder_channels": [8, 8, 8, 8]}
Maps = Callable[[int], dict[str, np.ndarray]]

NAMES = sorted(BASELINES)


@pytest.fixture
def config(small_config: Config, small_store: Store, tmp_path: Path) -> Config:
    """The small experiment with a runs folder of its own."""
    return small_config.model_copy(update={"runs": tmp_path / "runs"})


def board(config: Config, **changes: object) -> pl.DataFrame:
    section = LeaderboardConfig.model_validate(changes)
    return leaderboard.run(config.model_copy(update={"leaderboard": section})).table


@pytest.fixture
def two_runs(config: Config) -> Config:
    """Two runs with fresh weights beside a folder that is no run."""
    from fwi.models import create_model

    small = {
        "later": ("unet", "resnet10t", OPTIONS),
        "earlier": ("resnet9", "narrow", {}),
    }
    for name, (kind, variant, options) in small.items():
        model = create_model(kind, variant, **options)
        description = Description(kind, variant, options)
        save_checkpoint(
            config.runs / name / "checkpoints" / "best", description, model.state_dict()
        )
    (config.runs / "empty").mkdir()
    return config


def test_mean_map_has_the_error_of_a_direct_computation(config: Config, small_store: Store) -> None:
    fold = small_store.catalog["fold"].to_numpy()
    maps = small_store.maps(range(len(small_store))).astype(np.float64)
    error = np.abs(maps[fold == 0] - maps[fold != 0].mean(0))
    families = small_store.catalog["family"].to_numpy()[fold == 0]
    row = board(config).row(by_predicate=pl.col("run") == "mean map", named=True)
    # float64 means in another order.
    assert row["mae"] == pytest.approx(error.mean(), rel=1e-9)
    assert row["mae_scored"] == pytest.approx(error[..., SCORED].mean(), rel=1e-9)
    for family in np.unique(families):
        assert row[family] == pytest.approx(error[families == family].mean(), rel=1e-9)


def test_baselines_stand_alone_where_there_is_no_run(config: Config, small_store: Store) -> None:
    table = board(config)
    assert sorted(table["run"]) == NAMES
    families = small_store.catalog["family"].unique().to_list()
    assert table.columns[:3] == ["run", "mae", "mae_scored"]
    assert sorted(table.columns[3:]) == sorted(families)
    assert table["mae"].is_sorted()
    assert pl.read_parquet(config.runs / "leaderboard.parquet").equals(table)


def test_every_run_with_a_best_checkpoint_is_found(two_runs: Config) -> None:
    assert [r.path.name for r in finished_runs(two_runs.runs)] == ["earlier", "later"]
    table = board(two_runs)
    assert sorted(table["run"]) == sorted(["earlier", "later", *NAMES])
    assert table.null_count().sum_horizontal().item() == 0


def test_only_the_named_run_is_compared(two_runs: Config) -> None:
    table = board(two_runs, runs=[str(two_runs.runs / "later")], baselines=[])
    assert table["run"].to_list() == ["later"]


def stored(path: Path, store: Store, chosen: list[int]) -> Path:
    """Write maps that are 10 m/s too fast, as infer and refine do."""
    writer = StoreWriter(path, {"of": "maps"}, 1)
    rows = store.catalog[chosen].select("sample_id", "family", "fold", "origin")
    writer.write(0, rows.to_dict(as_series=False), maps=store.maps(chosen) + 10)
    writer.finish()
    return path


def test_stores_of_maps_are_compared_too(
    config: Config, small_store: Store, tmp_path: Path
) -> None:
    path = stored(tmp_path / "mine" / "refined", small_store, [*range(len(small_store))][::-1])
    table = board(config, runs=[str(path)], baselines=[])
    assert table["run"].to_list() == ["mine/refined"]
    assert table["mae"][0] == pytest.approx(10, rel=1e-5)


def test_a_store_that_lacks_a_map_is_refused(
    config: Config, small_store: Store, tmp_path: Path
) -> None:
    path = stored(tmp_path / "mine" / "refined", small_store, [0])
    with pytest.raises(ValueError, match=r"must hold a map for each of the \d+ samples of fold 0"):
        board(config, runs=[str(path)], baselines=[])


def test_missing_run_is_named(two_runs: Config) -> None:
    with pytest.raises(FileNotFoundError, match="none is not a checkpoint"):
        board(two_runs, runs=[str(two_runs.runs / "none")])


def test_only_the_named_baselines_are_compared(config: Config) -> None:
    assert board(config, baselines=["mean map"])["run"].to_list() == ["mean map"]


def test_unknown_baseline_names_the_nearest(config: Config) -> None:
    with pytest.raises(KeyError, match="unknown baseline 'mean mop'; did you mean 'mean map'"):
        board(config, baselines=["mean mop"])


def test_nothing_to_compare_is_refused(config: Config) -> None:
    with pytest.raises(ValueError, match=r"leaderboard\.baselines must name something"):
        board(config, baselines=[])


def test_too_few_samples_for_baselines_are_refused_before_any_work(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = leaderboard.split(Store(config.store_path), 0)
    one = parts[0].where(pl.col("sample_id") == parts[0].catalog["sample_id"][0])
    monkeypatch.setattr(leaderboard, "split", lambda store, fold: (one, parts[1]))
    with pytest.raises(ValueError, match="must have 2 samples or more to learn from, got 1 "):
        board(config)
    assert len(board(config, runs=["default"], baselines=[])) == 1


def test_unknown_fold_is_refused(config: Config) -> None:
    with pytest.raises(ValueError, match=r"got 7, which holds 0 .* choose one of 0, 1"):
        board(config, fold=7)


@pytest.fixture
def baselines_of(small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maps:
    """The baselines on a copy of the store in which the maps of one fold are spoiled."""
    monkeypatch.setattr(Store, "_verify", lambda *_: None)  # it would tell

    def baselines(poisoned: int) -> dict[str, np.ndarray]:
        n = len(small_store)
        catalog, maps = small_store.catalog, small_store.maps(range(n))
        maps[catalog["fold"].to_numpy() == poisoned] = 1e6
        rows = {c: catalog[c].to_list() for c in ("sample_id", "family", "fold", "origin")}
        writer = StoreWriter(tmp_path / f"store-{poisoned}", {}, 1)
        writer.write(0, rows, gathers=small_store.gathers(range(n)), maps=maps)
        store = writer.finish()
        parts = store.where(pl.col("fold") != 0), store.where(pl.col("fold") == 0)
        return dict(Contest(*parts, fold=0)._baselines(list(BASELINES)))

    return baselines


def test_validation_maps_teach_the_baselines_nothing(baselines_of: Maps) -> None:
    nobody = -1
    clean, validation, training = baselines_of(nobody), baselines_of(0), baselines_of(1)
    for name in NAMES:
        np.testing.assert_array_equal(validation[name], clean[name])
        assert not np.allclose(training[name], clean[name]), name  # the poison works
