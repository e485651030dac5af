"""NumPy's .npy: one array, mapped where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.data.readers.base import Content, FileArray
from fwi.files import look_at_array, open_array


def read(path: Path) -> Content:
    """Read a .npy file (`fwi.files.look_at_array`).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole .npy file, or holds objects.
    """
    header = look_at_array(path)

    def load(span: slice) -> Array:
        # Opened anew, and copied: a folder may hold more files than a process may keep open.
        return np.array(open_array(path)[span])

    return Content({"": FileArray(str(path), header.shape, header.dtype, load)})


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the one array that a .npy file can hold."""
    (array,) = arrays.values()
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
