"""Stores made shard by shard: by several processes, of files that change, and only when whole."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwi.data.shards import Shard, make_store
from fwi.data.store import Store
from fwi.progress import Advance

TOGETHER = """
import sys, time
from pathlib import Path
import numpy as np
from fwi.data.shards import Shard, make_store

def make(advance):
    time.sleep(0.2)
    return {"maps": np.full((1, 6, 5), 2000.0)}

rows = lambda i: {"sample_id": [str(i)], "family": ["A"], "fold": [0], "origin": ["x"]}
shards = [Shard(rows(i), make) for i in range(4)]
store = make_store("test", Path(sys.argv[1]), {}, shards, force=False)
assert len(store) == 4
store.verify()
"""


def shards_of(files: list[Path]) -> list[Shard]:
    """Plan a shard a file, of one map."""

    def shard(file: Path) -> Shard:
        def make(advance: Advance) -> dict[str, Any]:
            advance()
            return {"maps": np.load(file)}

        rows = {"sample_id": [file.stem], "family": ["A"], "fold": [0], "origin": [str(file)]}
        return Shard(rows, make, (file,))

    return [shard(file) for file in files]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files of a map each."""
    paths = [tmp_path / f"{name}.npy" for name in "abc"]
    for i, path in enumerate(paths):
        np.save(path, np.full((1, 6, 5), 2000.0 + i))
    return paths


def build(folder: Path, files: list[Path], *, force: bool = False) -> Store:
    return make_store("test", folder / "store", {}, shards_of(files), force=force)


def test_two_processes_on_one_store_end_right(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store"
    command = [sys.executable, "-c", TOGETHER, str(path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, said = process.communicate()
        assert process.returncode == 0, said  # the second waits for less than three seconds
    assert len(Store(path)) == 4
    assert [p.name for p in path.parent.iterdir()] == ["store"]


def test_a_first_shard_that_fails_leaves_nothing(tmp_path: Path, files: list[Path]) -> None:
    np.save(files[0], np.full((1, 6, 5), np.nan))
    with pytest.raises(ValueError, match="maps of shard 0 must be finite"):
        build(tmp_path / "new", files)
    assert not (tmp_path / "new").exists()
    np.save(files[0], np.full((1, 6, 5), 1500.0))
    assert build(tmp_path / "new", files).maps([0])[0, 0, 0] == 1500


def test_a_later_shard_that_fails_keeps_those_before(tmp_path: Path, files: list[Path]) -> None:
    np.save(files[2], np.full((1, 6, 5), np.nan))
    with pytest.raises(ValueError, match="maps of shard 2 must be finite"):
        build(tmp_path, files)
    kept = (tmp_path / "store" / "shards" / "00001" / "maps.npy").stat().st_mtime_ns
    np.save(files[2], np.full((1, 6, 5), 1500.0))
    assert build(tmp_path, files).maps([2])[0, 0, 0] == 1500
    assert (tmp_path / "store" / "shards" / "00001" / "maps.npy").stat().st_mtime_ns == kept


def test_force_replaces_nothing_before_the_first_shard_is_made(
    tmp_path: Path, files: list[Path]
) -> None:
    build(tmp_path, files)
    np.save(files[0], np.full((1, 6, 5), np.inf))
    with pytest.raises(ValueError, match="must be finite"):
        build(tmp_path, files, force=True)
    old = Store(tmp_path / "store")
    old.verify()
    assert old.maps([0])[0, 0, 0] == 2000


def test_a_touched_source_is_read_once_more_and_then_known(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path, files)
    os.utime(files[1], (1, 1))
    build(tmp_path, files)
    monkeypatch.setattr(np, "load", lambda _: pytest.fail("it is read again"))
    build(tmp_path, files)


def test_a_changed_source_is_named_whatever_its_time_and_size(
    tmp_path: Path, files: list[Path]
) -> None:
    build(tmp_path, files)
    np.save(files[1], np.full((1, 6, 5), 2500.0))  # as long as before
    with pytest.raises(FileExistsError, match=r"made before .*b\.npy was changed; .*--force"):
        build(tmp_path, files)
    assert build(tmp_path, files, force=True).maps([1])[0, 0, 0] == 2500


def test_a_store_of_unknown_sources_is_compared_with_them(
    tmp_path: Path, files: list[Path]
) -> None:
    """As those made before sources were noted are."""
    build(tmp_path, files)
    for noted in (tmp_path / "store").rglob("sources.json"):
        noted.unlink()
    build(tmp_path, files)
    np.save(files[2], np.full((1, 6, 5), 2500.0))
    for noted in (tmp_path / "store").rglob("sources.json"):
        noted.unlink()
    with pytest.raises(FileExistsError, match=r"c\.npy was changed"):
        build(tmp_path, files)


def test_samples_of_one_name_are_refused_before_any_is_made(
    tmp_path: Path, files: list[Path]
) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "a.npy"
    twin.write_bytes(files[0].read_bytes())
    with pytest.raises(ValueError, match=r"must not repeat, got 'a' from .*a\.npy and .*other"):
        build(tmp_path, [*files, twin])
    assert not (tmp_path / "store").exists()
