"""simulate: any maps become a store of their gathers, also after a kill; bad maps are named."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fwi
from fwi.config import Config, load_config, save_config
from fwi.data import shards
from fwi.data.map_inputs import open_map_inputs
from fwi.data.store import Store, checksum, shard_folder
from fwi.data.writer import StoreWriter
from fwi.files import open_array
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.stages import run, simulate

LINE = AcquisitionGeometry(
    nz=12,
    nx=16,
    nt=60,
    dt=9e-4,
    frequency=25.0,
    source_x=(0.0, 80.0),
    receiver_x=tuple(10.0 * i for i in range(16)),
    receiver_depth=20.0,
)
SETTINGS = [
    *(f"simulate.{key}={getattr(LINE, key)}" for key in ("nt", "dt", "frequency")),
    *(f"simulate.{key}={[*getattr(LINE, key)]}" for key in ("source_x", "receiver_x")),
    "simulate.receiver_depth=20",
    "simulate.shard_size=2",
    "simulate.n_folds=2",
    "machine.threads=1",
]
OPTIONS = [word for setting in SETTINGS for word in ("--set", setting)]


def maps_of(n: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Make maps (n, 12, 16), m/s."""
    return np.random.default_rng(seed).uniform(1500, 4000, (n, 12, 16)).astype(np.float32)


