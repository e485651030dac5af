"""NumPy's .npz: a zip archive of .npy files, mapped where they are not compressed."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.data.readers.base import Content, FileArray, is_axis, sampling_of, shown, state_of
from fwi.files import check_regular, read_npy_header


def read(path: Path) -> Content:
    """Read an .npz file, of which nothing is unpickled.

    Raises:
        ValueError: if it is not a whole zip archive, or a member not a whole .npy file.
    """
    arrays, axes = {}, {}
    with _open(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename or name.startswith("__MACOSX"):
                continue
            shape, dtype = _checked_header(path, archive, member)
            if dtype.kind not in "fiu":
                continue
            if is_axis(shape):
                axes[name] = _member(path, state_of(path), member.filename)
            else:
                arrays[name] = _array(path, name, shape, dtype)
    return Content(arrays, sampling_of(axes, path))


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by their names, compressed."""
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _array(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FileArray:
    def load(span: slice) -> Array:
        return _member(path, state_of(path), f"{name}.npy")[span]

    return FileArray(f"{path}:{shown(name)}", shape, dtype, load)


@lru_cache(maxsize=1)  # a compressed member is read whole, and shards ask for it piece by piece
def _member(path: Path, state: tuple[int, int], name: str) -> Array:
    with _open(path) as archive, archive.open(name) as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise ValueError(
                f"{shown(name)} of {path} is damaged ({type(error).__name__}); copy it again"
            ) from None


def _open(path: Path) -> zipfile.ZipFile:
    check_regular(path)
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ValueError(f"{path} is not a readable .npz file ({error}); copy it again") from None


def _checked_header(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read shape and dtype of a member, which must be as long as they promise."""
    try:
        with archive.open(member) as file:
            start, shape, _, dtype = read_npy_header(file)
    except Exception as error:  # archives and headers that are damaged let almost anything through
        raise ValueError(
            f"{shown(member.filename)} of {path} is not a readable .npy file "
            f"({type(error).__name__}); write it with numpy.savez"
        ) from None
    if dtype.hasobject:
        raise ValueError(
            f"{shown(member.filename)} of {path} holds pickled Python objects, which are never "
            "loaded; save plain numbers"
        )
    expected = start + math.prod(shape) * dtype.itemsize
    if member.file_size != expected:
        raise ValueError(
            f"{shown(member.filename)} of {path} must have the {expected} bytes that its header "
            f"promises, got {member.file_size}; copy or make it again"
        )
    return shape, dtype
