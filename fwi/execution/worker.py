"""What runs in a worker of Ray."""

from __future__ import annotations

import os
import socket
import warnings
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from fwi.execution.shared import Shared, unpack

_ROOT = Path(__file__).parents[1]


class Origin(NamedTuple):
    """Where a task comes from.

    Attributes:
        folder: to which relative paths belong.
        code: see `code_sum`.
    """

    folder: str
    code: int


class Done(NamedTuple):
    """What became of a task.

    Attributes:
        made: what the work gave.
        steps: that it counted.
        heard: the project's own warnings, category and text.
    """

    made: Any
    steps: int
    heard: list[tuple[type[Warning], str]]


@lru_cache(maxsize=1)
def code_sum() -> int:
    """CRC-32 of what determines a store beside its recipe: this package, NumPy and numba."""
    value = zlib.crc32(f"{np.__version__} {numba.__version__}".encode())
    for file in sorted(_ROOT.rglob("*.py")):
        value = zlib.crc32(file.relative_to(_ROOT).as_posix().encode() + file.read_bytes(), value)
    return value


def perform(origin: Origin, packed: bytes, references: list[Any]) -> Done:
    """Do one piece of work.

    Args:
        origin: where it comes from.
        packed: work and piece, see `fwi.execution.shared.pack`.
        references: of Ray, to what they share.

    Raises:
        ValueError: if this machine has other code than the one that the task comes from.
        Exception: what the work raises.
    """
    if origin.code != code_sum():
        raise ValueError(
            f"{socket.gethostname()} must have the versions of fwi, numpy and numba of the machine "
            f"that runs the stage, got others in {_ROOT}; install the same on all machines"
        )
    with suppress(OSError):  # where all paths are absolute, the folder need not be everywhere
        os.chdir(origin.folder)
    work, piece = unpack(packed, lambda number: _kept(references[number]))
    counted: list[int] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        made = work(piece, lambda steps=1, note=None: counted.append(steps))
    own = [w for w in heard if w.category.__module__.startswith("fwi.")]
    return Done(made, sum(counted), [(w.category, str(w.message)) for w in own])


@lru_cache(maxsize=4)
def _kept(reference: Any) -> Shared[Any]:
    import ray

    return Shared(ray.get(reference))
