"""Lobes painted over one another, until they cover their share of a map."""

import math
from typing import Any

import numpy as np

from fwi.compiled import kept_njit
from fwi.families.chains import Lobes
from fwi.families.registry import Field
from fwi.openfwi import SIDE


def paint(
    lobes: Lobes, warp: Field, rim: float, seam: float, cover: float
) -> tuple[Lobes, Field, Field, Field]:
    """Paint lobes over one another until they cover their share of a map.

    A style network gives every picture the greys of one style, so the share of bright cells hardly
    changes from map to map; the number of lobes does.

    Args:
        lobes: Records of `chains.LOBE`; later ones hide earlier ones.
        warp: Rows and columns that outlines are moved by, (2, 70, 70) cells.
        rim: Width over which a body fades, cells.
        seam: What the rim of a lobe is darker by.
        cover: Share of the map's cells at which painting stops, 0 to 1.

    Returns:
        The lobes painted; and grey, cover by bodies (0 to 1) and strength of grain, (70, 70) each.
    """
    grey, body, busy = np.zeros((3, SIDE, SIDE))
    painted = _paint(lobes, warp, rim, seam, cover, grey, body, busy)
    return lobes[:painted], grey, body, busy


@kept_njit()
def _reach(lobe: Any, along: float, across: float) -> float:
    """Return how far out of the lobe a cell lies: 0 in the middle, 1 on the outline."""
    u, v = abs(along) / lobe.along, abs(across) / lobe.across
    return max(u, v) if lobe.hatch > 0 else math.sqrt(u * u + v * v)


@kept_njit()
def _grey(
    lobe: Any, depth: float, side: float, across: float, distance: float, seam: float
) -> float:
    """Return the grey of a cell `depth` rows and `side` columns off its lobe's centre.

    A seam darkens the outer two cells. A tent stands on bright ground, above which it is dark.
    """
    grey = lobe.grey + lobe.shade * depth / lobe.across - seam * max(0.0, 1 - max(distance, 0) / 2)
    if lobe.hatch > 0:
        grey += 0.17 * math.cos(2 * math.pi * across / lobe.hatch)
    below = depth + 0.8 * lobe.across
    if abs(side) < lobe.tent * below:
        grey += 0.12 if 0.9 < below / lobe.across < 1.6 else -0.12
    return grey


@kept_njit()
def _paint(
    lobes: Lobes,
    warp: Field,
    rim: float,
    seam: float,
    cover: float,
    grey: Field,
    body: Field,
    busy: Field,
) -> int:
    """Paint in place; return the number of lobes that it took."""
    rows, columns = body.shape
    covered = 0.0
    for i in range(lobes.shape[0]):
        lobe = lobes[i]
        cos, sin = math.cos(lobe.angle), math.sin(lobe.angle)
        tall = abs(lobe.along * sin) + abs(lobe.across * cos) + 3  # with room for the warp
        wide = abs(lobe.along * cos) + abs(lobe.across * sin) + 3
        left, right = max(0, int(lobe.column - wide)), min(columns, int(lobe.column + wide) + 1)
        for z in range(max(0, int(lobe.row - tall)), min(rows, int(lobe.row + tall) + 1)):
            for x in range(left, right):
                dz, dx = z + warp[0, z, x] - lobe.row, x + warp[1, z, x] - lobe.column
                along, across = dx * cos - dz * sin, dz * cos + dx * sin
                distance = (1 - _reach(lobe, along, across)) * min(lobe.along, lobe.across)
                share = min(1.0, 0.5 + distance / rim)
                if share > 0:
                    tone = _grey(lobe, z - lobe.row, x - lobe.column, across, distance, seam)
                    grey[z, x] += share * (tone - grey[z, x])
                    busy[z, x] += share * (lobe.busy - busy[z, x])
                    covered += max(0.0, share - body[z, x])
                    body[z, x] = max(body[z, x], share)
        if covered >= cover * rows * columns:
            return i + 1
    return lobes.shape[0]
