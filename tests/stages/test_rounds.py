"""Rounds of pseudo-labels, and decimated records: from gathers to maps to pairs, and again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fwi.config import Config, load_config
from fwi.data.decimation import decimate
from fwi.data.inputs import open_gather_inputs
from fwi.data.recording import recording_of
from fwi.data.store import Store, shard_folder
from fwi.data.writer import StoreWriter
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.inference.predictor import load
from fwi.physics.simulator import simulate
from fwi.runs import run_of
from fwi.stages import convert, infer, prepare, train
from fwi.stages import simulate as simulate_stage
from fwi.training.experiment import Experiment

N = 6  # samples
TINY = ["train.model=physics_unet", "train.options={width: 1}", "train.precision=float32"]


def configure(folder: Path, name: str, *overrides: str) -> Config:
    """Configure an experiment below a folder: a tiny network and two folds."""
    places = [f"name={name}", f"store={folder / name}", f"runs={folder / 'runs'}"]
    fit = [*TINY, "train.epochs=1", "train.batch_size=4"]
    return load_config(None, [*places, *fit, *overrides])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A network trained on six generated maps, decimated by 4; tests only read it."""
    folder = tmp_path_factory.mktemp("rounds")
    made = [f"prepare.n_samples={N}", "prepare.n_folds=2", "prepare.decimate=4"]
    config = configure(folder, "first", *made)
    prepare.run(config)
    train.run(config)
    return config


def test_decimated_stores_hold_the_low_passed_gathers(trained: Config) -> None:
    store = Store(trained.store_path)
    assert store.gather_shape == (6, 250, 70)
    gathers = simulate(store.maps([3]), OPENFWI_SIX_SHOTS)
    assert np.array_equal(store.gathers([3]), decimate(gathers, 4).astype(np.float16))
    recording = recording_of(store)
    assert recording is not None
    assert (recording.dt, recording.nt) == (0.004, 250)


def test_raw_gathers_are_decimated_as_those_of_the_training_were(
    trained: Config, tmp_path: Path
) -> None:
    """A file as recorded, and one said to be decimated: one map."""
    store = Store(trained.store_path)
    gathers = simulate(store.maps([0]))
    predictor = load(trained.run_path)
    expected = predictor.predict(decimate(gathers, 4), tta=False)
    assert np.array_equal(predictor.predict(gathers, tta=False), expected)
    np.save(tmp_path / "raw.npy", gathers)
    np.save(tmp_path / "thin.npy", decimate(gathers, 4))
    for name, *said in (("raw",), ("thin", "infer.dt=0.004")):
        config = configure(
            trained.store_path.parent, "first", f"infer.input={tmp_path / name}.npy",
            f"infer.out={tmp_path / name}", "infer.tta=false", *said,
        )  # fmt: skip
        assert np.array_equal(infer.run(config).maps([0]), expected)


def test_a_store_decimated_otherwise_is_refused(trained: Config, tmp_path: Path) -> None:
    other = configure(tmp_path, "other", "prepare.n_samples=1", "prepare.decimate=2")
    prepare.run(other)
    config = configure(
        trained.store_path.parent, "first", f"infer.input={other.store_path}",
        f"infer.out={tmp_path / 'out'}",
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"0\.004 s of time step, got 0\.002; simulate it so"):
        infer.run(config)


def test_a_store_as_recorded_is_decimated_on_the_way(trained: Config, tmp_path: Path) -> None:
    raw = configure(tmp_path, "raw", "prepare.n_samples=2", "prepare.families=[FlatVel_A]")
    store = prepare.run(raw)
    config = configure(
        trained.store_path.parent, "first", f"infer.input={store.path}",
        f"infer.out={tmp_path / 'out'}", "infer.tta=false",
    )  # fmt: skip
    expected = load(trained.run_path).predict(store.gathers([0, 1]), tta=False)
    assert np.array_equal(infer.run(config).maps([0, 1]), expected)


