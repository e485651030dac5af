"""Files are whole or not there, and nothing in a .npy file is trusted."""

import errno
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from fwi.files import (
    atomic_file,
    atomic_folder,
    explained_disk_errors,
    open_array,
    recover_folder,
    remove_leftovers,
)

FULL = "the disk is full while writing .*free some space and run the same command again"
LARGE = np.random.default_rng(0).normal(size=100_000)


def names(folder: Path) -> list[str]:
    """List a folder, hidden names too."""
    return sorted(p.name for p in folder.iterdir())


def npy(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """Make a .npy file of any header."""
    text = header.encode()
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + body


def fail_after(path: Path, error: type[BaseException]) -> None:
    """Write a part and fail."""
    path.write_text("half")
    raise error


class Trap:
    """An object whose unpickling makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        """Name what pickle calls, and with what."""
        return os.mkdir, (str(self.marker),)


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for text in ("first", "second"):
        with atomic_file(path) as temporary:
            temporary.write_text(text)
            assert temporary.parent == path.parent
        assert path.read_text() == text
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failed_file_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_file(path) as temporary:
        fail_after(temporary, error)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for file in ("first", "second"):
        with atomic_folder(path) as temporary:
            (temporary / file).write_text("text")
        assert names(path) == [file]
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failed_folder_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(error), atomic_folder(path) as temporary:
        fail_after(temporary / "half", error)
    assert names(path) == ["old"]
    assert names(tmp_path) == ["a"]


def test_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=FULL) as refused, atomic_file(tmp_path / "a") as temporary:
        temporary.write_text("text")
    assert refused.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match=FULL), atomic_folder(tmp_path / "b") as temporary:
        (temporary / "c").write_text("text")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda path: np.save(path, LARGE),
        lambda path: pl.DataFrame({"a": LARGE}).write_parquet(path),
        lambda path: pl.DataFrame({"a": LARGE}).write_csv(path),
        lambda path: save_file({"a": torch.from_numpy(LARGE)}, path),
        lambda path: path.write_bytes(LARGE.tobytes()),
    ],
    ids=["numpy", "parquet", "csv", "safetensors", "bytes"],
)
@pytest.mark.usefixtures("small_disk")
def test_every_writer_reports_a_full_disk(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(OSError, match=FULL), atomic_folder(tmp_path / "a") as temporary:
        write(temporary / "large.npy")
    assert names(tmp_path) == []


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(PermissionError, match="no entry"), explained_disk_errors(Path("a")):
        raise PermissionError(errno.EACCES, "no entry")


def test_folder_killed_between_its_renames_comes_back(tmp_path: Path) -> None:
    old = tmp_path / ".a.old"
    old.mkdir()
    (old / "file").touch()
    recover_folder(tmp_path / "a")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["file"]


def test_folder_killed_after_its_renames_keeps_the_new_one(tmp_path: Path) -> None:
    for folder, file in (("a", "new"), (".a.old", "old")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    recover_folder(tmp_path / "a")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["new"]


def test_a_stop_between_the_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename = tmp_path / "a", Path.replace
    path.mkdir()
    (path / "old").touch()

    def replace(source: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt), atomic_folder(path) as temporary:
        (temporary / "new").touch()
    monkeypatch.undo()
    recover_folder(path)
    assert names(path) == ["old"]
    assert names(tmp_path) == ["a"]


def test_writing_recovers_the_old_folder_first(tmp_path: Path) -> None:
    (tmp_path / ".a.old").mkdir()
    (tmp_path / ".a.old" / "old").touch()
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "a"):
        raise RuntimeError
    assert names(tmp_path / "a") == ["old"]


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    for name in (".a.npy.12.tmp", "b.tmp", "c"):
        (tmp_path / name).touch()
    (tmp_path / ".d.12.tmp").mkdir()
    (tmp_path / ".d.12.tmp" / "half").touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["b.tmp", "c"]


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, ">f4", np.int64])
def test_array_is_mapped_as_it_was_saved(
    tmp_path: Path, version: tuple[int, int], order: str, dtype: str
) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4), dtype, order=order)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version)
    opened = open_array(tmp_path / "a.npy")
    assert isinstance(opened, np.memmap)
    assert opened.dtype == array.dtype
    assert np.array_equal(opened, array)
    with pytest.raises(ValueError, match="read-only"):
        opened[0] = 0


@pytest.mark.parametrize("shape", [(0,), (0, 5, 7), (3, 0)])
def test_empty_array_keeps_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.empty(shape, np.float32))
    assert open_array(tmp_path / "a.npy").shape == shape


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.npy does not exist; check the path"):
        open_array(tmp_path / "a.npy")


def test_cut_file_says_how_long_it_should_be(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, LARGE)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=f"cut short.*{len(whole)} bytes, got {len(whole) - 1}"):
        open_array(path)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3.0))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut short|not a readable \.npy file"):
            open_array(path)


@pytest.mark.parametrize("structured", [False, True])
def test_pickled_objects_are_never_loaded(tmp_path: Path, structured: bool) -> None:
    path, marker = tmp_path / "a.npy", tmp_path / "marker"
    dtype = [("a", object)] if structured else object
    array = np.array([(Trap(marker),)] if structured else [Trap(marker)], dtype)
    np.save(path, array, allow_pickle=True)
    with pytest.raises(ValueError, match="pickled Python objects, which are never loaded"):
        open_array(path)
    assert not marker.exists()
    np.load(path, allow_pickle=True)
    assert marker.exists()  # the trap works: loading would have sprung it


def test_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    path, marker = tmp_path / "a.npy", tmp_path / "marker"
    path.write_bytes(pickle.dumps(Trap(marker)))
    with pytest.raises(ValueError, match=r"not a readable \.npy file"):
        open_array(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "shape",
    [
        "(4294967296, 4294967296)",
        "(9223372036854775807, 2)",
        f"(0, {10**30})",
        f"({10**400},)",
        "(-1,)",
        "(-2, -3)",
        "(True,)",
        "(" + "1, " * 70 + ")",
    ],
)
def test_impossible_shape_is_refused(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"
    (tmp_path / "a.npy").write_bytes(npy(header, bytes(64)))
    with pytest.raises(ValueError, match=r"a\.npy is not a readable .npy file"):
        open_array(tmp_path / "a.npy")


def test_large_shape_is_cut_short(tmp_path: Path) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 7)}"
    (tmp_path / "a.npy").write_bytes(npy(header, bytes(64)))
    with pytest.raises(ValueError, match="cut short: its header promises 280000000000"):
        open_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + bytes(20),
        b"PK\x03\x04" + bytes(100),
        bytes(1000),
        npy("(" * 9000),
        npy("-" * 9000 + "1"),
        npy("{[]: 1}"),
        npy("[1]"),
        npy("'''"),
        npy("x" * 20_000, version=(2, 0)),
        npy("{'descr': (), 'fortran_order': False, 'shape': ()}"),
    ],
)
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npy is not a readable .npy file"):
        open_array(tmp_path / "a.npy")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 127), value=st.integers(0, 255))
def test_a_changed_header_byte_is_harmless(tmp_path: Path, place: int, value: int) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(content)
    try:
        assert open_array(path).nbytes <= 48
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 - a refusal is right too, if it names the file
