"""The store: what goes in comes out, and nothing altered or unfinished is taken for whole."""

import json
import os
import pickle
import shutil
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from fwi.data.store import MOST_OPEN, Store, checksum, shard_folder
from fwi.data.writer import StoreWriter

RECIPE = {"seed": 1, "folder": None}


def sample(shard: int) -> tuple[dict[str, list], npt.NDArray, npt.NDArray]:
    """Make a shard of three samples: catalog rows, gathers (3, 2, 9, 4), maps (3, 6, 5)."""
    rng = np.random.default_rng(shard)
    rows = {
        "sample_id": [f"s{shard}-{i}" for i in range(3)],
        "family": ["A", "B", "A"],
        "fold": [0, 1, shard],
        "origin": ["generated"] * 3,
    }
    return rows, rng.normal(size=(3, 2, 9, 4)), rng.uniform(1500, 4500, (3, 6, 5))


def write_shards(path: Path, shards: range) -> StoreWriter:
    """Write some shards of a store of two."""
    writer = StoreWriter(path, RECIPE, 2)
    for shard in shards:
        rows, gathers, maps = sample(shard)
        writer.write(shard, rows, gathers=gathers, maps=maps)
    return writer


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A finished store of two shards."""
    return write_shards(tmp_path / "store", range(2)).finish()


def test_samples_read_back_in_the_stores_dtypes(store: Store) -> None:
    for shard in range(2):
        rows, gathers, maps = sample(shard)
        chosen = range(3 * shard, 3 * shard + 3)
        assert np.array_equal(store.gathers(chosen), gathers.astype(np.float16))
        assert np.array_equal(store.maps(chosen), maps.astype(np.float32))
        assert store.catalog["sample_id"][3 * shard : 3 * shard + 3].to_list() == rows["sample_id"]
    assert (store.gathers([0]).dtype, store.maps([0]).dtype) == (np.float16, np.float32)
    assert (len(store), store.gather_shape, store.has_maps) == (6, (2, 9, 4), True)
    assert store.recipe == RECIPE


def test_samples_are_read_in_any_order(store: Store) -> None:
    assert np.array_equal(store.maps([5, 0, 5]), store.maps(range(6))[[5, 0, 5]])


def test_where_keeps_rows_and_arrays_together(store: Store) -> None:
    view = store.where(pl.col("family") == "A").where(pl.col("fold") == 1)
    assert view.catalog["sample_id"].to_list() == ["s1-2"]
    assert np.array_equal(view.maps([0]), store.maps([5]))
    assert view.gather_shape == store.gather_shape
    assert len(store) == 6


def test_arrays_stay_on_disk(store: Store) -> None:
    store.gathers([0])
    gathers, velocity = store.sample(4)
    assert isinstance(gathers, np.memmap)
    assert isinstance(velocity, np.memmap)
    assert np.array_equal(gathers, store.gathers([4])[0])
    assert np.array_equal(velocity, store.maps([4])[0])


def test_a_store_says_where_it_is_and_what_it_holds(store: Store, tmp_path: Path) -> None:
    assert str(store) == f"{store.path}: 6 samples of 2 x 9 x 4, 6 maps of 6 x 5"
    shutil.copytree(store.path, tmp_path / "maps")
    for file in (tmp_path / "maps").rglob("gathers.npy"):
        file.unlink()
    assert str(Store(tmp_path / "maps")) == f"{tmp_path / 'maps'}: 6 maps of 6 x 5"


def many_shards(path: Path, n: int) -> Store:
    """Write a store of tiny shards, one sample each."""
    writer = StoreWriter(path, RECIPE, n)
    for shard in range(n):
        rows, gathers, maps = sample(shard)
        rows = {name: column[:1] for name, column in rows.items()}
        writer.write(shard, rows, gathers=gathers[:1], maps=maps[:1])
    return writer.finish()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no list of what is mapped")
def test_no_more_than_some_files_stay_open(tmp_path: Path) -> None:
    store = many_shards(tmp_path / "store", MOST_OPEN)
    order = np.random.default_rng(0).permutation(MOST_OPEN)

    def opened() -> int:
        return Path("/proc/self/maps").read_text().count(str(store.path))

    expected = [store.gathers([i]) for i in order]
    store.maps(range(MOST_OPEN))
    assert 0 < opened() <= MOST_OPEN
    # What was closed is opened again, and what is still held stays valid.
    held = [store.sample(int(i))[0] for i in order]
    for i, view, values in zip(order, held, expected, strict=True):
        assert np.array_equal(view, values[0])
        assert np.array_equal(store.gathers([i]), values)


def test_a_store_travels_to_other_processes(store: Store) -> None:
    store.gathers([0])
    view = store.where(pl.col("fold") == 1)
    there = pickle.loads(pickle.dumps(view))
    assert len(pickle.dumps(view)) < 20_000  # no array travels, open or not
    assert np.array_equal(there.gathers(range(len(view))), view.gathers(range(len(view))))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert np.array_equal(pool.submit(view.maps, [1]).result(), view.maps([1]))


def test_reading_writes_nothing(store: Store, tmp_path: Path) -> None:
    """A folder that may not be written to, a mounted data set, is read all the same."""

    def times() -> dict[Path, int]:
        everything = [store.path, *store.path.rglob("*")]
        return {p: p.stat().st_mtime_ns for p in everything}

    before = times()
    again = Store(store.path)
    again.gathers(range(6))
    again.maps([3])
    again.verify()
    assert StoreWriter(store.path, RECIPE, 2).missing() == []
    assert times() == before


def test_gathers_alone_have_no_maps(tmp_path: Path) -> None:
    rows, gathers, _ = sample(0)
    writer = StoreWriter(tmp_path / "store", RECIPE, 1)
    writer.write(0, rows, gathers=gathers)
    store = writer.finish()
    assert not store.has_maps
    store.verify()


@pytest.mark.parametrize("name", ["gathers", "maps"])
def test_a_flipped_byte_is_found(store: Store, name: str) -> None:
    store.verify()
    path = shard_folder(store.path, 1) / f"{name}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last value of the last sample
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"sample s1-2 of .* was altered on disk"):
        Store(store.path).verify()


def test_what_was_compared_is_not_compared_again_by_another_view(store: Store) -> None:
    """Nor by another process: what was found is sent with the store."""
    store.where(pl.col("shard") == 1).maps([2])
    place = store.catalog["sample_id"].to_list().index("s1-2")
    path = shard_folder(store.path, 1) / "maps.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for known in (store, pickle.loads(pickle.dumps(store)), store.where(pl.col("row") == 2)):
        known.maps([place if len(known) == len(store) else 1])
    with pytest.raises(ValueError, match="sample s1-2"):
        Store(store.path).maps([place])
    with pytest.raises(ValueError, match="sample s1-2"):
        store.verify()  # which is asked to look


def test_verify_shows_how_far_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []

    @contextmanager
    def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
        steps.append((what, total))
        yield lambda: steps.append(1)

    monkeypatch.setattr("fwi.data.store.progress_bar", bar)
    store.verify()
    assert steps == [("verify", len(store)), *[1] * len(store)]


def test_checksum_is_of_all_bytes_in_order() -> None:
    a, b = np.arange(3.0), np.arange(4.0)
    assert checksum(a, b) == checksum(np.concatenate([a, b]))
    assert checksum(a, b) != checksum(b, a)
    assert checksum(np.asfortranarray(np.ones((2, 3)))) == checksum(np.ones((2, 3)))


def test_unfinished_store_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path / "store", range(1))
    with pytest.raises(FileNotFoundError, match="is not finished; run fwi prepare"):
        Store(tmp_path / "store")
    with pytest.raises(FileNotFoundError, match="does not exist; run fwi prepare"):
        Store(tmp_path / "none")


def test_writer_goes_on_where_another_stopped(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "stopped"
    write_shards(path, range(1))
    assert StoreWriter(path, RECIPE, 2).missing() == [1]
    finished = write_shards(path, range(1, 2)).finish()
    assert finished.catalog.equals(store.catalog)


def test_another_recipe_is_refused(store: Store) -> None:
    for recipe, n_shards in (({**RECIPE, "seed": 2}, 2), (RECIPE, 3)):
        with pytest.raises(FileExistsError, match=r"made otherwise; .* --force"):
            StoreWriter(store.path, recipe, n_shards)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(FileExistsError, match="is not empty and holds no store"):
        StoreWriter(tmp_path, RECIPE, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_leftovers_of_a_kill_are_ignored_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "store"
    write_shards(path, range(1))
    leftover = path / "shards" / ".00001.99.tmp"
    leftover.mkdir()
    (leftover / "gathers.npy").write_bytes(b"half")
    writer = write_shards(path, range(1, 2))
    assert not leftover.exists()
    assert len(writer.finish()) == 6


def test_a_kill_while_the_first_file_is_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / ".store.json.99.tmp").write_text("{")
    assert StoreWriter(tmp_path, RECIPE, 2).missing() == [0, 1]


def without_sum(path: Path) -> None:
    """Make a store as it once was: without the checksum of its catalog."""
    header = json.loads((path / "store.json").read_text())
    del header["catalog"]
    (path / "store.json").write_text(json.dumps(header))


def test_missing_catalog_column_is_named(store: Store) -> None:
    store.catalog.drop("checksum", "fold").write_parquet(store.path / "catalog.parquet")
    with pytest.raises(ValueError, match=r"the catalog of .* was altered on disk"):
        Store(store.path)
    without_sum(store.path)
    with pytest.raises(ValueError, match=r"lacks the column fold, checksum; make .* --force"):
        Store(store.path)


def test_damaged_catalog_is_one_sentence(store: Store) -> None:
    (store.path / "catalog.parquet").write_bytes(b"PAR1 garbage")
    without_sum(store.path)
    with pytest.raises(ValueError, match="not readable parquet; make the store again"):
        Store(store.path)


def test_shard_that_does_not_fit_the_catalog_is_refused(store: Store) -> None:
    path = shard_folder(store.path, 1) / "maps.npy"
    for array in (np.zeros((2, 6, 5), np.float32), np.zeros((3, 6, 5))):
        np.save(path, array)
        with pytest.raises(ValueError, match=r"maps of shard 1 .* must hold 3 samples of float32"):
            Store(store.path).maps([3])


def test_cut_shard_is_refused(store: Store) -> None:
    path = shard_folder(store.path, 0) / "gathers.npy"
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(ValueError, match="cut short"):
        Store(store.path).gathers([0])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5], ids=["NaN", "inf", "beyond float16"])
def test_values_that_cannot_be_stored_are_refused(tmp_path: Path, value: float) -> None:
    rows, gathers, maps = sample(0)
    gathers[1, 0, 0, 0] = value
    writer = StoreWriter(tmp_path / "store", RECIPE, 1)
    with pytest.raises(ValueError, match=r"gathers of shard 0 must be finite.*\(1, 0, 0, 0\)"):
        writer.write(0, rows, gathers=gathers, maps=maps)
    assert writer.missing() == [0]


def test_full_disk_leaves_no_half_shard(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    rows, _, maps = sample(0)
    writer = StoreWriter(tmp_path / "store", RECIPE, 1)
    request.getfixturevalue("small_disk")
    with pytest.raises(OSError, match=r"the disk is full while writing .*00000"):
        writer.write(0, rows, gathers=np.ones((3, 5, 1000, 70)), maps=maps)
    assert list(tmp_path.iterdir()) == []


def test_store_may_be_moved(store: Store, tmp_path: Path) -> None:
    shutil.move(store.path, tmp_path / "moved")
    Store(tmp_path / "moved").verify()


def test_layout_is_plain_files(store: Store) -> None:
    header = json.loads((store.path / "store.json").read_text())
    catalog = zlib.crc32((store.path / "catalog.parquet").read_bytes())
    assert header == {"format": 1, "n_shards": 2, "recipe": RECIPE, "catalog": catalog}
    assert sorted(p.name for p in shard_folder(store.path, 1).iterdir()) == [
        "catalog.parquet",
        "gathers.npy",
        "maps.npy",
    ]
