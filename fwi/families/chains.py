"""Chains of lobes: where the bright bodies of a picture in a velocity model's style lie."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fwi.families.registry import Field
from fwi.openfwi import SIDE

MOST = 10
"""Lobes of the longest chain."""

LOBE = np.dtype(
    [
        ("row", np.float64),  # of the centre, cells
        ("column", np.float64),
        ("along", np.float64),  # half axes, cells
        ("across", np.float64),
        ("angle", np.float64),  # of the first axis, counter-clockwise from the right, radians
        ("grey", np.float64),  # in the middle, about 0 to 1
        ("shade", np.float64),  # what the grey gains from the centre to the lower rim
        ("busy", np.float64),  # strength of the grain, about 0 to 1
        ("tent", np.float64),  # columns a row by which a tent's legs part; 0: no tent
        ("hatch", np.float64),  # columns between the stripes of a slab; 0: an ellipse
    ]
)
Lobes = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]
Range = tuple[float, float]


@dataclass(frozen=True)
class Chains:
    """Draws lobes: single ones, chains of 2 to 10, and steep hatched slabs.

    A chain's lobes follow each other at about nine tenths of their half width along a heading that
    wanders; most chains go along the rows, the others down and to the left. Small single lobes are
    paler; slabs stand by themselves or in twos, lower than the others.

    Attributes:
        n: Number of chains, of no unit; more than a map takes, see `painting.paint`.
        single: Share of single lobes.
        slabs: Share of slabs.
        size: Least and largest half height of a chain's lobes, cells.
        stretch: Least and largest half width over half height.
        vary: Standard deviation of the logarithm of the sizes within a chain.
        flat: Least and largest share, over maps, of chains along the rows.
        wander: Standard deviation of a heading's change from lobe to lobe, radians.
        aside: Standard deviation of a lobe's offset from its chain, half heights.
        busy: Share of chains with grain.
        tents: Share of a busy chain's lobes with a tent.
        deep: Mean and standard deviation over maps of log d, where the heads of chains have the
            density d u^(d - 1) in the relative depth u.
        grey: Mean grey of chains, 0 (black) to 1 (white).
    """

    n: int = 50
    single: float = 0.45
    slabs: float = 0.1
    size: Range = (2.4, 4.6)
    stretch: Range = (1.0, 1.7)
    vary: float = 0.2
    flat: Range = (0.4, 1.0)
    wander: float = 0.2
    aside: float = 0.25
    busy: float = 0.35
    tents: float = 0.45
    deep: Range = (-0.05, 0.25)
    grey: float = 0.79

    def __call__(self, rng: np.random.Generator) -> Lobes:
        """Draw the lobes of one picture in the order of painting, records of `LOBE`."""
        kind = rng.random(self.n)
        single, slab = kind < self.single, kind > 1 - self.slabs
        lobes = np.zeros((self.n, MOST), LOBE)
        self._shape(rng, lobes, single, slab)
        self._place(rng, lobes, slab)
        self._tone(rng, lobes, single, slab)
        count = np.where(slab, rng.integers(1, 3, self.n), rng.integers(2, MOST + 1, self.n))
        count[single] = 1
        return lobes[np.arange(MOST) < count[:, None]]

    def _shape(self, rng: np.random.Generator, lobes: Lobes, single: Mask, slab: Mask) -> None:
        """Set half axes and angles."""
        size, stretch = rng.uniform(*self.size, self.n), rng.uniform(*self.stretch, self.n)
        size = np.where(single, rng.uniform(2, 4.3, self.n), size)
        size = np.where(slab, rng.uniform(1.4, 2.6, self.n), size)
        stretch = np.where(slab, rng.uniform(2.5, 5, self.n), stretch)
        steep = np.where(slab, rng.uniform(1.05, 1.4, self.n), 0)
        unrest = np.where(slab, 0.03, np.where(single, 0.2, 0.1))
        varied, widened, turned = rng.standard_normal((3, *lobes.shape))
        lobes["across"] = size[:, None] * np.exp(self.vary * varied)
        lobes["along"] = lobes["across"] * stretch[:, None] * np.exp(0.1 * widened)
        lobes["angle"] = steep[:, None] + unrest[:, None] * turned

    def _place(self, rng: np.random.Generator, lobes: Lobes, slab: Mask) -> None:
        """Set centres: a chain walks from its head, the second slab stands right of the first."""
        level, falling = rng.normal(0, 0.12, self.n), rng.normal(1.8, 0.35, self.n)
        heading = np.where(rng.random(self.n) < rng.uniform(*self.flat), level, falling)
        turns = self.wander * rng.standard_normal(lobes.shape).cumsum(axis=1)
        heading = np.where(slab[:, None], 0, heading[:, None] + turns)
        step = np.where(slab[:, None], 4.5, 0.9 * lobes["along"])
        step *= rng.uniform(0.8, 1.3, lobes.shape)
        step[:, 0] = 0
        power = np.exp(-rng.normal(*self.deep)) * np.where(slab, 0.7, 1)
        row, column = SIDE * rng.random(self.n) ** power, rng.uniform(-4, SIDE + 4, self.n)
        aside = self.aside * lobes["across"] * rng.standard_normal(lobes.shape)
        lobes["row"] = row[:, None] + aside + (step * np.sin(heading)).cumsum(axis=1)
        lobes["column"] = column[:, None] + (step * np.cos(heading)).cumsum(axis=1)

    def _tone(self, rng: np.random.Generator, lobes: Lobes, single: Mask, slab: Mask) -> None:
        """Set greys, grain, tents and stripes."""
        grained = ~single & ~slab & (rng.random(self.n) < self.busy)
        busy = np.where(grained, rng.uniform(0.5, 1.1, self.n), 0.5 * slab)
        grey: Field = rng.normal(self.grey, 0.05, self.n) + 0.04 * busy + 0.06 * slab
        grey -= 0.15 * single * rng.random(self.n)
        lobes["grey"] = grey[:, None] + 0.045 * rng.standard_normal(lobes.shape)
        lobes["shade"] = 0.05 * rng.standard_normal(lobes.shape)
        lobes["busy"] = busy[:, None] * rng.uniform(0.3, 1.2, lobes.shape)
        tent = grained[:, None] & (rng.random(lobes.shape) < self.tents)
        lobes["tent"] = tent * rng.uniform(0.4, 0.55, lobes.shape)
        lobes["hatch"] = (slab * rng.uniform(1.9, 3, self.n))[:, None]
