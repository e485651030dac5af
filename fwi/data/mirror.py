"""A sample's left-right flip on its way from the disk into a batch, at the speed of the memory.

NumPy copies a reversed axis three times as slowly as a straight one, which would halve what a
loader reads (`benchmarks/loader.py`).
"""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array
from fwi.compiled import kept_njit
from fwi.openfwi import FLIPPED_SHOTS

_U = np.uint64  # signed offsets would be guarded against negative ones, and not vectorised


def copy_mirrored(gathers: Array, room: Array) -> None:
    """Copy the first shots of mirrored gathers, `fwi.geometry.flip_gathers(gathers)[:n]`.

    Args:
        gathers: (S, T, R) float16, C-contiguous, 5 or 6 shots; may be memory-mapped.
        room: (n, T, R) float16, C-contiguous, filled.
    """
    shots = np.array(FLIPPED_SHOTS[len(gathers)][: len(room)])
    # A plain array: each view of a memory map would cost as much as a tenth of the copy.
    source, target = np.asarray(gathers), np.asarray(room)
    _mirror(source.view(np.uint16).ravel(), shots, target.view(np.uint16).ravel(), room.shape[-1])


@kept_njit(nogil=True)
def _mirror(source: Array, shots: Array, target: Array, columns: int) -> None:
    """Copy shots of rows, each row from its last column to its first."""
    width = _U(columns)
    rows = target.size // shots.size // columns
    for shot in range(shots.size):
        for row in range(rows):
            here, there = _U(shot * rows + row) * width, _U(shots[shot] * rows + row) * width
            for column in range(width):
                target[here + column] = source[there + width - _U(1) - column]