def test_converted_records_say_their_step(trained: Config, tmp_path: Path) -> None:
    folder = trained.store_path.parent
    settings = ["convert.format=npz", f"convert.out={tmp_path / 'npz'}"]
    convert.run(configure(folder, "first", *settings))
    wanted = recording_of(Store(trained.store_path))
    assert wanted is not None
    again = open_gather_inputs(tmp_path / "npz", wanted=wanted)
    assert len(again) == N


@pytest.fixture(scope="module")
def predicted(trained: Config) -> Store:
    """What it predicts for its own store, in its run."""
    return infer.run(configure(trained.store_path.parent, "first", "infer.tta=false"))


def test_a_round_of_pseudo_labels(trained: Config, predicted: Store, tmp_path: Path) -> None:
    """Gathers, maps, exact pairs, and a step of training on them beside the first store."""
    folder = trained.store_path.parent
    settings = [f"prepare.predictions={trained.run_path}", "prepare.decimate=4"]
    pairs = prepare.run(configure(tmp_path, "pairs", *settings))
    maps = predicted.maps(range(N))
    assert np.array_equal(pairs.maps(range(N)), maps)
    gathers = decimate(simulate(maps[:1], OPENFWI_SIX_SHOTS), 4)
    assert np.array_equal(pairs.gathers([0]), gathers.astype(np.float16))
    for column in ("sample_id", "family"):
        assert pairs.catalog[column].equals(predicted.catalog[column])
    maker = load(trained.run_path).fingerprint()
    assert set(pairs.catalog["origin"]) == {f"{trained.run_path / 'predictions'} by {maker:08x}"}
    assert set(pairs.catalog["fold"]) == {-1}

    second = configure(folder, "second", f"store={trained.store_path}",
                       f"train.stores=[{pairs.path}]")  # fmt: skip
    experiment = Experiment.build(second.train, second.machine, Store(trained.store_path))
    own, others = experiment.dataset.stores
    held = set(experiment.validation.catalog["sample_id"])
    assert len(held) == N // 2
    # What was predicted of a sample that judges is not learned from either.
    assert not held & set(others.catalog["sample_id"])
    assert len(own) == len(others) == N // 2
    assert len(train.run(second).history) == 1


def test_pairs_of_predictions_alone_judge_nothing(tmp_path: Path) -> None:
    maps_store(tmp_path / "maps", {})
    pairs = configure(tmp_path, "pairs", f"prepare.predictions={tmp_path / 'maps'}")
    prepare.run(pairs)
    with pytest.raises(ValueError, match="learn from it beside another store, by --also"):
        train.run(pairs)


def test_prepare_from_makes_the_pairs_that_simulate_makes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "maps.npy", rng.uniform(1500, 4500, (3, 70, 70)).astype(np.float32))
    settings = [f"prepare.predictions={tmp_path / 'maps.npy'}", "prepare.folds=random"]
    first = prepare.run(configure(tmp_path, "a", *settings))
    second = simulate_stage.run(configure(tmp_path, "b", f"simulate.input={tmp_path}/maps.npy"))
    assert first.catalog.equals(second.catalog)
    assert recording_of(first) == recording_of(second) == OPENFWI_SIX_SHOTS


def maps_store(path: Path, recipe: dict) -> Store:
    """Write a store of two maps alone, one of a known fold."""
    rows = {"sample_id": ["a", "b"], "family": ["A"] * 2, "fold": [7, -1], "origin": ["x"] * 2}
    writer = StoreWriter(path, recipe, 1)
    writer.write(0, rows, maps=np.full((2, 70, 70), 2000.0))
    return writer.finish()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"weights": [1, 2**32 - 1]}, " by 00000001, ffffffff"),
        ({"method": "auto", "start": "trend"}, " by refine (auto)"),
        ({"weights": ["x"]}, ""),
        ({}, ""),
    ],
)
def test_origins_say_what_predicted(tmp_path: Path, recipe: dict, said: str) -> None:
    maps_store(tmp_path / "maps", recipe)
    pairs = prepare.run(configure(tmp_path, "p", f"prepare.predictions={tmp_path / 'maps'}"))
    assert set(pairs.catalog["origin"]) == {f"{tmp_path / 'maps'}{said}"}


