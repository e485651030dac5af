"""Regions: connected cells of one value, and the steps between columns at faults and slopes."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fwi.families.registry import Field
from fwi.families.statistics.intake import STEP
from fwi.families.statistics.runs import find_runs

_SLIVER = 10  # cells; a smaller region is a sliver, one blended cell the least
_BLOCK = 16, 120  # cells of a block
_FULL = 0.9  # of the rectangle around it that a block fills
_THROW = 4  # rows of one step between two columns that a slope of layers seldom makes


def describe_regions(maps: Field) -> pl.DataFrame:
    """Describe the regions of every map (n, nz, nx), a row a map."""
    n, nz, nx = maps.shape
    owner, size, height, width = _regions(maps)
    within = (size >= _BLOCK[0]) & (size <= _BLOCK[1])
    block = within & (size >= _FULL * height * width) & (height > 2) & (width > 2)
    largest = np.zeros(n)
    np.maximum.at(largest, owner, size)
    return pl.DataFrame(
        {
            "regions": np.bincount(owner[size >= _SLIVER], minlength=n),
            "slivers": np.bincount(owner[size < _SLIVER], minlength=n),
            "blocks": np.bincount(owner[block], minlength=n),
            "largest region": largest / (nz * nx),
        }
    )


def describe_steps(maps: Field) -> pl.DataFrame:
    """Describe the steps along the rows of every map (n, nz, nx), a row a map.

    A throw is a step between two columns that goes on over four rows or more.
    """
    (n, nz, nx), steps = maps.shape, np.diff(maps, axis=2)
    size = np.abs(steps)
    strong = np.where(size >= STEP, steps, 0).transpose(0, 2, 1).reshape(n * (nx - 1), nz)
    runs = find_runs(strong)
    owner, long = runs.line // (nx - 1), runs.length >= _THROW
    largest = np.zeros(n)
    np.maximum.at(largest, owner, runs.length)
    bottom = np.abs(np.diff(maps[:, -2:], axis=1)) >= STEP
    flat = size.reshape(n, -1)
    return pl.DataFrame(
        {
            "steps": (flat >= STEP).mean(axis=1),
            "faint steps": ((flat > 0) & (flat < STEP)).mean(axis=1),
            "median step": np.median(flat, axis=1),
            "steep step": np.quantile(flat, 0.99, axis=1),
            "throws": np.bincount(owner[long], minlength=n),
            "largest throw": largest,
            "last row": bottom.mean(axis=(1, 2)),
        }
    )


def _regions(maps: Field) -> tuple[npt.NDArray, npt.NDArray, npt.NDArray, npt.NDArray]:
    """Find the regions of maps (n, nz, nx): map, cells, height and width of each, (k,)."""
    number = np.arange(maps.size).reshape(maps.shape)
    below, beside = maps[:, :-1] == maps[:, 1:], maps[..., :-1] == maps[..., 1:]
    first = np.concatenate([number[:, :-1][below], number[..., :-1][beside]])
    second = np.concatenate([number[:, 1:][below], number[..., 1:][beside]])
    graph = coo_array((np.ones(first.size, np.int8), (first, second)), shape=(maps.size,) * 2)
    count, region = connected_components(graph, directed=False)
    cell = np.unravel_index(np.arange(maps.size), maps.shape)
    low, high = np.full((2, count), maps.size), np.full((2, count), -1)
    for axis, place in enumerate(cell[1:]):
        np.minimum.at(low[axis], region, place)
        np.maximum.at(high[axis], region, place)
    owner = np.zeros(count, np.int64)
    owner[region] = cell[0]
    return owner, np.bincount(region, minlength=count), *(high - low + 1)
