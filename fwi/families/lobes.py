"""Chains of lobes, painted over one another: the bright bodies of a picture in another's style."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fwi.compiled import kept_njit
from fwi.families.registry import Field
from fwi.openfwi import SIDE

LOBE = np.dtype(
    [
        (name, np.float64)
        for name in (
            "row",  # of the centre, cells
            "column",
            "along",  # half axes, cells
            "across",
            "angle",  # of the long axis, counter-clockwise from the right, radians
            "grey",  # in the middle, 0 to 1
            "shade",  # what the grey gains from the centre to the lower rim
            "busy",  # strength of the grain, about 0 to 1
            "tent",  # columns a row by which the legs of a tent part; 0: no tent
            "hatch",  # columns between the stripes of a slab; 0: an ellipse, no slab
        )
    ]
)
Lobes = npt.NDArray[np.void]


@dataclass(frozen=True)
class Chains:
    """Draws lobes: single ones, chains of up to ten, and hatched slabs.

    A chain's lobes follow each other at about nine tenths of their length along a heading that
    wanders; most go along the rows, the others down. All lengths are in cells.

    Attributes:
        n: Number of chains; many more than are needed to cover their part of a map.
        single: Share of single lobes.
        slabs: Share of one or two steep hatched slabs side by side.
        size: Smallest and largest half height of a chain's lobes.
        stretch: Least and largest half width over half height.
        flat: Share of chains along the rows.
        wander: Standard deviation of a heading's change from lobe to lobe, radians.
        busy: Share of chains with grain.
        tents: Share of a busy chain's lobes with a tent.
        deep: Mean and standard deviation, over maps, of the logarithm of d, where the centres of
            chains have the density d u^(d - 1) in the relative depth u.
        grey: Mean grey of a body.
    """

    n: int = 34
    single: float = 0.45
    slabs: float = 0.1
    size: tuple[float, float] = (2.4, 4.6)
    stretch: tuple[float, float] = (1.0, 1.7)
    flat: float = 0.7
    wander: float = 0.2
    busy: float = 0.35
    tents: float = 0.5
    deep: tuple[float, float] = (0.05, 0.25)
    grey: float = 0.8

    def __call__(self, rng: np.random.Generator) -> Lobes:
        """Draw the lobes of one picture in the order of painting, as records of `LOBE`."""
        n, most = self.n, 10
        kind = rng.random(n)
        single, slab = kind < self.single, kind > 1 - self.slabs
        lobes = np.zeros((n, most), LOBE)
        self._shape(rng, lobes, single, slab)
        self._place(rng, lobes, slab)
        self._tone(rng, lobes, single, slab)
        count = rng.integers(2, most + 1, n)
        count[single] = 1
        count[slab] = rng.integers(1, 3, int(slab.sum()))
        return lobes[np.arange(most) < count[:, None]]

    def _shape(
        self, rng: np.random.Generator, lobes: Lobes, single: npt.NDArray, slab: npt.NDArray
    ) -> None:
        """Set axes and angles."""
        n = self.n
        size, stretch = rng.uniform(*self.size, n), rng.uniform(*self.stretch, n)
        size = np.where(single, rng.uniform(2, 4.3, n), size)
        size = np.where(slab, rng.uniform(1.4, 2.6, n), size)
        stretch = np.where(slab, rng.uniform(2.5, 5, n), stretch)
        steep = np.where(slab, rng.uniform(1.05, 1.4, n), 0)
        unrest = np.where(slab, 0.03, np.where(single, 0.2, 0.1))
        varied, widened, turned = rng.standard_normal((3, *lobes.shape))
        lobes["across"] = size[:, None] * np.exp(0.18 * varied)
        lobes["along"] = lobes["across"] * stretch[:, None] * np.exp(0.1 * widened)
        lobes["angle"] = steep[:, None] + unrest[:, None] * turned

    def _place(self, rng: np.random.Generator, lobes: Lobes, slab: npt.NDArray) -> None:
        """Set centres: chains walk from their first lobe."""
        n = self.n
        along_rows = rng.random(n) < self.flat
        heading = np.where(along_rows, rng.normal(0, 0.12, n), rng.normal(1.5, 0.35, n))
        heading = np.where(slab, 0, heading * rng.choice([-1, 1], n))
        turns = self.wander * rng.standard_normal(lobes.shape).cumsum(axis=1)
        heading = heading[:, None] + np.where(slab[:, None], 0, turns)
        step = rng.uniform(0.8, 1.3, lobes.shape)
        step *= np.where(slab[:, None], 4.5, 0.9 * lobes["along"])
        step[:, 0] = 0
        row = SIDE * rng.random(n) ** np.exp(-rng.normal(*self.deep))
        column = rng.uniform(-4, SIDE + 4, n)
        lobes["row"] = row[:, None] + (step * np.sin(heading)).cumsum(axis=1)
        lobes["column"] = column[:, None] + (step * np.cos(heading)).cumsum(axis=1)

    def _tone(
        self, rng: np.random.Generator, lobes: Lobes, single: npt.NDArray, slab: npt.NDArray
    ) -> None:
        """Set greys, grain, tents and stripes."""
        n, shape = self.n, lobes.shape
        chain = ~single & ~slab
        busy = np.where(chain & (rng.random(n) < self.busy), rng.uniform(0.5, 1.1, n), 0.5 * slab)
        grey = rng.normal(self.grey, 0.05, n) + 0.06 * busy + 0.1 * slab
        grey -= 0.15 * single * rng.random(n)  # small bodies are paler
        lobes["grey"] = grey[:, None] + 0.045 * rng.standard_normal(shape)
        lobes["shade"] = 0.05 * rng.standard_normal(shape)
        lobes["busy"] = busy[:, None] * rng.uniform(0.3, 1.2, shape)
        tent = ((busy > 0) & chain)[:, None] & (rng.random(shape) < self.tents)
        lobes["tent"] = tent * rng.uniform(0.4, 0.55, shape)
        lobes["hatch"] = (slab * rng.uniform(1.9, 3, n))[:, None]


@kept_njit()
def _grey(lobe, depth, side, across, distance, seam):
    """Return the grey of a lobe's cell, which lies `depth` rows and `side` columns off its centre.

    A seam darkens the outer two cells. A tent stands on bright ground, above which it is dark.
    """
    grey = lobe.grey + lobe.shade * depth / lobe.across - seam * max(0.0, 1 - max(distance, 0) / 2)
    if lobe.hatch > 0:
        grey += 0.2 * math.cos(2 * math.pi * across / lobe.hatch)
    below = depth + 0.8 * lobe.across
    if abs(side) < lobe.tent * below:
        grey += 0.15 if 0.9 < below / lobe.across < 1.6 else -0.08
    return grey


@kept_njit()
def _paint(lobes, warp, rim, seam, cover, grey, body, busy):
    """Paint lobes until the bodies cover their share of the cells; return the number painted."""
    rows, columns = body.shape
    covered = 0.0
    for i in range(lobes.shape[0]):
        lobe = lobes[i]
        cos, sin = math.cos(lobe.angle), math.sin(lobe.angle)
        tall = abs(lobe.along * sin) + abs(lobe.across * cos) + 3
        wide = abs(lobe.along * cos) + abs(lobe.across * sin) + 3
        for z in range(max(0, int(lobe.row - tall)), min(rows, int(lobe.row + tall) + 1)):
            for x in range(
                max(0, int(lobe.column - wide)), min(columns, int(lobe.column + wide) + 1)
            ):
                down = z + warp[0, z, x] - lobe.row
                right = x + warp[1, z, x] - lobe.column
                along = right * cos - down * sin
                across = down * cos + right * sin
                u, v = abs(along) / lobe.along, abs(across) / lobe.across
                reach = max(u, v) if lobe.hatch > 0 else math.sqrt(u * u + v * v)
                distance = (1 - reach) * min(lobe.along, lobe.across)
                share = min(1.0, max(0.0, 0.5 + distance / rim))
                if share > 0:
                    tone = _grey(lobe, z - lobe.row, x - lobe.column, across, distance, seam)
                    grey[z, x] += share * (tone - grey[z, x])
                    busy[z, x] += share * (lobe.busy - busy[z, x])
                    covered += max(0.0, share - body[z, x])
                    body[z, x] = max(body[z, x], share)
        if covered >= cover * rows * columns:
            return i + 1
    return lobes.shape[0]


def paint(
    lobes: Lobes, warp: Field, rim: float, seam: float, cover: float
) -> tuple[Lobes, Field, Field, Field]:
    """Paint lobes over one another until they cover their share of a map.

    Args:
        lobes: Records of `LOBE`, the first at the bottom.
        warp: Rows and columns that outlines are moved by, (2, 70, 70) cells.
        rim: Width over which a body fades, cells.
        seam: What the rim of a lobe is darker by.
        cover: Share of the map's cells at which painting stops.

    Returns:
        The lobes painted; and grey, cover by bodies (0 to 1) and strength of grain, (70, 70) each.
    """
    grey, body, busy = np.zeros((3, SIDE, SIDE))
    painted = _paint(lobes, warp, rim, seam, cover, grey, body, busy)
    return lobes[:painted], grey, body, busy
