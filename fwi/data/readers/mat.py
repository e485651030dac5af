"""MATLAB's .mat: version 5 by scipy, version 7.3, which is HDF5, by h5py."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.data.readers import hdf5
from fwi.data.readers.base import Content, FileArray, is_axis, sampling_of, shown, state_of
from fwi.files import check_regular

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEADER = 512  # bytes of MATLAB's own before those of HDF5
_NUMBERS = {
    "double": np.float64, "single": np.float32,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip


def read(path: Path) -> Content:
    """Read a .mat file; arrays have the axes that MATLAB shows.

    Raises:
        ModuleNotFoundError: if it is of version 7.3 and h5py is not installed.
        ValueError: if it is not a readable .mat file.
    """
    check_regular(path)
    with path.open("rb") as file:
        file.seek(_HEADER)
        if file.read(len(_HDF5)) == _HDF5:
            return hdf5.contents(path, reverse=True)
    arrays, axes = {}, {}
    for name, shape, kind in _listed(path):
        if kind not in _NUMBERS:
            continue
        if is_axis(shape):
            axes[name] = _variable(path, state_of(path), name)
        else:
            arrays[name] = _array(path, name, shape, kind)
    return Content(arrays, sampling_of(axes, path))


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as variables of version 5, compressed; a variable holds 2 GiB at most."""
    import scipy.io

    # The format knows no numbers of half precision.
    single = {k: a.astype(np.float32) if a.dtype == np.float16 else a for k, a in arrays.items()}
    with path.open("wb") as file:
        scipy.io.savemat(file, single, do_compression=True)  # type: ignore[arg-type]


def _array(path: Path, name: str, shape: tuple[int, ...], kind: str) -> FileArray:
    def load(span: slice) -> Array:
        return _variable(path, state_of(path), name)[span]

    return FileArray(f"{path}:{shown(name)}", shape, np.dtype(_NUMBERS[kind]), load)


def _listed(path: Path) -> list[tuple[str, tuple[int, ...], str]]:
    import scipy.io

    with _strict(path):
        listed = [(name, shape, str(kind)) for name, shape, kind in scipy.io.whosmat(str(path))]
        if any(n < 0 for _, shape, _ in listed for n in shape):
            raise ValueError("a negative size")
    return listed


@lru_cache(maxsize=1)  # a variable is read whole, and shards ask for it piece by piece
def _variable(path: Path, state: tuple[int, int], name: str) -> Array:
    import scipy.io

    with _strict(path):
        values = np.asarray(scipy.io.loadmat(str(path), variable_names=[name])[name])
    if values.dtype.kind == "c":  # which the list of variables does not tell
        raise ValueError(
            f"{shown(name)} of {path} must be real numbers, got complex ones; save their real part"
        )
    return values


@contextmanager
def _strict(path: Path) -> Iterator[None]:
    """Refuse a file that scipy cannot read, or reads with a doubt."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except Exception as error:  # a damaged file lets scipy's parser raise almost anything
        said = " ".join(str(error).split())
        raise ValueError(
            f"{path} is not a readable .mat file ({said:.200}); save it again"
        ) from None
