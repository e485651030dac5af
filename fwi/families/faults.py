"""Faults: straight lines across a square picture, the ground on their right slid along them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fwi.families.registry import Field

Mask = npt.NDArray[np.bool_]

TILT = np.deg2rad(6)
"""Angle that faulting tilts columns by.

In real FlatFault_A maps the undisturbed edges of the map give way to faulted ground along lines
of tan 6 degrees, and the depths of interfaces are cos 6 degrees of whole numbers.
"""


@dataclass(frozen=True)
class Fault:
    """A straight fault and the slip of the ground on its right, in cells of its picture.

    Attributes:
        column: Column of the line at half the picture's depth.
        lean: Columns that the line moves to the left a row downward, the cotangent of its dip.
        throw: Rows that the ground on the right moves, positive downward.
    """

    column: float
    lean: float
    throw: float

    def right_of(self, depth: Field, column: Field, side: int) -> Field:
        """Return the columns from the line to points of untilted ground, positive to the right."""
        distance: Field = column - self.column + (depth - side / 2) * self.lean
        return distance

    @property
    def slip(self) -> tuple[int, int]:
        """Rows and columns that the ground on the right moves: along the line, rounded down."""
        return int(np.floor(self.throw)), int(np.floor(-self.throw * self.lean))


@dataclass(frozen=True)
class Ground:
    """Where the cells of a faulted picture come from; arrays of the picture's shape.

    Attributes:
        depth: Rows in the ground before faulting.
        column: Columns there.
        reach: Columns right of the fault in the untilted ground; the ground from 0 on slid.
        inside: Whether the cell was reached by faulted ground at all: a slope of the tilt beside
            the edges, what slid ground left behind above it, and the last row were not.
    """

    depth: Field
    column: Field
    reach: Field
    inside: Mask


def draw_fault(rng: np.random.Generator, side: int, throw: tuple[float, float]) -> Fault:
    """Draw a fault that leans to the right or is steep, of a throw up or down.

    The line enters a picture of `side` cells at a point of its outline, uniform over the
    right three quarters of the top and the upper half of the right edge, and leaves it at such a
    point of the opposite corner: with so drawn lines the 250 real FlatFault_A maps that were
    measured agree (Kolmogorov and Smirnov's test of both points, p = 0.3 to 0.7). Maps with
    faults that lean to the left are mirrored.

    Args:
        rng: Source of randomness.
        side: Rows and columns of the picture.
        throw: Range of the throw's size, cells of the picture.
    """
    enter, leave = rng.uniform(0, 1.25 * side, 2)
    right, upper = min(enter, 0.75 * side) + 0.25 * side, max(0.0, enter - 0.75 * side)
    left, lower = 0.75 * side - min(leave, 0.75 * side), side - max(0.0, leave - 0.75 * side)
    lean = (right - left) / (lower - upper)
    return Fault(
        column=right - (side / 2 - upper) * lean,
        lean=lean,
        throw=rng.choice((-1, 1)) * rng.uniform(*throw),
    )


def trace(fault: Fault, depth: Field, column: Field, side: int) -> Ground:
    """Follow cells of a faulted picture back to where their ground was before.

    First the ground right of the line slides along it by whole cells; then every column tilts to
    the right by `TILT` about its upper end, without a change of length.

    Args:
        fault: The fault.
        depth: Rows of the cells, of any shape.
        column: Columns of the cells, of the same shape.
        side: Rows and columns of the picture.
    """
    depth, column = depth / np.cos(TILT), column - depth * np.tan(TILT)
    inside = (depth <= side - 1) & (column >= 0) & (column <= side - 1)
    reach = fault.right_of(depth, column, side)
    rows, columns = fault.slip
    depth = depth - rows * (reach >= 0)
    column = column - columns * (reach >= 0)
    inside &= (depth >= 0) & (column >= 0) & (column <= side - 1)
    return Ground(depth, column, reach, inside)
