"""infer and submit: from gathers in any form to a file that the competition takes."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import torch

from fwi.competition import submission
from fwi.config import Config, load_config
from fwi.data.inputs import Inputs, open_gather_inputs
from fwi.data.store import Store, shard_folder
from fwi.inference import predictions, predictor
from fwi.inference.checkpoint import Description, save_checkpoint
from fwi.models import create_model
from fwi.stages import infer, prepare, submit

IDS = ["e0", "b1", "a2", "d3", "c4"]
BATCH = 2
PREVIEW = range(4)  # read again at the end, to be drawn
# The same network on batches of other sizes, m/s: float32 sums in another order. A GPU's TF32
# rounds the factors to ten bits: measured 1.6.
ROUNDING = 5.0 if torch.cuda.is_available() else 0.05


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two untrained networks."""
    paths = [tmp_path_factory.mktemp("checkpoint") / str(seed) for seed in range(2)]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        weights = create_model("unet").state_dict()
        save_checkpoint(path, Description("unet", None, {}), weights)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def gathers(small_store: Store) -> npt.NDArray:
    """Gathers (5, 5, 1000, 70) float16, one a name of IDS."""
    return small_store.gathers(range(5))[:, :5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, gathers: npt.NDArray) -> Path:
    """A test folder of five files; tests only read it."""
    root = tmp_path_factory.mktemp("folder")
    for oid, gather in zip(IDS, gathers, strict=True):
        np.save(root / f"{oid}.npy", gather)
    return root


def configure(source: Path, out: Path, checkpoints: list[str], *overrides: str) -> Config:
    """Configure infer on one source."""
    settings = [f"infer.input={source}", f"infer.out={out}", f"infer.batch_size={BATCH}"]
    return load_config(None, [*settings, f"infer.checkpoints={checkpoints}", *overrides])


def all_maps(store: Store) -> npt.NDArray:
    """Read all maps of a store."""
    return store.maps(range(len(store)))


@pytest.fixture(scope="module")
def predicted(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, checkpoints: list[str]
) -> Store:
    """What the first network predicts for the folder; tests only read it."""
    return infer.run(configure(folder, tmp_path_factory.mktemp("out"), checkpoints[:1]))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """The parts that infer reads of its source, in order."""
    parts: list[range] = []

    def opened(path: Path, *recording: Any) -> Inputs:
        inputs = open_gather_inputs(path, *recording)

        def read(part: range) -> npt.NDArray:
            parts.append(part)
            return inputs.read(part)

        return replace(inputs, read=read)

    monkeypatch.setattr(infer, "open_gather_inputs", opened)
    return parts


def test_predictions_are_the_networks(
    predicted: Store, gathers: npt.NDArray, checkpoints: list[str]
) -> None:
    expected = predictor.load(checkpoints[0]).predict(gathers)
    order = [IDS.index(oid) for oid in predicted.catalog["sample_id"]]
    assert order == [2, 1, 4, 3, 0]
    np.testing.assert_allclose(all_maps(predicted), expected[order], rtol=0, atol=ROUNDING)
    predicted.verify()


def test_store_folder_and_file_agree(
    tmp_path: Path, folder: Path, gathers: npt.NDArray, predicted: Store, checkpoints: list[str]
) -> None:
    settings = [f"prepare.folder={folder}", f"store={tmp_path / 'store'}", "prepare.split=test"]
    store = prepare.run(load_config(None, settings)).path
    file = tmp_path / "all.npy"
    np.save(file, gathers[[2, 1, 4, 3, 0]])
    of_store = infer.run(configure(store, tmp_path / "a", checkpoints[:1]))
    of_file = infer.run(configure(file, tmp_path / "b", checkpoints[:1]))
    # The same float16 gathers in the same batches: not even rounding differs.
    assert np.array_equal(all_maps(of_store), all_maps(predicted))
    assert np.array_equal(all_maps(of_file), all_maps(predicted))
    assert of_store.catalog["sample_id"].equals(predicted.catalog["sample_id"])
    assert of_file.catalog["sample_id"].to_list() == [f"all-{i}" for i in range(5)]


