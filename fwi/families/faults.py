"""Faults: half-planes of the map slid along a line, one after another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fwi.families.registry import Field
from fwi.openfwi import SIDE


@dataclass(frozen=True)
class Fault:
    """A line and the slip of the ground on its right-hand side.

    Attributes:
        column: Column where the line crosses the row `row`.
        row: Row of that crossing.
        dip: Angle of the line from the horizontal, radians in (0, pi).
        throw: Vertical part of the slip, rows, positive downward.
        width: Thickness of the zone over which the slip sets in, cells.
        rough: Offsets (70,) of the line row by row, cells.
    """

    column: float
    row: float
    dip: float
    throw: float
    width: float
    rough: Field

    def side(self, depth: Field, x: Field) -> Field:
        """Return the signed distance to the line, cells, positive to the right."""
        rows = np.clip(depth, 0, SIDE - 1).astype(int)
        along = x - self.column - self.rough[rows]
        distance: Field = along * np.sin(self.dip) - (depth - self.row) * np.cos(self.dip)
        return distance


def grid() -> tuple[Field, Field]:
    """Return depth and column (70, 70) of every cell of a map."""
    depth, x = np.mgrid[0.0:SIDE, 0.0:SIDE]
    return depth, x


def unfault(faults: Sequence[Fault], depth: Field, x: Field) -> tuple[Field, Field]:
    """Follow every cell back to where it lay before the faults.

    The slip runs along the line. Ground from beside the map repeats its edge
    column, which the flat ends of the real curves beside faults show; above and
    below the map the outermost layers go on.

    Args:
        faults: Faults, oldest first.
        depth: Depths, rows.
        x: Columns, of the shape of `depth`.

    Returns:
        Depths before faulting, and columns before faulting within [0, 69].
    """
    for fault in reversed(faults):
        slip = fault.throw * np.clip(fault.side(depth, x) / fault.width + 0.5, 0, 1)
        depth = depth - slip
        x = np.clip(x - slip / np.tan(fault.dip), 0, SIDE - 1)
    return depth, x


def smooth_fault(rng: np.random.Generator) -> Fault:
    """Draw a fault of the A families: straight, with a zone of 1 to 3 cells.

    Dips of 45 to 80 degrees and throws near 9 rows were measured, and the upper
    block lower than its match: three in four slips go that way here.
    """
    dip = np.deg2rad(rng.uniform(42, 80))
    dip = dip if rng.random() < 0.5 else np.pi - dip
    downward = 1 if rng.random() < 0.75 else -1
    return Fault(
        column=rng.uniform(12, 58),
        row=rng.uniform(20, 50),
        dip=dip,
        throw=downward * np.sign(np.cos(dip)) * rng.uniform(5, 13),
        width=rng.uniform(1, 3),
        rough=np.zeros(SIDE),
    )


def ragged_fault(rng: np.random.Generator) -> Fault:
    """Draw a fault of the B families: sharp, ragged, steep to near-vertical.

    Throws of 7 to 20 rows were measured, and edges that step by a cell or two.
    """
    dip = np.deg2rad(rng.uniform(45, 92))
    return Fault(
        column=rng.uniform(5, 65),
        row=rng.uniform(10, 60),
        dip=dip if rng.random() < 0.5 else np.pi - dip,
        throw=rng.choice((-1, 1)) * rng.uniform(6, 20),
        width=1e-6,
        rough=_rough(rng),
    )


def _rough(rng: np.random.Generator) -> Field:
    """Draw the raggedness (70,) of a line: steps that last a few rows, cells."""
    steps = rng.normal(0, rng.uniform(0.1, 0.8), SIDE)
    return np.repeat(steps, rng.integers(1, 4, SIDE))[:SIDE]
