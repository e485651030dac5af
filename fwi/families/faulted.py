"""FlatFault and CurveFault: layers slid along one fault (A) or several (B)."""

from dataclasses import dataclass

import numpy as np

from fwi.families.blocks import slid, tilted
from fwi.families.edges import FINE, halved
from fwi.families.faults import draw_fault, trace
from fwi.families.registry import Field, register_family
from fwi.families.stacks import broken_thicknesses, two_halves
from fwi.openfwi import FASTEST, SIDE, SLOWEST

MIDDLE = (SLOWEST + FASTEST) // 2
"""What parts slow layers from fast ones, m/s."""

_ROUNDING = 5e-12  # m/s, of interpolation; the faintest ringing is above it


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

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw a map (70, 70), m/s, depth first."""
        n = int(rng.choice(self.layers))
        thickness = broken_thicknesses(rng, n, SIDE, self.thinnest)
        values = two_halves(rng, n, (SLOWEST, MIDDLE, FASTEST + 1)).astype(float)
        flat = np.repeat(np.repeat(values, 2 * thickness)[:, None], FINE, axis=1)
        low, high = self.throw
        fault = draw_fault(rng, FINE, (2 * low, 2 * high))
        bent = _bent(flat, 2 * rng.uniform(*self.swing))
        faulted = tilted(slid(bent, fault))
        velocity = halved(np.where(faulted < values[0] - _ROUNDING, flat, faulted))
        velocity = np.minimum(velocity, FASTEST)
        return velocity[:, ::-1] if rng.random() < 0.5 else velocity


def _bent(flat: Field, swing: float) -> Field:
    """Move columns (N, N) down by a period of a sine, in whole cells; their ends go on."""
    rows, columns = np.ogrid[: len(flat), : len(flat)]
    bend = np.rint(swing * np.sin(2 * np.pi * columns / len(flat))).astype(int)
    return flat[np.clip(rows - bend, 0, len(flat) - 1), columns]


@dataclass(frozen=True)
class SharpFaulted:
    """Two stacks of many layers, each faulted by itself, joined along a seam: the B families.

    1. Draw two stacks of 6, 7 or 8 layers, at least 7 rows thick, half of them slow and half fast.
    2. Bend each by whole periods of a sine, where its first fault reaches.
    3. Let each slide along its own faults, one after another; either may be mirrored.
    4. Join them along a straight, steep seam.

    Attributes:
        layers: Numbers of layers of a stack, of one probability.
        thinnest: Least thickness of a layer, rows.
        faults: Faults of each stack.
        throw: Range of a fault's throw, rows.
        periods: Numbers of periods of the sine, of one probability.
        swing: Range of the amplitude of the sine, rows.
        seam: Range of the columns at which the seam crosses the top and the bottom.
    """

    layers: tuple[int, ...] = (6, 7, 8)
    thinnest: int = 7
    faults: int = 2
    throw: tuple[float, float] = (5, 25)
    periods: tuple[int, ...] = (2, 3, 4)
    swing: tuple[float, float] = (0, 0)
    seam: tuple[float, float] = (15, 60)

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw a map (70, 70), m/s, depth first."""
        n, periods = int(rng.choice(self.layers)), int(rng.choice(self.periods))
        left, right = (self._side(rng, n, periods) for _ in range(2))
        top, bottom = rng.uniform(*self.seam, 2)
        rows, columns = _grid(SIDE)
        return np.where(columns < top + (bottom - top) * rows / SIDE, left, right)

    def _side(self, rng: np.random.Generator, n: int, periods: int) -> Field:
        """Draw a faulted stack of n layers (70, 70), m/s."""
        thickness = broken_thicknesses(rng, n, SIDE, self.thinnest)
        stack = np.repeat(two_halves(rng, n, (SLOWEST, MIDDLE, FASTEST)).astype(float), thickness)
        rows, columns = _grid(SIDE)
        for _ in range(self.faults):  # the latest first
            if rng.random() < 0.5:
                columns = SIDE - 1 - columns
            ground = trace(draw_fault(rng, SIDE, self.throw), rows, columns, SIDE)
            rows = np.where(ground.inside, np.rint(ground.depth), rows)
            columns = np.where(ground.inside, np.rint(ground.column), columns)
        bend = rng.uniform(*self.swing) * np.sin(2 * np.pi * periods * columns / SIDE)
        depth = rows - np.rint(bend) * ground.inside
        return stack[np.clip(depth, 0, SIDE - 1).astype(int)]


def _grid(side: int) -> tuple[Field, Field]:
    """Rows and columns (side, side) of a square picture's cells."""
    rows, columns = np.mgrid[0.0:side, 0.0:side]
    return rows, columns


register_family("FlatFault_A")(SmoothFaulted())
register_family("CurveFault_A")(SmoothFaulted(swing=(10, 15)))
register_family("FlatFault_B")(SharpFaulted())
register_family("CurveFault_B")(SharpFaulted(swing=(4, 10)))