def configure(source: Path, out: Path, *overrides: str) -> Config:
    """Configure a store of two maps a shard."""
    return load_config(None, [f"simulate.input={source}", f"store={out}", *SETTINGS, *overrides])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of five maps."""
    np.save(tmp_path / "maps.npy", maps_of(5))
    return tmp_path / "maps.npy"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[npt.NDArray]:
    """The maps of every call of the simulator, in order; a sixth call stops the stage."""
    seen: list[npt.NDArray] = []

    def counted(maps: npt.NDArray, *arguments: object, **options: object) -> npt.NDArray:
        if len(seen) == 5:
            raise RuntimeError("stopped")
        seen.append(maps)
        return fwi.simulate(maps, *arguments, **options)

    monkeypatch.setattr(shards, "simulate", counted)
    return seen


def write_store(path: Path, **arrays: npt.NDArray) -> Store:
    """Write a store of three samples, the second in no fold."""
    writer = StoreWriter(path, {}, 1)
    rows = {"sample_id": ["a", "b", "c"], "family": ["A", "unknown", "A"], "fold": [7, -1, 9]}
    writer.write(0, {**rows, "origin": ["generated"] * 3}, **arrays)
    return writer.finish()


def test_store_holds_the_maps_and_their_gathers(tmp_path: Path, file: Path) -> None:
    store = simulate.run(configure(file, tmp_path / "store"))
    assert np.array_equal(store.maps(range(5)), maps_of(5))
    expected = fwi.simulate(maps_of(5), LINE)
    assert np.abs(expected).max() > 0.1
    assert np.array_equal(store.gathers(range(5)), expected.astype(np.float16))
    assert store.catalog["sample_id"].to_list() == [f"maps/{i}" for i in range(5)]
    assert store.catalog["shard"].to_list() == [0, 0, 1, 1, 2]
    assert set(store.catalog["family"]) == {"unknown"}
    assert set(store.catalog["origin"]) == {str(file)}
    assert set(store.catalog["fold"]) == {0, 1}
    assert store.recipe["geometry"] == json.loads(json.dumps(asdict(LINE)))
    store.verify()


@pytest.mark.parametrize(
    ("override", "geometry"),
    [("simulate.n_shots=6", OPENFWI_SIX_SHOTS), ("simulate.n_shots=5", OPENFWI), ("", None)],
)
def test_openfwis_acquisition_is_the_default(
    tmp_path: Path, override: str, geometry: AcquisitionGeometry | None
) -> None:
    maps = np.random.default_rng(1).uniform(1500, 4500, (1, 70, 70)).astype(np.float32)
    np.save(tmp_path / "a.npy", maps)
    settings = [f"simulate.input={tmp_path / 'a.npy'}", f"store={tmp_path / 'store'}"]
    store = run(load_config(None, [*settings, *filter(None, [override])]), "simulate")
    expected = fwi.simulate(maps, geometry or OPENFWI_SIX_SHOTS).astype(np.float16)
    assert np.array_equal(store.gathers([0]), expected)
    assert store.catalog["sample_id"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("shape", "dtype", "order"),
    [
        ((4, 12, 16), np.float32, "C"),
        ((4, 1, 12, 16), np.float32, "C"),
        ((4, 1, 12, 16), np.float32, "F"),
        ((12, 16), np.float32, "C"),
        ((4, 12, 16), ">f4", "C"),
        ((4, 12, 16), np.float64, "C"),
    ],
)
def test_every_layout_of_a_file_gives_the_same_store(
    tmp_path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, order: str
) -> None:
    maps = maps_of(4)[: 1 if len(shape) == 2 else 4]
    np.save(tmp_path / "a.npy", np.asarray(maps.reshape(shape), dtype, order=order))
    store = simulate.run(configure(tmp_path / "a.npy", tmp_path / "store"))
    assert np.array_equal(store.maps(range(len(store))), maps)
    expected = fwi.simulate(maps, LINE).astype(np.float16)
    assert np.array_equal(store.gathers(range(len(store))), expected)


def test_gathers_are_those_of_the_stored_maps(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", maps_of(2) + np.float64(1e-5))  # lost in float32
    store = simulate.run(configure(tmp_path / "a.npy", tmp_path / "store"))
    expected = fwi.simulate(store.maps(range(2)), LINE).astype(np.float16)
    assert np.array_equal(store.gathers(range(2)), expected)


def test_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for number, n in ((10, 1), (9, 3)):
        np.save(tmp_path / "model" / f"model{number}.npy", maps_of(n, number)[:, None])
    (tmp_path / "model" / "notes.txt").touch()
    store = simulate.run(configure(tmp_path / "model", tmp_path / "store"))
    ids = ["model9/0", "model9/1", "model9/2", "model10"]
    assert store.catalog["sample_id"].to_list() == ids
    assert np.array_equal(store.maps(range(4)), np.concatenate([maps_of(3, 9), maps_of(1, 10)]))
    origins = [Path(origin).name for origin in store.catalog["origin"]]
    assert origins == ["model9.npy"] * 3 + ["model10.npy"]


def test_folder_may_hold_more_files_than_may_be_open(tmp_path: Path) -> None:
    for i in range(100):
        np.save(tmp_path / f"{i}.npy", maps_of(1, i))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as lowest_free:
        few = lowest_free.fileno() + 50
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        read = open_map_inputs(tmp_path).read(range(100))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert np.array_equal(read, np.concatenate([maps_of(1, i) for i in range(100)]))


@pytest.mark.parametrize("kind", ["predictions", "prepared"])
def test_store_keeps_its_names_families_and_folds(tmp_path: Path, kind: str) -> None:
    gathers = {"gathers": np.zeros((3, 1, 9, 4))} if kind == "prepared" else {}
    source = write_store(tmp_path / kind, maps=maps_of(3), **gathers)
    store = simulate.run(configure(source.path, tmp_path / "store"))
    assert np.array_equal(store.maps(range(3)), maps_of(3))
    expected = fwi.simulate(maps_of(3), LINE).astype(np.float16)
    assert np.array_equal(store.gathers(range(3)), expected)
    for name in ("sample_id", "family"):
        assert store.catalog[name].equals(source.catalog[name])
    first, spread, last = store.catalog["fold"]
    assert (first, last) == (7, 9)
    assert spread in (0, 1)
    assert set(store.catalog["origin"]) == {str(source.path)}


def test_stopped_store_goes_on_and_makes_no_shard_twice(
    tmp_path: Path, calls: list[npt.NDArray]
) -> None:
    np.save(tmp_path / "a.npy", maps_of(13))
    config = configure(tmp_path / "a.npy", tmp_path / "store")
    with pytest.raises(RuntimeError, match="stopped"):
        simulate.run(config)
    with pytest.raises(FileNotFoundError, match="is not finished"):
        Store(tmp_path / "store")
    written = (shard_folder(tmp_path / "store", 4) / "gathers.npy").stat().st_mtime_ns
    calls.clear()
    store = simulate.run(config)
    assert [len(maps) for maps in calls] == [2, 1]
    assert (shard_folder(store.path, 4) / "gathers.npy").stat().st_mtime_ns == written
    expected = fwi.simulate(maps_of(13), LINE).astype(np.float16)
    assert np.array_equal(store.gathers(range(13)), expected)
    calls.clear()
    simulate.run(config)
    assert calls == []


def test_killed_simulation_goes_on_to_the_same_store(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", maps_of(60))
    longer = ("simulate.nt=300", "simulate.shard_size=1")  # some 10 ms a shard
    config = configure(tmp_path / "a.npy", tmp_path / "store", *longer)
    save_config(config, tmp_path / "config.yaml")
    command = [sys.executable, "-m", "fwi", "simulate", "-c", str(tmp_path / "config.yaml")]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not shard_folder(config.store_path, 1).exists():
        assert process.poll() is None, "simulate ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -9
    finished = sorted(p for p in (config.store_path / "shards").iterdir() if p.name[0] != ".")
    assert 2 <= len(finished) < 60
    sums = [checksum(*(open_array(s / f"{n}.npy") for n in ("gathers", "maps"))) for s in finished]
    store = simulate.run(config)
    assert sums == store.catalog["checksum"][: len(sums)].to_list()
    store.verify()
    whole = simulate.run(config.model_copy(update={"store": tmp_path / "undisturbed"}))
    assert store.catalog.equals(whole.catalog)


def test_only_force_replaces_a_store_of_other_settings(tmp_path: Path, file: Path) -> None:
    two_shards = "simulate.shard_size=3"  # as many as with four samples each
    store = simulate.run(configure(file, tmp_path / "store", two_shards))
    for other in ("frequency=20", "n_folds=3", "seed=1", "shard_size=4", "source_x=[0]"):
        config = configure(file, tmp_path / "store", two_shards, f"simulate.{other}")
        with pytest.raises(FileExistsError, match=r"made otherwise.*--force"):
            simulate.run(config)
    assert Store(store.path).gather_shape == (2, 60, 16)
    assert simulate.run(config, force=True).gather_shape == (1, 60, 16)


def test_finished_store_is_left_alone_whatever_the_threads(tmp_path: Path, file: Path) -> None:
    catalog = simulate.run(configure(file, tmp_path / "store")).path / "catalog.parquet"
    written = catalog.stat().st_mtime_ns
    simulate.run(configure(file, tmp_path / "store", "machine.threads=2"))
    assert catalog.stat().st_mtime_ns == written


def test_changed_maps_are_noticed(tmp_path: Path, file: Path) -> None:
    config = configure(file, tmp_path / "store")
    simulate.run(config)
    before = file.stat().st_mtime_ns
    np.save(file, maps_of(5, seed=1))
    os.utime(file, ns=(before + 1, before + 1))  # as coarse a clock as may be
    with pytest.raises(FileExistsError, match=r"was made before .*maps\.npy was changed"):
        simulate.run(config)
    assert np.array_equal(simulate.run(config, force=True).maps(range(5)), maps_of(5, seed=1))


def test_changed_store_is_noticed(tmp_path: Path) -> None:
    for seed in range(2):
        write_store(tmp_path / str(seed), maps=maps_of(3, seed))
    simulate.run(configure(tmp_path / "0", tmp_path / "store"))
    with pytest.raises(FileExistsError, match="made otherwise"):
        simulate.run(configure(tmp_path / "1", tmp_path / "store"))


def test_maps_are_never_overwritten_by_their_own_store(
    tmp_path: Path, refused: Callable[..., str]
) -> None:
    source = write_store(tmp_path / "store", maps=maps_of(3))
    for maps in (source.path, shard_folder(source.path, 0) / "maps.npy"):
        line = refused("simulate", maps, "--store", source.path, "--force")
        assert "store holds the maps that are read; write to another store" in line
    source.verify()


def put(value: float) -> npt.NDArray[np.float32]:
    """Make five maps with a value in the fourth."""
    maps = maps_of(5)
    maps[3, 4, 5] = value
    return maps


# NumPy writes an array of objects as a pickle.
BAD_ARRAYS = {
    "rank 1": (np.zeros(5, np.float32), "a.npy must be (depth, line) or (n, depth, line)"),
    "rank 5": (np.zeros((1, 1, 1, 12, 16), np.float32), "got (1, 1, 1, 12, 16); reshape them"),
    "gathers": (np.zeros((2, 5, 9, 16), np.float32), "got (2, 5, 9, 16); reshape them"),
    "empty": (np.zeros((0, 12, 16), np.float32), "a.npy hold no sample, got (0, 12, 16)"),
    "NaN": (put(np.nan), "a.npy must be finite, got 1 NaN"),
    "infinite": (put(np.inf), "map a/3 of"),
    "zero": (put(0), "a.npy must be positive, in m/s, got a minimum of 0"),
    "negative": (put(-2000), "positive, in m/s, got a minimum of -2000"),
    "too fast": (put(9000), "dt must be at most 0.000"),
    # Stable in the map, unstable in the sponge around it.
    "too fast for the sponge": (np.full((1, 12, 16), 6750.0), "dt must be at most 0.00087"),
    "complex": (np.full((2, 12, 16), 2000j), "must hold numbers, got complex128"),
    "pickle": (np.array([{}]), "a.npy holds pickled Python objects"),
    "other size": (maps_of(2)[:, :, 1:], "source_x must lie in the map"),
}


@pytest.mark.parametrize("fault", BAD_ARRAYS)
def test_bad_maps_are_one_line_and_write_nothing(
    tmp_path: Path, refused: Callable[..., str], fault: str
) -> None:
    array, said = BAD_ARRAYS[fault]
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    options = ("--store", tmp_path / "store", *OPTIONS, "--set", "simulate.source_x=[150]")
    assert said in refused("simulate", tmp_path / "a.npy", *options)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("dt=0.003", "dt must be at most 0.00"),
        ("dx=1", "source_x must lie in the map, 0 to 15 m, got 80 m"),
        ("source_x=[160]", "source_x must lie in the map, 0 to 150 m, got 160 m"),
        ("source_x=[]", "source_x must name at least one position, got none"),
        ("source_x=[.nan]", "simulate.source_x.0 of the config must be a number"),
        ("receiver_x=[-20]", "receiver_x must lie in the map, 0 to 150 m, got -20 m"),
        ("source_depth=200", "source_depth must lie in the map, 0 to 110 m, got 200 m"),
        ("source_x=null", "source_x must lie in the map, 0 to 150 m, got 170 m"),
        ("nz=12", "unknown key 'simulate.nz'"),
    ],
)
def test_setting_that_does_not_fit_is_one_line_and_keeps_the_store(
    tmp_path: Path, file: Path, refused: Callable[..., str], setting: str, said: str
) -> None:
    store = simulate.run(configure(file, tmp_path / "store"))
    options = ("--store", store.path, *OPTIONS, "--set", f"simulate.{setting}", "--force")
    assert said in refused("simulate", file, *options)
    store.verify()


def test_what_is_no_map_is_one_line(tmp_path: Path, refused: Callable[..., str]) -> None:
    out = ("--store", tmp_path / "store")
    (tmp_path / "text.npy").write_text("velocity")
    (tmp_path / "folder").mkdir()
    bare = write_store(tmp_path / "bare", gathers=np.zeros((3, 1, 9, 4)))
    with StoreWriter(tmp_path / "begun", {}, 1).claim():
        pass
    assert "none.npy does not exist" in refused("simulate", tmp_path / "none.npy", *out)
    assert "text.npy is not a readable .npy" in refused("simulate", tmp_path / "text.npy", *out)
    assert "folder must hold maps" in refused("simulate", tmp_path / "folder", *out)
    assert "must hold velocity maps, got gathers" in refused("simulate", bare.path, *out)
    assert "begun is not finished" in refused("simulate", tmp_path / "begun", *out)
    assert "simulate.input must name a .npy file" in refused("simulate", *out)
    assert not (tmp_path / "store").exists()


def test_folder_of_unlike_files_is_one_line(tmp_path: Path, refused: Callable[..., str]) -> None:
    for name, maps in (("a", maps_of(2)), ("b", maps_of(2)[:, 1:])):
        np.save(tmp_path / f"{name}.npy", maps)
    line = refused("simulate", tmp_path, "--store", tmp_path / "store")
    assert "b.npy must be (12, 16) as those of" in line


def test_full_disk_is_one_line_and_leaves_no_half_shard(
    tmp_path: Path, refused: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    np.save(tmp_path / "a.npy", maps_of(2))
    request.getfixturevalue("small_disk")
    options = ("--store", tmp_path / "store", *OPTIONS, "--nt", 1000)
    line = refused("simulate", tmp_path / "a.npy", *options)
    assert line.startswith("fwi: the disk is full while writing ")
    assert not (tmp_path / "store").exists()
