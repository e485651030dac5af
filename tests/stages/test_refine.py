"""The refine stage: what it writes, that it goes on where it was stopped, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fwi
from fwi.cli import main
from fwi.competition import submission
from fwi.config import Config, load_config
from fwi.data.store import Store
from fwi.stages import refine

# Seconds a sample: one step is always taken, which is all that these tests need.
FEW = "refine.seconds=0.1"


@pytest.fixture(scope="module")
def config(small_config: Config, small_store: Store, tmp_path_factory) -> Config:  # noqa: ANN001
    out = tmp_path_factory.mktemp("refine") / "refined"
    return load_config(small_config, [f"refine.out={out}", "refine.samples=2", FEW])


@pytest.fixture(scope="module")
def result(config: Config) -> refine.RefineResult:
    return refine.run(config)


def test_maps_are_written_in_the_order_of_the_input(
    result: refine.RefineResult, small_store: Store
) -> None:
    store = result.store
    assert len(store) == 2
    assert store.catalog["sample_id"].to_list() == small_store.catalog["sample_id"][:2].to_list()
    assert not (store.path / "shards" / "00000" / "gathers.npy").exists()
    assert store.maps(range(2)).shape == (2, 70, 70)


def test_each_sample_says_how_it_went(result: refine.RefineResult, small_store: Store) -> None:
    table = result.table
    assert (table["residual"] <= table["start_residual"]).all()
    start = fwi.load("default").predict(small_store.gathers(range(2)))
    true = small_store.maps(range(2))
    expected = np.abs(start - true).mean((1, 2))
    # A batch of one and one of two round otherwise.
    np.testing.assert_allclose(table["start_mae"], expected, rtol=1e-3)
    found = np.abs(result.store.maps(range(2)) - true).mean((1, 2))
    np.testing.assert_allclose(table["mae"], found, rtol=1e-6)
    steps = pl.read_parquet(result.store.path / "steps" / "00001.parquet")
    assert len(steps) > 0
    assert steps["seconds"].is_sorted()
    assert (result.store.path / "pictures" / "00001.png").stat().st_size > 10_000


def test_a_stopped_refinement_goes_on(config: Config, result: refine.RefineResult) -> None:
    folder = result.store.path
    first = (folder / "shards" / "00000" / "maps.npy").stat().st_mtime_ns
    for file in (folder / "shards" / "00001").iterdir():
        file.unlink()
    (folder / "shards" / "00001").rmdir()
    (folder / "catalog.parquet").unlink()
    again = refine.run(config)
    assert len(again.store) == 2
    assert (folder / "shards" / "00000" / "maps.npy").stat().st_mtime_ns == first


def test_refined_maps_make_a_submission(result: refine.RefineResult, tmp_path: Path) -> None:
    out = tmp_path / "refined.csv"
    main_with("submit", result.store.path, "--out", out)
    assert submission.validate(out, None) == 2 * 70


def test_a_store_of_predictions_is_a_start(
    config: Config, small_store: Store, tmp_path: Path
) -> None:
    # The true maps as first ones: nothing is left to do.
    given = load_config(
        config, [f"refine.out={tmp_path / 'out'}", f"refine.start={small_store.path}"]
    )
    table = refine.run(given).table
    assert (table["start_mae"] == 0).all()
    assert (table["mae"] == 0).all()
    assert table["converged"].all()


def test_other_settings_are_refused_and_replaced_by_force(
    config: Config, result: refine.RefineResult, refused: Callable[..., str]
) -> None:
    other = load_config(config, ["refine.start=trend"])
    with pytest.raises(FileExistsError, match="holds a store made otherwise"):
        refine.run(other)
    assert len(refine.run(config).store) == 2


def test_faults_are_told_in_a_sentence(
    small_store: Store, tmp_path: Path, refused: Callable[..., str]
) -> None:
    np.save(tmp_path / "short.npy", np.ones((5, 500, 70), np.float32))
    out = tmp_path / "out"
    assert "1000 time samples of 1 ms, got 500" in refused(
        "refine", tmp_path / "short.npy", "--out", out
    )
    assert "none.npy does not exist" in refused("refine", tmp_path / "none.npy", "--out", out)
    assert "did you mean 'FlatVel" in refused(
        "refine", small_store.path, "--out", out, "--family", "FlatVel"
    )
    np.save(tmp_path / "zeros.npy", np.zeros((5, 1000, 70), np.float32))
    assert not out.exists()
    assert "sample zeros: gathers of sample 0 must hold a wave" in refused(
        "refine", tmp_path / "zeros.npy", "--out", tmp_path / "other", "--start", "trend"
    )


def main_with(*arguments: object) -> None:
    """Run the command line in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["fwi", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            assert not stop.code  # noqa: PT017
