"""Which padded cells stand for the padding, in the columns of the cells at a map's edge.

A cell at the edge is repeated outward through the padding, so its column of the Jacobian is a sum
over all those cells. Far from the edge the fields are smooth and every second cell is enough;
far out in the sponge, where little returns from, the sum may be faded out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry


@dataclass(frozen=True)
class _Line:
    """How the cells outward of one at the edge are thinned.

    Attributes:
        strides: every so-manieth cell counts, blended into the next stride between two distances,
            in cells.
        fade: share of the padding where the sum begins to fade.
        end: where it ends.
    """

    strides: tuple[tuple[int, float, float], ...]
    fade: float
    end: float


# By the wavelength from which each holds, in cells, longest first: long waves need fewer cells,
# short ones die out sooner. Columns of a curved map's edge are 1 to 2 % off in either case.
_LINES = (
    (10.0, _Line(((1, 3, 8), (2, 8, 20), (4, 1e9, 2e9)), 0.5, 0.83)),
    (5.0, _Line(((1, 4, 12), (2, 1e9, 2e9)), 0.5, 0.83)),
    (0.0, _Line(((1, 4, 12), (2, 1e9, 2e9)), 0.2, 0.5)),
)
_WHOLE = _Line(((1, 6, 16), (2, 1e9, 2e9)), 0.98, 1.0)


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


def edges(geometry: AcquisitionGeometry, wavelength: float, whole: bool = False) -> list[Edge]:
    """Lay out the four sides.

    Args:
        geometry: the grid.
        wavelength: the shortest one that matters, m.
        whole: take the padding to its end. Where all data count by their known errors, what a fade
            leaves out was 8 % of the columns of a curved map's edge; it was 0.3 % without.
    """
    nz, nx = geometry.nz, geometry.nx
    line = next(line for least, line in _LINES if wavelength >= least * geometry.dx)
    line = _WHOLE if whole else line
    across, down = np.arange(1, nx - 1), np.arange(1, nz - 1)
    return [
        _edge(geometry, line, 0 * across, across, (-1, 0)),
        _edge(geometry, line, 0 * across + nz - 1, across, (1, 0)),
        _edge(geometry, line, down, 0 * down, (0, -1)),
        _edge(geometry, line, down, 0 * down + nx - 1, (0, 1)),
    ]


def corners(geometry: AcquisitionGeometry) -> list[int]:
    """Flat numbers of the four corners, each of which stands for a whole quadrant."""
    nz, nx = geometry.nz, geometry.nx
    return sorted({0, nx - 1, (nz - 1) * nx, nz * nx - 1})


def _edge(
    geometry: AcquisitionGeometry, line: _Line, z: Array, x: Array, outward: tuple[int, int]
) -> Edge:
    distance, weight = _thin(line, geometry.sponge_width)
    steps = np.array(outward)[:, None, None] * distance
    return Edge(z * geometry.nx + x, np.stack([z, x])[:, :, None] + steps, distance, weight)


def _thin(line: _Line, width: int) -> tuple[Array, Array]:
    """Distances of the cells that stand for a line outward, and their weights."""
    distance = np.arange(1, max(int(line.end * width), 2))
    weight, left = np.zeros(len(distance)), np.ones(len(distance))
    for every, begin, stop in line.strides:
        part = left * _fall(distance, begin, stop)
        weight += every * (distance % every == 0) * part
        left -= part
    weight *= _fall(distance, line.fade * width, line.end * width)
    kept = weight > 1e-6
    return distance[kept], weight[kept]


def _fall(distance: Array, begin: float, end: float) -> Array:
    """Fall from 1 to 0 as a squared cosine."""
    return np.cos(np.pi / 2 * ((distance - begin) / (end - begin)).clip(0, 1)) ** 2