def test_the_configs_store_and_run_are_the_defaults(
    tmp_path: Path, folder: Path, predicted: Store, checkpoints: list[str]
) -> None:
    shutil.copytree(checkpoints[0], tmp_path / "runs" / "one" / "checkpoints" / "best")
    base = ["name=one", f"runs={tmp_path / 'runs'}", f"store={tmp_path / 'store'}"]
    base += [f"infer.batch_size={BATCH}"]
    prepare.run(load_config(None, [*base, f"prepare.folder={folder}", "prepare.split=test"]))
    store = infer.run(load_config(None, base))
    assert store.path == tmp_path / "runs" / "one" / "predictions"
    assert np.array_equal(all_maps(store), all_maps(predicted))


def test_never_more_than_a_batch_is_read(
    tmp_path: Path, folder: Path, checkpoints: list[str], reads: list[range]
) -> None:
    infer.run(configure(folder, tmp_path, checkpoints))
    assert reads == [range(0, 2), range(2, 4), range(4, 5), PREVIEW]


def test_no_flip_is_one_pass(
    tmp_path: Path, folder: Path, gathers: npt.NDArray, checkpoints: list[str]
) -> None:
    plain = infer.run(configure(folder, tmp_path, checkpoints[:1], "infer.tta=false"))
    expected = predictor.load(checkpoints[0]).predict(gathers[[2]], tta=False)
    np.testing.assert_allclose(plain.maps([0]), expected, rtol=0, atol=ROUNDING)


def test_networks_are_blended(
    tmp_path: Path, folder: Path, predicted: Store, checkpoints: list[str]
) -> None:
    first, second = checkpoints
    other = all_maps(infer.run(configure(folder, tmp_path / "other", [second])))
    mean = all_maps(infer.run(configure(folder, tmp_path / "mean", checkpoints)))
    three = [first, second, first]
    config = configure(folder, tmp_path / "median", three, "infer.blend=median")
    assert np.abs(other - all_maps(predicted)).max() > 1
    # One float32 rounding below 8,192 m/s.
    np.testing.assert_allclose(mean, (all_maps(predicted) + other) / 2, rtol=0, atol=5e-4)
    assert np.array_equal(all_maps(infer.run(config)), all_maps(predicted))


def test_deleted_shard_is_predicted_again_alone(
    tmp_path: Path,
    folder: Path,
    predicted: Store,
    checkpoints: list[str],
    reads: list[range],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predictions, "_SHARD", 2)
    config = configure(folder, tmp_path / "out", checkpoints[:1])
    infer.run(config)
    shutil.rmtree(shard_folder(tmp_path / "out", 1))
    for lost in ("catalog.parquet", "preview.png"):
        (tmp_path / "out" / lost).unlink()
    reads.clear()
    store = infer.run(config)
    assert reads == [range(2, 4), PREVIEW]
    assert np.array_equal(all_maps(store), all_maps(predicted))
    store.verify()


def test_finished_predictions_are_not_made_again(
    tmp_path: Path, folder: Path, checkpoints: list[str], reads: list[range]
) -> None:
    config = configure(folder, tmp_path, checkpoints[:1])
    infer.run(config)
    reads.clear()
    infer.run(config)
    assert reads == []
    infer.run(config, force=True)
    assert reads


def test_predictions_of_other_networks_are_not_mixed(
    predicted: Store, folder: Path, checkpoints: list[str]
) -> None:
    for config in (
        configure(folder, predicted.path, checkpoints[1:]),
        configure(folder, predicted.path, checkpoints),
        configure(folder, predicted.path, checkpoints[:1], "infer.tta=false"),
        configure(folder / "a2.npy", predicted.path, checkpoints[:1]),
    ):
        with pytest.raises(FileExistsError, match=r"made otherwise.*--force"):
            infer.run(config)


@pytest.fixture
def damaged(tmp_path: Path, gathers: npt.NDArray) -> Path:
    """A test folder whose last of three samples holds a NaN."""
    (tmp_path / "damaged").mkdir()
    for oid, gather in zip("abc", gathers[:3].copy(), strict=True):
        gather[4, 999, 69] = np.nan if oid == "c" else 0
        np.save(tmp_path / "damaged" / f"{oid}.npy", gather)
    return tmp_path / "damaged"


