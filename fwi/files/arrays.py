"""Arrays of .npy files, mapped into memory; nothing in a file is trusted."""

from __future__ import annotations

import math
import sys
import warnings
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from fwi.arrays import Array
from fwi.files.reading import check_regular

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of field names alone
}
_MOST = 20_000  # bytes: twice what NumPy takes a header of, however long a file says that it is


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
    check_regular(path)
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
    head = BytesIO(file.read(_MOST))
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
    return head.tell(), shape, fortran, dtype
