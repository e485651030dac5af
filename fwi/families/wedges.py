"""Wedges of the B families: ground lifted between two faults, and fallen beyond them."""

from dataclasses import dataclass

import numpy as np

from fwi.families.faults import TILT
from fwi.families.registry import Field
from fwi.openfwi import SIDE


@dataclass(frozen=True)
class Wedge:
    """Two straight faults, on a map.

    Attributes:
        columns: Columns of the left and the right fault at half depth.
        leans: Columns that each goes to the right a row downward.
        drops: Rows that the ground left of both, between them, and right of both moved downward.
    """

    columns: tuple[float, float]
    leans: tuple[float, float]
    drops: tuple[float, float, float]

    def slip(self) -> tuple[Field, Field]:
        """Say where the ground in every cell came from.

        Ground slides along the fault on its left, and two tilts by `TILT` to the left, one a
        fault, bring columns from beside the map in on the right.

        Returns:
            Rows that it moved downward (70, 70), and the column it was in, 70 and more where it
            comes from beside the map.
        """
        rows, columns = np.mgrid[0.0:SIDE, 0.0:SIDE]
        drop, across = np.full((SIDE, SIDE), self.drops[0]), np.zeros((SIDE, SIDE))
        for column, lean, down in zip(self.columns, self.leans, self.drops[1:], strict=True):
            right = columns >= column + (rows - SIDE / 2) * lean
            drop = np.where(right, down, drop)
            across = np.where(right, (down - self.drops[0]) * lean, across)
        return drop, columns + 2 * rows * np.tan(TILT) - across


def draw_wedge(
    rng: np.random.Generator,
    columns: tuple[tuple[float, float], tuple[float, float]],
    throw: tuple[float, float],
    fall: tuple[float, float],
    sunk: tuple[float, float],
    lean: tuple[float, float],
) -> Wedge:
    """Draw two faults with ground lifted between them.

    Args:
        rng: Source of randomness.
        columns: Ranges of the columns of both at half depth.
        throw: Range of the lift, rows.
        fall: Range of the fall on the right, over the lift.
        sunk: Range of the depth of the ground on the left before the lift, over it.
        lean: Range of the leans.
    """
    lift = rng.uniform(*throw)
    left = rng.uniform(*sunk) * lift
    return Wedge(
        columns=(rng.uniform(*columns[0]), rng.uniform(*columns[1])),
        leans=(rng.uniform(*lean), rng.uniform(*lean)),
        drops=(left, left - lift, left - lift + lift * rng.uniform(*fall)),
    )
