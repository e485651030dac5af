"""Interfaces: where the columns of a map cross from one layer to the next, and how they lie."""

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.families.registry import Field
from fwi.families.statistics.intake import STEP, as_maps
from fwi.families.statistics.runs import find_runs


def interfaces(maps: npt.ArrayLike) -> pl.DataFrame:
    """Find every crossing of a column and an interface.

    An interface is a run of changes of one sign down a column that adds up to 30 m/s or more.

    Args:
        maps: velocity (n, nz, nx), m/s.

    Returns:
        A row a crossing, by map, column and depth: `map` and `column`, `depth` (rows from the top,
        where the layer below begins; a blurred edge's middle), `jump` (m/s, positive where the
        lower layer is faster), `edge` (rows: the jump over its steepest change, 1 where it is
        sharp), `thickness` (rows of the layer above, NaN for a column's first).

    Raises:
        TypeError: if maps hold no numbers.
        ValueError: if they are not (n, nz, nx), or not finite.
    """
    columns = as_maps(maps).transpose(0, 2, 1)
    n, nx, nz = columns.shape
    runs = find_runs(np.diff(columns, axis=2).reshape(n * nx, nz - 1))
    strong = np.abs(runs.jump) >= STEP
    line, depth, jump = runs.line[strong], runs.centre[strong] + 1, runs.jump[strong]
    thickness = np.diff(depth, prepend=np.nan)
    thickness[1:][np.diff(line) > 0] = np.nan
    return pl.DataFrame(
        {
            "map": line // nx,
            "column": line % nx,
            "depth": depth,
            "jump": jump,
            "edge": np.abs(jump) / runs.steepest[strong],
            "thickness": thickness,
        }
    )


def describe_interfaces(maps: Field) -> pl.DataFrame:
    """Sum up the interfaces of every map (n, nz, nx), a row a map; null where it has none."""
    (n, _, nx), crossings = maps.shape, interfaces(maps)
    thickness = pl.col("thickness").drop_nans()
    sums = crossings.group_by("map").agg(
        (pl.len() / nx).alias("interfaces"),
        (pl.col("jump") > 0).mean().alias("rising"),
        pl.col("jump").abs().mean().alias("jump"),
        pl.col("jump").abs().min().alias("smallest jump"),
        pl.col("edge").median(),
        pl.col("edge").quantile(0.95).alias("widest edge"),
        thickness.mean(),
        thickness.std(ddof=0).alias("thickness spread"),
        thickness.min().alias("thinnest"),
        pl.col("depth").max().alias("deepest interface"),
    )
    everyone = pl.DataFrame({"map": np.arange(n)})
    sums = everyone.join(sums, on="map", how="left", maintain_order="left").drop("map")
    return sums.with_columns(pl.col("interfaces").fill_null(0)).hstack(_first(crossings, n, nx))


def _first(crossings: pl.DataFrame, n: int, nx: int) -> pl.DataFrame:
    """Describe the line of every map's first interface, NaN where it has none."""
    firsts = crossings.filter(pl.col("thickness").is_nan())
    depth = np.full((n, nx), np.nan)
    depth[firsts["map"], firsts["column"]] = firsts["depth"]
    moves = np.abs(np.diff(depth, axis=1))
    side = nx // 20
    return pl.DataFrame(
        {
            "first interface": _mean(depth),
            "relief": _extreme(depth) + _extreme(-depth),
            "net step": np.abs(depth[:, side] - depth[:, nx - 1 - side]),
            "breaks": (moves >= 3).sum(axis=1),
            "largest break": _extreme(moves),
            "roughness": _mean(np.abs(np.diff(depth, n=2, axis=1))),
            "turns": [_turns(line) for line in depth],
        },
        strict=False,
    )


def _turns(line: Field) -> int:
    """Count how often a line (nx,) turns from falling to rising or back."""
    directions = np.sign(np.diff(line[np.isfinite(line)]))
    return int(np.count_nonzero(np.diff(directions[directions != 0])))


def _extreme(values: Field) -> Field:
    """Give the largest number of every row, NaN where there is none."""
    largest = np.where(np.isnan(values), -np.inf, values).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.nan)


def _mean(values: Field) -> Field:
    """Give the mean of the numbers of every row, NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count, np.where(known, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