def test_folds_of_predictions_are_kept_where_folds_are_asked_for(tmp_path: Path) -> None:
    maps_store(tmp_path / "maps", {})
    settings = [f"prepare.predictions={tmp_path / 'maps'}", "prepare.n_folds=2"]
    pairs = prepare.run(configure(tmp_path, "p", *settings, "prepare.folds=random"))
    assert pairs.catalog["fold"][0] == 7
    assert pairs.catalog["fold"][1] in (0, 1)


def test_a_run_with_both_stores_must_say_which(tmp_path: Path) -> None:
    run = run_of(configure(tmp_path, "both"))
    maps_store(run.predictions, {})
    maps_store(run.refined, {})
    config = configure(tmp_path, "p", f"prepare.predictions={run.path}")
    with pytest.raises(ValueError, match="got predictions and refined; give the folder of one"):
        prepare.run(config)
    config = configure(tmp_path, "p", f"prepare.predictions={run.refined}")
    assert len(prepare.run(config)) == 2


def test_changed_predictions_are_noticed(tmp_path: Path) -> None:
    maps_store(tmp_path / "maps", {})
    config = configure(tmp_path, "p", f"prepare.predictions={tmp_path / 'maps'}")
    prepare.run(config)
    shard = shard_folder(tmp_path / "maps", 0)
    rows = {"sample_id": ["a", "c"], "family": ["A"] * 2, "fold": [0, 0], "origin": ["x"] * 2}
    for file in (*shard.iterdir(), tmp_path / "maps" / "catalog.parquet"):
        file.unlink()
    shard.rmdir()
    writer = StoreWriter(tmp_path / "maps", {}, 1)
    writer.write(0, rows, maps=np.full((2, 70, 70), 2500.0))
    writer.finish()
    with pytest.raises(FileExistsError, match="made otherwise"):
        prepare.run(config)


def test_whole_files_and_families_make_folds(
    tmp_path: Path, training_pair: Callable[[Path, Path], object]
) -> None:
    first = tmp_path / "tree" / "FlatVel_A" / "data1.npy"
    training_pair(first, first.with_name("model1.npy"))
    (tmp_path / "tree" / "Own").mkdir()
    for other in ("FlatVel_A/{}60.npy", "Own/{}1.npy", "Own/{}60.npy"):
        for word in ("data", "model"):
            (tmp_path / "tree" / other.format(word)).hardlink_to(first.with_name(f"{word}1.npy"))
    folder = f"prepare.folder={tmp_path / 'tree'}"
    by = {
        rule: prepare.run(configure(tmp_path, rule, folder, f"prepare.folds={rule}", *more))
        for rule, *more in (("file", "prepare.n_folds=4"), ("family",), ("none",))
    }
    for rule, column, n in (("file", "origin", 4), ("family", "family", 2)):
        parts = by[rule].catalog.group_by(column).agg(pl.col("fold").n_unique())
        assert parts["fold"].to_list() == [1] * n
        assert sorted(set(by[rule].catalog["fold"])) == list(range(n))
    assert set(by["none"].catalog["fold"]) == {-1}
    with pytest.raises(ValueError, match=r"got .*data1\.npy of Own|got .*data60\.npy of Own"):
        prepare.run(configure(tmp_path, "x", folder, "prepare.folds=openfwi"))


def test_simulate_decimates_too(tmp_path: Path) -> None:
    maps = np.full((1, 70, 70), 2000, np.float32)
    np.save(tmp_path / "maps.npy", maps)
    settings = [f"simulate.input={tmp_path / 'maps.npy'}", "simulate.n_shots=5"]
    store = simulate_stage.run(configure(tmp_path, "s", *settings, "simulate.decimate=8"))
    expected = decimate(simulate(maps, OPENFWI), 8)
    assert np.array_equal(store.gathers([0]), expected.astype(np.float16))
