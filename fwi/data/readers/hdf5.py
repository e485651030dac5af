"""HDF5 by h5py: every dataset of numbers, wherever it lies in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.data.readers.base import AXES, Content, FileArray, is_axis, sampling_of, shown
from fwi.data.readers.extra import required
from fwi.files import check_regular


def read(path: Path) -> Content:
    """Read an HDF5 file; links to other files are not followed.

    Raises:
        ModuleNotFoundError: if h5py is not installed.
        ValueError: if it is not a readable HDF5 file, or a dataset lies in another file.
    """
    return contents(path, reverse=False)


def contents(path: Path, *, reverse: bool) -> Content:
    """Read as `read` does, with the axes in the opposite order, as MATLAB writes them, or not."""
    arrays: dict[str, FileArray] = {}
    axes: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        # Groups whose names begin with # are MATLAB's own.
        if not hasattr(item, "dtype") or item.dtype.kind not in "fiu" or name.startswith("#"):
            return
        if item.external or item.is_virtual:
            raise ValueError(
                f"{shown(name)} of {path} lies in another file; copy its values into one file"
            )
        shape = item.shape[::-1] if reverse else item.shape
        if is_axis(shape):
            axes[name.rpartition("/")[2]] = item[()]
        elif len(shape) >= 2:
            arrays[name] = _array(path, name, shape, item.dtype, reverse)

    with _open(path) as file:
        axes |= {key: file.attrs[key] for key in AXES if key in file.attrs}
        file.visititems(visit)
    return Content(arrays, sampling_of(axes, path))


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as datasets by their names, compressed without loss."""
    h5py = required("h5py")
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            packed = {"compression": "gzip", "shuffle": True} if np.ndim(array) > 1 else {}
            file.create_dataset(name, data=array, **packed)


def _array(
    path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], reverse: bool
) -> FileArray:
    def load(span: slice) -> Array:
        with _open(path) as file:
            data = file[name]
            return data[..., span].T if reverse else data[span]

    return FileArray(f"{path}:{shown(name)}", shape, dtype, load)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    h5py = required("h5py")
    check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except ValueError:
        raise
    except Exception as error:  # a damaged file lets h5py raise almost anything
        raise ValueError(
            f"{path} is not a readable HDF5 file ({' '.join(str(error).split())}); copy it again"
        ) from None
