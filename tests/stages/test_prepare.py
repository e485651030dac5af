"""prepare: the store is that of the source, also after a kill, and bad files are named."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fwi import families
from fwi.config import Config, load_config, save_config
from fwi.data.store import Store, checksum, shard_folder
from fwi.files import open_array
from fwi.geometry import OPENFWI_SIX_SHOTS
from fwi.physics.simulator import simulate
from fwi.stages import prepare

Pair = Callable[[Path, Path], tuple[npt.NDArray, npt.NDArray]]


def generated(store: Path, *overrides: str) -> Store:
    """Prepare two maps in a shard."""
    settings = [f"store={store}", "prepare.n_samples=2", "prepare.families=[FlatVel_A]"]
    return prepare.run(load_config(None, [*settings, *overrides]))


def from_folder(folder: Path, *overrides: str) -> Config:
    """Configure a store beside a folder, two samples a shard."""
    settings = [f"prepare.folder={folder}", f"store={folder}-store", "prepare.shard_size=2"]
    return load_config(None, [*settings, "prepare.n_folds=2", *overrides])


def same(first: Store, second: Store) -> bool:
    """Compare catalogs, checksums among them, and the arrays with their checksums."""
    first.verify()
    second.verify()
    return first.catalog.equals(second.catalog)


@pytest.fixture
def folder(tmp_path: Path, training_pair: Pair) -> Path:
    """A competition folder with a file of each layout, three samples each."""
    root = tmp_path / "folder" / "train_samples"
    training_pair(root / "FlatVel_A/data/data1.npy", root / "FlatVel_A/model/model1.npy")
    training_pair(root / "Style_Fault/seis2_1_0.npy", root / "Style_Fault/vel2_1_0.npy")
    return tmp_path / "folder"


def test_generated_maps_hold_all_families_and_folds(small_store: Store) -> None:
    assert small_store.catalog["sample_id"].n_unique() == len(small_store) == 40
    for column, values in (("family", set(families.NAMES)), ("fold", {0, 1})):
        for shard in small_store.catalog.partition_by("shard"):
            assert set(shard[column]) == values
    small_store.verify()


def test_generated_gathers_are_simulated_from_the_maps(small_store: Store) -> None:
    maps = small_store.maps([17])
    assert np.array_equal(
        small_store.gathers([17]), simulate(maps, OPENFWI_SIX_SHOTS).astype(np.float16)
    )


def test_generated_maps_are_a_function_of_the_seed_alone(tmp_path: Path) -> None:
    first = generated(tmp_path / "a", "prepare.seed=5", "machine.threads=1")
    again = generated(tmp_path / "b", "prepare.seed=5", "machine.threads=2")
    other = generated(tmp_path / "c", "prepare.seed=6")
    assert same(first, again)
    assert not np.array_equal(first.maps([0]), other.maps([0]))
    assert not np.array_equal(first.maps([0]), first.maps([1]))
    assert not set(first.catalog["sample_id"]) & set(other.catalog["sample_id"])


def test_folder_is_copied_to_rounding(folder: Path) -> None:
    store = prepare.run(from_folder(folder))
    assert store.catalog["sample_id"].to_list() == [
        *(f"FlatVel_A/data1/{i}" for i in range(3)),
        *(f"Style_Fault/seis2_1_0/{i}" for i in range(3)),
    ]
    assert store.catalog["family"].to_list() == ["FlatVel_A"] * 3 + ["Style_Fault"] * 3
    root = folder / "train_samples"
    sources = [("FlatVel_A/data/data1", "FlatVel_A/model/model1")]
    sources += [("Style_Fault/seis2_1_0", "Style_Fault/vel2_1_0")]
    for i, (gathers, maps) in enumerate(sources):
        chosen = range(3 * i, 3 * i + 3)
        source = np.load(root / f"{gathers}.npy")
        # float16 keeps 11 bits; below 6e-5 its values are 6e-8 apart.
        np.testing.assert_allclose(store.gathers(chosen), source, rtol=2**-11, atol=3e-8)
        assert np.array_equal(store.maps(chosen), np.load(root / f"{maps}.npy")[:, 0])
    assert store.gather_shape == (5, 1000, 70)
    store.verify()


def test_test_split_has_gathers_alone(tmp_path: Path) -> None:
    gathers = np.random.default_rng(0).normal(size=(3, 5, 1000, 70)).astype(np.float32)
    (tmp_path / "folder" / "test").mkdir(parents=True)
    for oid, gather in zip("bac", gathers, strict=True):
        np.save(tmp_path / "folder" / "test" / f"{oid}.npy", gather)
    store = prepare.run(from_folder(tmp_path / "folder", "prepare.split=test"))
    assert store.catalog["sample_id"].to_list() == ["a", "b", "c"]
    assert set(store.catalog["fold"]) == {-1}
    assert set(store.catalog["family"]) == {"unknown"}
    assert not store.has_maps
    assert np.array_equal(store.gathers(range(3)), gathers[[1, 0, 2]].astype(np.float16))


def test_deleted_shards_are_made_again(
    tmp_path: Path, small_config: Config, small_store: Store
) -> None:
    path = tmp_path / "store"
    shutil.copytree(small_store.path, path)
    shutil.rmtree(shard_folder(path, 1))
    shutil.rmtree(shard_folder(path, 3))
    (path / "catalog.parquet").unlink()
    kept = shard_folder(path, 0) / "gathers.npy"
    written = kept.stat().st_mtime_ns
    store = prepare.run(small_config.model_copy(update={"store": path}))
    assert same(store, small_store)
    assert kept.stat().st_mtime_ns == written


def test_finished_store_is_left_alone(folder: Path) -> None:
    config = from_folder(folder)
    catalog = prepare.run(config).path / "catalog.parquet"
    written = catalog.stat().st_mtime_ns
    prepare.run(config)
    assert catalog.stat().st_mtime_ns == written


def test_only_force_replaces_a_store_made_otherwise(folder: Path) -> None:
    prepare.run(from_folder(folder))
    other = from_folder(folder, "prepare.seed=9")
    with pytest.raises(FileExistsError, match=r"made otherwise.*--force"):
        prepare.run(other)
    assert prepare.run(other, force=True).recipe["seed"] == 9


def test_killed_prepare_goes_on_to_the_same_store(
    tmp_path: Path, small_config: Config, small_store: Store
) -> None:
    config = small_config.model_copy(update={"store": tmp_path / "store"})
    save_config(config, tmp_path / "config.yaml")
    command = [sys.executable, "-m", "fwi", "prepare", "-c", str(tmp_path / "config.yaml")]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not shard_folder(config.store_path, 1).exists():
        assert process.poll() is None, "prepare ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9
    with pytest.raises(FileNotFoundError, match="is not finished; run fwi prepare"):
        Store(config.store_path)
    finished = [p for p in (config.store_path / "shards").iterdir() if p.name[0] != "."]
    assert 2 <= len(finished) < 4
    for shard in finished:
        gathers, maps = open_array(shard / "gathers.npy"), open_array(shard / "maps.npy")
        number = small_store.catalog.partition_by("shard")[int(shard.name)]
        sums = [checksum(g, m) for g, m in zip(gathers, maps, strict=True)]
        assert sums == number["checksum"].to_list()
    assert same(prepare.run(config), small_store)


def save(file: str, change: Callable[[npt.NDArray], npt.NDArray]) -> Callable[[Path], None]:
    """Make a fault: another array in a file."""

    def damage(root: Path) -> None:
        np.save(root / file, change(np.load(root / file)), allow_pickle=True)

    return damage


def put(array: npt.NDArray, value: float) -> npt.NDArray:
    """Put a value into the last sample of an array."""
    array[-1, 0, 3, 2] = value
    return array


DATA, MODEL = "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy"
FAULTS = {
    "cut": (lambda root: os.truncate(root / DATA, 1000), "data1.npy is cut short"),
    "cut maps": (lambda root: os.truncate(root / MODEL, 1000), "model1.npy is cut short"),
    "garbage": (lambda root: (root / DATA).write_bytes(b"x" * 99), "data1.npy is not a readable"),
    "empty file": (lambda root: (root / DATA).write_bytes(b""), "data1.npy is not a readable"),
    "pickle": (save(DATA, lambda a: np.array([{}])), "data1.npy holds pickled Python objects"),
    "time samples": (
        save(DATA, lambda a: a[:, :, 1:]),
        "must have 1000 time samples of 1 ms, got 999",
    ),
    "batch axis": (save(DATA, lambda a: a[0]), "model1.npy must be as many as the 1 gathers"),
    "no axis": (save(DATA, lambda a: a[0, 0, 0, 0]), "data1.npy must be (shots, time, receivers)"),
    "no sample": (save(DATA, lambda a: a[:0]), "data1.npy hold no sample"),
    "maps' rank": (save(MODEL, lambda a: a[0, 0, 0]), "model1.npy must be (depth, line)"),
    "maps' size": (save(MODEL, lambda a: a[..., 1:]), "must be (n, 70, 70), got (1, 70, 69)"),
    "maps' count": (save(MODEL, lambda a: a[:2]), "model1.npy must be as many as the 3 gathers"),
    "integers": (save(DATA, lambda a: a.astype(np.int32)), "float64, got int32; convert it"),
    "complex maps": (save(MODEL, lambda a: a * 1j), "must hold numbers, got complex64"),
    "NaN": (save(DATA, lambda a: put(a, np.nan)), "samples 2 to 2 of"),
    "beyond float16": (
        save(DATA, lambda a: put(a, 1e6)),
        "which float16 holds, got a peak of 1e+06 in the one at 0",
    ),
    "negative": (save(MODEL, lambda a: put(a, -1)), "positive, in m/s, got a minimum of -1"),
    "NaN map": (save(MODEL, lambda a: put(a, np.nan)), "must be finite, got 1 NaN"),
    "no maps": (lambda root: (root / MODEL).unlink(), "data1.npy has no maps beside it"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_file_is_one_line(folder: Path, refused: Callable[..., str], fault: str) -> None:
    damage, said = FAULTS[fault]
    damage(folder / "train_samples")
    options = ("--set", "prepare.shard_size=2")
    assert said in refused("prepare", folder, "--store", f"{folder}-store", *options)
    with pytest.raises(FileNotFoundError, match="run fwi prepare"):
        Store(Path(f"{folder}-store"))


def test_repaired_file_lets_prepare_go_on(folder: Path) -> None:
    path = folder / "train_samples" / "Style_Fault" / "seis2_1_0.npy"
    good = np.load(path)
    np.save(path, put(good.copy(), np.nan))  # in the last sample: the others are kept
    with pytest.raises(ValueError, match=r"seis2_1_0\.npy, must be finite"):
        prepare.run(from_folder(folder))
    assert shard_folder(Path(f"{folder}-store"), 1).exists()
    np.save(path, good)
    assert len(prepare.run(from_folder(folder))) == 6


@pytest.mark.parametrize("split", ["train", "test"])
def test_empty_and_missing_folders_are_one_line(
    tmp_path: Path, refused: Callable[..., str], split: str
) -> None:
    options = ("--store", tmp_path / "store", "--split", split)
    (tmp_path / "empty").mkdir()
    assert "empty must hold gathers" in refused("prepare", tmp_path / "empty", *options)
    assert "none is not a folder" in refused("prepare", tmp_path / "none", *options)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        (
            (4, 1000, 70),
            np.float32,
            "must have 5 shots, got 4; say where they stood with --source-x",
        ),
        ((5, 70, 1000), np.float32, "got (5, 70, 1000); swap the last two axes"),
        ((5, 1000, 70), np.float32, "got a peak of 0 in the one at 0; remove it"),
        ((5, 1000, 70), np.int8, "got int8; convert it"),
    ],
)
def test_bad_test_file_is_one_line(
    tmp_path: Path, refused: Callable[..., str], shape: tuple, dtype: type, said: str
) -> None:
    (tmp_path / "test").mkdir()
    np.save(tmp_path / "test" / "a.npy", np.zeros(shape, dtype))
    line = refused("prepare", tmp_path, "--split", "test", "--store", tmp_path / "store")
    assert said in line
    assert "a.npy" in line


def test_full_disk_is_one_line_and_leaves_no_half_shard(
    folder: Path, refused: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("small_disk")
    line = refused("prepare", folder, "--store", f"{folder}-store")
    assert line.startswith("fwi: the disk is full while writing ")
    assert line.endswith("free some space and run the same command again")
    assert not Path(f"{folder}-store").exists()


def test_verify_names_an_altered_sample(folder: Path, refused: Callable[..., str]) -> None:
    store = prepare.run(from_folder(folder))
    path = shard_folder(store.path, 3) / "maps.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    options = ("--set", "prepare.shard_size=2", "--set", "prepare.n_folds=2")
    line = refused("prepare", folder, "--store", store.path, "--verify", *options)
    assert "sample Style_Fault/seis2_1_0/2 of" in line
    assert "was altered on disk" in line


def test_a_changed_file_is_noticed_and_a_touched_one_is_not(folder: Path) -> None:
    config = from_folder(folder)
    store = prepare.run(config)
    file = folder / "train_samples" / "FlatVel_A" / "model" / "model1.npy"
    os.utime(file, (0, 0))
    assert same(prepare.run(config), store)
    maps = np.load(file)
    np.save(file, maps + 1)
    with pytest.raises(FileExistsError, match=r"made before .*model1\.npy was changed.*--force"):
        prepare.run(config)
    assert np.array_equal(prepare.run(config, force=True).maps([0])[0], maps[0, 0] + 1)
