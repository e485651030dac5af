"""Reading and writing files so that nothing half-written is ever taken for whole."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from safetensors import SafetensorError

from fwi.arrays import Array

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Rust's libraries (polars, safetensors) and NumPy's tofile report a full disk in words alone.
_FULL_IN_WORDS = re.compile(
    rf"os error ({'|'.join(map(str, _FULL))})\)|\d+ requested and \d+ written"
)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when the block ends well.

    Args:
        path: the file to create or replace; its folder is created.

    Yields:
        The temporary path, in the same folder.

    Raises:
        OSError: if the disk is full, with what to do; the temporary file is gone by then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        with explained_disk_errors(path):
            yield temporary
            _sync(temporary)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; rename it to `path` when the block ends well.

    An old folder of that name steps aside first and goes last: killed in between, it is still
    there as `.<name>.old`, from which `recover_folder` brings it back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(path)
    temporary, old = _temporary(path), path.with_name(f".{path.name}.old")
    temporary.mkdir()
    try:
        with explained_disk_errors(path):
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync(file)
            if path.exists():
                path.replace(old)
            temporary.replace(path)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(path: Path, force: bool) -> Path:
    """Give the path of a file to write, unless one is there that nobody said to replace.

    Raises:
        FileExistsError: if the file is there, without `force`.
    """
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; choose another name, or --force to replace it")
    return path


def recover_folder(path: Path) -> None:
    """Undo a replacement of `path` that was killed between its two renames; for its writer."""
    old = path.with_name(f".{path.name}.old")
    if old.exists():
        if path.exists():
            shutil.rmtree(old)
        else:
            old.replace(path)


def settled_folder(path: Path) -> Path:
    """Give the folder to read: that of a replacement under way, or killed, is the old one."""
    old = path.with_name(f".{path.name}.old")
    return old if old.exists() and not path.exists() else path


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers left in a folder; only for a folder's single writer."""
    for leftover in folder.glob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


@contextmanager
def explained_disk_errors(path: Path) -> Iterator[None]:
    """Turn 'no space left' into a sentence that says what to do."""
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) not in _FULL and not _FULL_IN_WORDS.search(str(error)):
            raise
        raise OSError(
            getattr(error, "errno", None) or errno.ENOSPC,
            f"the disk is full while writing {path}; what was finished before is kept: "
            "free some space and run the same command again",
        ) from error


def open_array(path: Path) -> Array:
    """Memory-map a .npy file, trusting nothing in it.

    Args:
        path: the file.

    Returns:
        The array, read-only, on disk.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a .npy file, is cut short, or holds pickled objects, which could
            run code and are never loaded.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    try:
        with path.open("rb") as file:
            offset, shape, fortran, dtype = read_npy_header(file)
    except OSError:
        raise
    except Exception as error:  # NumPy's parser lets a damaged header raise almost anything
        raise ValueError(f"{path} is not a readable .npy file; write it with numpy.save") from error
    if dtype.hasobject:
        raise ValueError(
            f"{path} holds pickled Python objects, which are never loaded; save plain numbers"
        )
    expected = offset + math.prod(shape) * dtype.itemsize
    if path.stat().st_size < expected:
        raise ValueError(
            f"{path} is cut short: its header promises {expected} bytes, "
            f"got {path.stat().st_size}; copy or make it again"
        )
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")


def read_npy_header(file: IO[bytes]) -> tuple[int, tuple[int, ...], bool, np.dtype[Any]]:
    """Read where the values start, their shape, whether it is Fortran's order, and their dtype."""
    version = np.lib.format.read_magic(file)
    shape, fortran, dtype = _HEADER_READERS[version](file)
    # A product of sizes beyond this would overflow, or promise an array that no machine holds.
    if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) > sys.maxsize:
        raise ValueError(f"impossible shape {shape}")
    np.broadcast_to(np.empty((), dtype), shape)  # refuses a rank or sizes that NumPy cannot hold
    return file.tell(), shape, fortran, dtype


def fingerprint(paths: Iterable[Path]) -> int:
    """CRC-32 of files' names, sizes and times of change: another one if any was replaced."""
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return zlib.crc32(repr(states).encode())


def remove_folder(path: Path) -> None:
    """Delete a folder so that a kill leaves it either whole or gone from its name."""
    aside = _temporary(path)
    path.replace(aside)
    shutil.rmtree(aside)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def read_safetensors(path: Path, load: Callable[[Path], Any], whole: str) -> Any:
    """Read a safetensors file, whose format cannot run code.

    Args:
        path: the file.
        load: `load_file` of safetensors for the arrays wanted, NumPy's or torch's.
        whole: what is not whole without the file, for the error.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is another kind of file, or is cut short.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; the {whole} is not whole")
    try:
        return load(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from None
