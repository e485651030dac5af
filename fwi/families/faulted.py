"""FlatFault and CurveFault: layers slid along one fault (A) or several (B)."""

from dataclasses import dataclass

import numpy as np

from fwi.checks import check_number
from fwi.families.blocks import faulted
from fwi.families.edges import FINE, halved
from fwi.families.faults import draw_fault
from fwi.families.ranges import check_counts, check_layers, check_range, pair
from fwi.families.registry import Field, register_family
from fwi.families.stacks import broken_thicknesses, two_halves
from fwi.families.wedges import draw_wedge
from fwi.openfwi import FASTEST, SIDE, SLOWEST

MIDDLE = (SLOWEST + FASTEST) // 2
"""What parts slow layers from fast ones, m/s."""

Spans = tuple[tuple[float, float], tuple[float, float]]
"""Ranges of the columns of two faults."""


@dataclass(frozen=True)
class SmoothFaulted:
    """A few layers and one fault, with smooth edges: FlatFault_A, CurveFault_A.

    1. Draw the layers: 2, 3 or 4, at least 15 rows thick, half of them slow and half fast.
    2. On a picture twice as fine as the map bend them by one period of a sine (CurveFault_A).
    3. Draw a fault, let the ground right of it slide, and tilt all.
    4. Undo all that where it gave less than the slowest velocity: the layers lie flat there.
    5. Blur, halve, cut ringing above the fastest velocity, and mirror every other map.

    Attributes:
        layers: Numbers of layers, of one probability.
        thinnest: Least thickness of a layer, rows.
        throw: Range of the fault's throw, rows.
        swing: Range of the amplitude of the sine, rows.
    """

    layers: tuple[int, ...] = (2, 3, 4)
    thinnest: int = 15
    throw: tuple[float, float] = (5, 10)
    swing: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            TypeError: if one is of another type.
            ValueError: if one is outside its range, a range ends before it begins, or so many
                layers do not fit.
        """
        check_layers(self.layers, self.thinnest)
        for name in ("throw", "swing"):
            check_range(name, getattr(self, name), 0, SIDE)

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw a map (70, 70), m/s, depth first."""
        n = int(rng.choice(self.layers))
        thickness = broken_thicknesses(rng, n, SIDE, self.thinnest)
        values = two_halves(rng, n, (SLOWEST, MIDDLE, FASTEST + 1)).astype(float)
        flat = np.repeat(np.repeat(values, 2 * thickness)[:, None], FINE, axis=1)
        low, high = self.throw
        fault = draw_fault(rng, FINE, (2 * low, 2 * high))
        bent = _bent(flat, 2 * rng.uniform(*self.swing))
        velocity = np.minimum(halved(faulted(flat, bent, fault)), FASTEST)
        return velocity[:, ::-1] if rng.random() < 0.5 else velocity


def _bent(flat: Field, swing: float) -> Field:
    """Move columns (N, N) down by a period of a sine, in whole cells; their ends go on."""
    rows, columns = np.ogrid[: len(flat), : len(flat)]
    bend = np.rint(swing * np.sin(2 * np.pi * columns / len(flat))).astype(int)
    return flat[np.clip(rows - bend, 0, len(flat) - 1), 0]


@dataclass(frozen=True)
class SharpFaulted:
    """Two stacks of many layers, each lifted between two faults, joined along a seam: the B kind.

    1. Draw two stacks of 6, 7 or 8 layers, at least 7 rows thick, half of them slow and half fast.
    2. Draw a wedge in each: two faults, the ground between them lifted, that on their right
       fallen (`fwi.families.wedges`).
    3. Bend each stack by whole periods of a sine (CurveFault_B), to the edge of what faults moved.
    4. Join the stacks along a straight, steep seam.

    Values and stacks are those of 8 real maps; the shapes were fitted to their looks alone.

    Attributes:
        layers: Numbers of layers of a stack, of one probability.
        thinnest: Least thickness of a layer, rows.
        throw: Range of the lift of the ground between the faults, rows.
        fall: Range of the fall on their right, over that lift.
        sunk: Range of the depth of the ground on their left before it all, over that lift.
        lean: Range of the columns that a fault goes to the right a row downward.
        left: Ranges of the columns of the left stack's two faults at half depth.
        right: Those of the right stack's.
        still: Probability that the last row of a stack is left as it was.
        periods: Numbers of periods of the sine, of one probability.
        swing: Range of the amplitude of the sine, rows.
        seam: Range of the columns at which the seam crosses the top and the bottom.
    """

    layers: tuple[int, ...] = (6, 7, 8)
    thinnest: int = 7
    throw: tuple[float, float] = (3, 35)
    fall: tuple[float, float] = (1, 2.4)
    sunk: tuple[float, float] = (-0.1, 1.06)
    lean: tuple[float, float] = (0, 1.2)
    left: Spans = ((0, 25), (30, 60))
    right: Spans = ((30, 60), (50, 90))
    still: float = 0.3
    periods: tuple[int, ...] = (2, 3, 4)
    swing: tuple[float, float] = (0, 0)
    seam: tuple[float, float] = (15, 60)

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            TypeError: if one is of another type.
            ValueError: if one is outside its range, a range ends before it begins, or so many
                layers do not fit.
        """
        check_layers(self.layers, self.thinnest)
        for name in ("throw", "swing"):
            check_range(name, getattr(self, name), 0, SIDE)
        for name in ("fall", "sunk", "lean", "seam"):
            check_range(name, getattr(self, name), -2 * SIDE, 2 * SIDE)
        for name in ("left", "right"):
            for number, span in enumerate(pair(name, getattr(self, name))):
                check_range(f"{name}[{number}]", span, -2 * SIDE, 2 * SIDE)
        check_counts("periods", self.periods, SIDE // 2)
        check_number("still", self.still, 0, 1)

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw a map (70, 70), m/s, depth first."""
        n, periods = int(rng.choice(self.layers)), int(rng.choice(self.periods))
        left, right = (self._side(rng, n, periods, side) for side in (self.left, self.right))
        top, bottom = rng.uniform(*self.seam, 2)
        rows, columns = np.ogrid[:SIDE, :SIDE]
        return np.where(columns < top + (bottom - top) * rows / SIDE, left, right)

    def _side(self, rng: np.random.Generator, n: int, periods: int, columns: Spans) -> Field:
        """Draw a faulted stack of n layers (70, 70), m/s."""
        thickness = broken_thicknesses(rng, n, SIDE, self.thinnest)
        stack = np.repeat(two_halves(rng, n, (SLOWEST, MIDDLE, FASTEST)).astype(float), thickness)
        wedge = draw_wedge(rng, columns, self.throw, self.fall, self.sunk, self.lean)
        drop, before = wedge.slip()
        bend = rng.uniform(*self.swing) * np.sin(2 * np.pi * periods * before / SIDE)
        down = np.rint(drop + np.where(before < SIDE, bend, 0))
        if rng.random() < self.still:
            down[-1] = 0
        depth = np.arange(SIDE)[:, None] - down
        return stack[np.clip(depth, 0, SIDE - 1).astype(int)]


register_family("FlatFault_A")(SmoothFaulted())
register_family("CurveFault_A")(SmoothFaulted(swing=(10, 15)))
register_family("FlatFault_B")(SharpFaulted())
register_family("CurveFault_B")(SharpFaulted(swing=(5, 11), still=1))
