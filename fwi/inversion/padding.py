"""Which padded cells stand for the padding, in the columns of the cells at a map's edge.

A cell at the edge is repeated outward through the padding, so its column of the Jacobian is a sum
over all those cells. Far from the edge the fields are smooth and every second cell is enough;
far out in the sponge, where nothing returns from, the sum is faded out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry

_WHOLE, _HALVED = 6, 20  # cells: up to the first every one counts, from the second every other
# Where the sum begins to fade, and where it ends, as shares of the padding.
_FADE = {"top": (0.5, 0.83), "side": (0.5, 0.83)}


@dataclass(frozen=True)
class Edge:
    """One side of the map without its corners.

    Attributes:
        home: flat numbers of its cells in the map, (cells,).
        pads: rows and columns of the padded cells that stand for each, (2, cells, pads).
        distance: of those from the map's edge, in cells, (pads,).
        weight: what each counts for, (pads,).
    """

    home: Array
    pads: Array
    distance: Array
    weight: Array


def edges(geometry: AcquisitionGeometry) -> list[Edge]:
    """Lay out the four sides."""
    nz, nx = geometry.nz, geometry.nx
    across, down = np.arange(1, nx - 1), np.arange(1, nz - 1)
    return [
        _edge(geometry, "top", 0 * across, across, (-1, 0)),
        _edge(geometry, "side", 0 * across + nz - 1, across, (1, 0)),
        _edge(geometry, "side", down, 0 * down, (0, -1)),
        _edge(geometry, "side", down, 0 * down + nx - 1, (0, 1)),
    ]


def corners(geometry: AcquisitionGeometry) -> list[int]:
    """Flat numbers of the four corners, each of which stands for a whole quadrant."""
    nz, nx = geometry.nz, geometry.nx
    return sorted({0, nx - 1, (nz - 1) * nx, nz * nx - 1})


def _edge(
    geometry: AcquisitionGeometry, kind: str, z: Array, x: Array, outward: tuple[int, int]
) -> Edge:
    distance, weight = _line(geometry.sponge_width, *_FADE[kind])
    steps = np.array(outward)[:, None, None] * distance
    return Edge(z * geometry.nx + x, np.stack([z, x])[:, :, None] + steps, distance, weight)


def _line(width: int, fade: float, end: float) -> tuple[Array, Array]:
    """Distances of the cells that stand for a line outward, and their weights."""
    distance = np.arange(1, max(int(end * width), 2))
    every = _fall(distance, _WHOLE, _HALVED)
    other = 2.0 * (distance % 2 == 0) * (1 - every) * _fall(distance, fade * width, end * width)
    weight = every + other
    kept = weight > 1e-6
    return distance[kept], weight[kept]


def _fall(distance: Array, begin: float, end: float) -> Array:
    """Fall from 1 to 0 as a squared cosine."""
    return np.cos(np.pi / 2 * ((distance - begin) / (end - begin)).clip(0, 1)) ** 2
