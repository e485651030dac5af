"""What every reader gives: the arrays in a file, unread, and what the file says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array

_SHOWN = 60  # characters
_FEW = 100_000  # values of an axis; what is longer is an array of samples
AXES = ("dt", "source_x", "receiver_x")


@dataclass(frozen=True)
class FileArray:
    """An array in a file, none of which is read before it is asked for.

    Attributes:
        name: what it is called in errors: the file, and its key in it.
        shape: of the whole.
        dtype: of the values.
        read: from a slice of the first axis to the values.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[slice], Array]

    @property
    def ndim(self) -> int:
        """Count the axes."""
        return len(self.shape)


@dataclass(frozen=True)
class Sampling:
    """How something was recorded, as far as it is said.

    Attributes:
        dt: time step, s.
        source_x: of the shots, m along the line.
        receiver_x: of the receivers, m along the line.
    """

    dt: float | None = None
    source_x: tuple[float, ...] | None = None
    receiver_x: tuple[float, ...] | None = None

    def over(self, other: Sampling) -> Sampling:
        """Say what this one says, and of the rest what another one does."""
        pairs = ((getattr(self, k), getattr(other, k)) for k in AXES)
        return Sampling(*(mine if mine is not None else theirs for mine, theirs in pairs))


UNSAID = Sampling()


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        arrays: of numbers, by their names in the file; the one of a file that names none is "".
        sampling: what the file says of the recording.
    """

    arrays: Mapping[str, FileArray]
    sampling: Sampling = UNSAID


def shown(name: str) -> str:
    """Give a name from a file as one short line, whatever it holds."""
    return repr(name[:_SHOWN])[1:-1] + "..." * (len(name) > _SHOWN)


def state_of(path: Path) -> tuple[int, int]:
    """Give a file's size and time of change: others where it was written anew."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def is_axis(shape: tuple[int, ...]) -> bool:
    """Tell whether an array is a number or a row of few, as the axes of a recording are."""
    return max(shape, default=1) == math.prod(shape) <= _FEW


def sampling_of(scalars: Mapping[str, Any], path: Path) -> Sampling:
    """Understand the arrays of a file that are named like the axes of a recording.

    Args:
        scalars: `dt` (s), `source_x` and `receiver_x` (m) where the file has them.
        path: the file, for errors.

    Raises:
        ValueError: if one is not of numbers.
    """
    found: dict[str, Any] = {}
    for key in AXES:
        if scalars.get(key) is None:
            continue
        values = np.ravel(scalars[key])
        if values.dtype.kind not in "fiu" or not len(values) or not np.isfinite(values).all():
            raise ValueError(f"{key} of {path} must be finite numbers, got {scalars[key]!r:.60}")
        if key == "dt" and not values[0] > 0:
            raise ValueError(f"dt of {path} must be positive, in s, got {values[0]:g}; mend it")
        found[key] = float(values[0]) if key == "dt" else tuple(float(x) for x in values)
    return Sampling(**found)