def test_gather_with_a_nan_is_named(
    tmp_path: Path, damaged: Path, checkpoints: list[str], refused: Callable[..., str]
) -> None:
    line = refused("infer", damaged, "--checkpoint", checkpoints[0], "--out", tmp_path / "out")
    assert "gathers of sample c must be finite, got 1 NaN" in line
    assert "the first at (4, 999, 69)" in line


def test_a_gather_that_failed_is_in_nobodys_way_once_it_is_mended(
    tmp_path: Path, damaged: Path, gathers: npt.NDArray, checkpoints: list[str]
) -> None:
    config = configure(damaged, tmp_path / "new" / "out", checkpoints[:1])
    with pytest.raises(ValueError, match="gathers of sample c must be finite"):
        infer.run(config)
    assert not (tmp_path / "new").exists()
    np.save(damaged / "c.npy", gathers[2])
    assert len(infer.run(config)) == 3


def test_force_keeps_the_old_predictions_where_the_new_ones_fail(
    tmp_path: Path, damaged: Path, predicted: Store, checkpoints: list[str]
) -> None:
    shutil.copytree(predicted.path, tmp_path / "out")
    with pytest.raises(ValueError, match="gathers of sample c must be finite"):
        infer.run(configure(damaged, tmp_path / "out", checkpoints[:1]), force=True)
    kept = Store(tmp_path / "out")
    kept.verify()
    assert np.array_equal(all_maps(kept), all_maps(predicted))


def test_names_mean_nothing_else(
    tmp_path: Path, gathers: npt.NDArray, checkpoints: list[str]
) -> None:
    """Neither a pattern of paths nor a formula of pictures."""
    folder = tmp_path / "[1] $_{*"
    folder.mkdir()
    names = ["$_{", "[a]", "a^b$c$"]
    for name, gather in zip(names, gathers, strict=False):
        np.save(folder / f"{name}.npy", gather)
    store = infer.run(configure(folder, folder / "out", checkpoints[:1]))
    assert store.catalog["sample_id"].to_list() == sorted(names)
    settings = [f"submit.predictions={store.path}"]
    config = load_config(None, settings)
    section = config.submit.model_copy(
        update={"predictions": store.path, "out": folder / "$_{.csv"}
    )
    submit.run(config.model_copy(update={"submit": section}))
    assert submission.read(folder / "$_{.csv")[0] == sorted(names)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 1000, 70), np.float32), "must have 5 shots, got 4"),
        (np.zeros((5, 1000, 70), np.int16), "got int16; convert it"),
        (np.zeros((5, 1000), np.float32), "must be (shots, time, receivers)"),
        (np.array([{}]), "holds pickled Python objects"),
    ],
    ids=["shots", "dtype", "rank", "pickle"],
)
def test_bad_gathers_are_one_line(
    tmp_path: Path,
    checkpoints: list[str],
    refused: Callable[..., str],
    array: npt.NDArray,
    said: str,
) -> None:
    file = tmp_path / "a.npy"
    np.save(file, array, allow_pickle=True)
    for source in (file, tmp_path):
        line = refused("infer", source, "-k", checkpoints[0], "--out", tmp_path / "out", "--force")
        assert said in line


def test_missing_input_and_checkpoint_are_one_line(
    tmp_path: Path, folder: Path, checkpoints: list[str], refused: Callable[..., str]
) -> None:
    assert "none does not exist" in refused("infer", tmp_path / "none", "-k", checkpoints[0])
    line = refused("infer", folder, "-k", tmp_path / "none", "--out", tmp_path / "out")
    assert "none is not a checkpoint" in line


def sample_of(path: Path, ids: list[str]) -> Path:
    """Write a sample submission."""
    submission.write(path, ids, np.full((len(ids), 70, 70), 3000.0))
    return path


def test_submission_follows_the_sample(tmp_path: Path, predicted: Store) -> None:
    sample = sample_of(tmp_path / "sample.csv", IDS)
    settings = [f"submit.predictions={predicted.path}", f"submit.sample_submission={sample}"]
    config = load_config(None, [*settings, f"submit.out={tmp_path / 'a.csv'}"])
    assert submit.run(config).n_rows == 350
    ids, scored = submission.read(tmp_path / "a.csv")
    assert ids == IDS
    places = [predicted.catalog["sample_id"].to_list().index(oid) for oid in IDS]
    expected = predicted.maps(places)[..., 1::2]
    np.testing.assert_allclose(scored, expected, rtol=0, atol=0.0055)  # two decimals, float32
    with pytest.raises(FileExistsError, match=r"a\.csv exists; .* --force to replace it"):
        submit.run(config)
    assert submit.run(config, force=True).n_rows == 350


