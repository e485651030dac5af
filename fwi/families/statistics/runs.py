"""Runs of changes of one sign along lines: an interface crossed by a column, a throw by a row."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fwi.families.registry import Field


class Runs(NamedTuple):
    """Runs in the order of lines and of places along them, (k,) each.

    Attributes:
        line: the line's number.
        length: changes in the run.
        jump: their sum.
        steepest: the largest of their sizes.
        centre: their place along the line, each weighted by its size.
    """

    line: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    jump: Field
    steepest: Field
    centre: Field


def find_runs(changes: Field) -> Runs:
    """Find runs of changes of one sign, zeros between them, along lines (n, k)."""
    sign = np.sign(changes)
    new = sign != 0
    new[:, 1:] &= sign[:, 1:] != sign[:, :-1]
    starts = np.flatnonzero(new)
    # A run's sums reach to the next start: what lies between is zero.
    flat, place = changes.ravel(), np.tile(np.arange(changes.shape[1]), len(changes))
    jump = np.add.reduceat(flat, starts)
    return Runs(
        line=starts // changes.shape[1],
        length=np.add.reduceat((flat != 0).astype(np.int64), starts),
        jump=jump,
        steepest=np.maximum.reduceat(np.abs(flat), starts),
        centre=np.add.reduceat(flat * place, starts) / jump,
    )
