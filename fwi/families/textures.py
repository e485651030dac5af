"""Fields that images are made of: stationary noise and thin straight strokes."""

from functools import cache

import numpy as np
import numpy.typing as npt

from fwi.families.registry import Field
from fwi.openfwi import SIDE

Cells = npt.NDArray[np.intp]


@cache
def _weights(length: float) -> Field:
    """Return what white noise at knots is weighed by to give a process, (70, knots).

    Knots are a cell or 0.6 lengths apart, the nearer of both, and go 3 lengths beyond the map;
    the covariance then differs from the Gaussian one by less than 1e-5.
    """
    spacing = max(1.0, 0.6 * length)
    n = int(np.ceil((SIDE - 1 + 6 * length) / spacing)) + 1
    knots = (SIDE - 1) / 2 + spacing * (np.arange(n) - (n - 1) / 2)
    weights = np.exp(-(((np.arange(SIDE)[:, None] - knots) / length) ** 2))
    scaled: Field = weights / np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return scaled


def noise(rng: np.random.Generator, across: float, down: float) -> Field:
    """Draw a Gaussian process with the covariance exp(-x^2 / 2 across^2 - z^2 / 2 down^2).

    The covariance is a product of one along rows and one along columns, so white noise at the knots
    of a grid is weighed along either axis: no map sees its own edge again, as it would in a
    periodic field.

    Args:
        rng: Source of randomness.
        across: Length along rows, cells.
        down: Length along columns, cells.

    Returns:
        Field (70, 70) of zero mean and unit variance.
    """
    z, x = _weights(down), _weights(across)
    field: Field = z @ rng.standard_normal((z.shape[1], x.shape[1])) @ x.T
    return field


def strokes(
    top: Field, left: Field, slope: Field, length: Field
) -> tuple[tuple[Cells, Cells], Cells]:
    """Find the cells of straight strokes of one cell's width.

    Args:
        top: Rows where the n strokes begin, (n,).
        left: Columns where they begin, (n,).
        slope: Columns that they go to the right by a row, (n,).
        length: Rows that they go down, (n,).

    Returns:
        Rows and columns of the cells within the map, and the stroke that each belongs to, (cells,).
    """
    down = np.arange(int(np.ceil(length.max(initial=0))))
    rows = np.rint(top[:, None] + down).astype(np.intp)
    columns = np.rint(left[:, None] + slope[:, None] * down).astype(np.intp)
    inside = (rows >= 0) & (rows < SIDE) & (columns >= 0) & (columns < SIDE)
    inside &= down < length[:, None]
    return (rows[inside], columns[inside]), np.nonzero(inside)[0]