def test_without_a_sample_every_prediction_is_submitted(
    tmp_path: Path, predicted: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, ["name=mine", f"submit.predictions={predicted.path}"])
    assert submit.run(config).path == Path("submissions/mine.csv")
    assert submission.read("submissions/mine.csv")[0] == sorted(IDS)


def test_a_sample_of_fewer_ids_is_enough(tmp_path: Path, predicted: Store) -> None:
    sample = sample_of(tmp_path / "sample.csv", ["d3"])
    settings = [f"submit.predictions={predicted.path}", f"submit.sample_submission={sample}"]
    assert submit.run(load_config(None, [*settings, f"submit.out={tmp_path}/a.csv"])).n_rows == 70


def test_missing_id_is_one_line_and_writes_nothing(
    tmp_path: Path, predicted: Store, refused: Callable[..., str]
) -> None:
    sample = sample_of(tmp_path / "sample.csv", ["d3", "zz"])
    out = tmp_path / "a.csv"
    line = refused("submit", predicted.path, "--sample", sample, "--out", out)
    assert "1 ids of the sample submission have no prediction, the first is 'zz'" in line
    assert not out.exists()


def test_unfinished_predictions_are_not_submitted(
    tmp_path: Path, predicted: Store, refused: Callable[..., str]
) -> None:
    shutil.copytree(predicted.path, tmp_path / "stopped")
    (tmp_path / "stopped" / "catalog.parquet").unlink()
    line = refused("submit", tmp_path / "stopped", "--out", tmp_path / "a.csv")
    assert "stopped is not finished" in line
    assert not (tmp_path / "a.csv").exists()


def test_stores_whose_maps_are_unknown_are_not_submitted(
    tmp_path: Path, folder: Path, refused: Callable[..., str]
) -> None:
    settings = [f"prepare.folder={folder}", f"store={tmp_path / 'store'}", "prepare.split=test"]
    store = prepare.run(load_config(None, settings))
    line = refused("submit", store.path, "--out", tmp_path / "a.csv")
    assert "must hold velocity maps, got gathers alone" in line
    assert not (tmp_path / "a.csv").exists()


def test_the_real_gather_gives_a_valid_submission(tmp_path: Path, real_data: Path) -> None:
    if not (predictor.DEFAULT / "checkpoint.json").is_file():
        pytest.skip("the default weights are not in fwi/weights/default")
    file = real_data / "kaggle_test" / "000039dca2.npy"
    store = infer.run(configure(file, tmp_path / "out", ["default"]))
    sample = sample_of(tmp_path / "sample.csv", ["000039dca2"])
    settings = [f"submit.predictions={store.path}", f"submit.sample_submission={sample}"]
    written = submit.run(load_config(None, [*settings, f"submit.out={tmp_path / 'a.csv'}"]))
    assert written.n_rows == 70
    rows = pl.read_csv(written.path)
    assert rows["oid_ypos"].to_list() == [f"000039dca2_y_{row}" for row in range(70)]
    assert rows.drop("oid_ypos").to_numpy().min() > 1000
    assert rows.drop("oid_ypos").to_numpy().max() < 5000


def test_a_mended_file_is_taken_and_a_changed_one_is_noticed(
    tmp_path: Path,
    folder: Path,
    checkpoints: list[str],
    predicted: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was predicted before a bad file was found is kept while it is mended."""
    monkeypatch.setattr("fwi.inference.predictions._SHARD", 2)
    source = tmp_path / "folder"
    shutil.copytree(folder, source)
    last = sorted(source.iterdir())[-1]
    good = np.load(last)
    np.save(last, np.full_like(good, np.nan))
    config = configure(source, tmp_path / "out", checkpoints[:1])
    with pytest.raises(ValueError, match=f"{last.stem} must be finite"):
        infer.run(config)
    np.save(last, good)
    assert np.array_equal(all_maps(infer.run(config)), all_maps(predicted))
    np.save(last, 2 * good)
    with pytest.raises(FileExistsError, match=rf"made before .*{last.name} was changed"):
        infer.run(config)
