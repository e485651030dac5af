"""How large maps are, and the grids on which convolutional networks make them of records.

A map of Z x X cells is made on a grid of a few cells more, which can be halved three times; its
record is brought to some fourteen time samples a row and one receiver a column. OpenFWI's 70 x 70
cells: 1000 x 70 samples, a grid of 72 x 72.
"""

from __future__ import annotations

from collections.abc import Sequence

from fwi.openfwi import NT, RECEIVER_X, SIDE

Shape = tuple[int, int]  # rows, columns

MAP: Shape = (SIDE, SIDE)
RECORD: Shape = (NT, len(RECEIVER_X))  # time samples, receivers
ROW = 14  # time samples of a grid's row
_LEAST, _MOST = 8, 1024


def check_map_shape(shape: Sequence[int]) -> Shape:
    """Give the rows and columns of a network's maps.

    Raises:
        ValueError: if they are not two numbers of 8 to 1024.
    """
    fits = isinstance(shape, Sequence) and not isinstance(shape, str) and len(shape) == 2
    if not fits or not all(type(n) is int and _LEAST <= n <= _MOST for n in shape):
        raise ValueError(
            f"map_shape must be two whole numbers of {_LEAST} to {_MOST} cells, depth and line, "
            f"got {shape!r}; give such as (70, 70)"
        )
    return shape[0], shape[1]


def grid_of(map_shape: Shape) -> Shape:
    """Give the rows and columns of the first grid: divisible by 8, two more than the map's."""
    rows, columns = (-(-(n + 2) // 8) * 8 for n in map_shape)
    return rows, columns


def record_of(map_shape: Shape) -> Shape:
    """Give the time samples and receivers that a grid's record is brought to."""
    return ROW * map_shape[0] + NT - ROW * SIDE, map_shape[1]


GRID = grid_of(MAP)  # 72 x 72
