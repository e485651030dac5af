"""Arrays of .npy files, mapped into memory; nothing in a file is trusted."""

from __future__ import annotations

import math
import os
import sys
import warnings
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.files.reading import check_regular

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of field names alone
}
_START = 12  # bytes: magic, version, and the length of what follows
_MOST = 20_000  # bytes: twice what NumPy takes a header of, however long a file says that it is


class NpyHeader(NamedTuple):
    """Where the values of a .npy file start, and what they are."""

    offset: int
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


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
    offset, shape, fortran, dtype = look_at_array(path)
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if fortran else "C")


def look_at_array(path: Path) -> NpyHeader:
    """Read the header of a .npy file, and see that the file holds what it promises.

    Raises:
        FileNotFoundError: as `open_array` does.
        ValueError: likewise.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            header, size = read_npy_header(file), os.fstat(file.fileno()).st_size
    except OSError:
        raise
    except Exception as error:  # NumPy's parser lets a damaged header raise almost anything
        raise ValueError(f"{path} is not a readable .npy file; write it with numpy.save") from error
    if header.dtype.hasobject:
        raise ValueError(
            f"{path} holds pickled Python objects, which are never loaded; save plain numbers"
        )
    expected = header.offset + math.prod(header.shape) * header.dtype.itemsize
    if size < expected:
        raise ValueError(
            f"{path} is cut short: its header promises {expected} bytes, got {size}; copy or make "
            "it again"
        )
    return header


def read_npy_header(file: IO[bytes]) -> NpyHeader:
    """Read the header that a file, or a part of an archive, begins with."""
    start = file.read(_START)
    first = start[6:7] == b"\x01"  # of which the length has two bytes, later four
    length = int.from_bytes(start[8 : 10 if first else 12], "little")
    return _parse(start + file.read(min(length, _MOST)))


@lru_cache(maxsize=256)  # a folder may hold ten thousands of files with the same one
def _parse(header: bytes) -> NpyHeader:
    head = BytesIO(header)
    version = np.lib.format.read_magic(head)
    with warnings.catch_warnings():  # of Python's parser, and of NumPy's about Python 2's headers
        warnings.simplefilter("ignore")
        shape, fortran, dtype = _HEADER_READERS[version](head)
    # A product of sizes beyond this would overflow, or promise an array that no machine holds.
    if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) > sys.maxsize:
        raise ValueError(f"impossible shape {shape}")
    if not dtype.itemsize:
        raise ValueError(f"values of no size, {dtype}")
    np.broadcast_to(np.empty((), dtype), shape)  # refuses a rank or sizes that NumPy cannot hold
    return NpyHeader(head.tell(), shape, fortran, dtype)
