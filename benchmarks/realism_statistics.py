"""Statistics of generated maps beside those of real ones, and beside those printed for all."""

from __future__ import annotations

import numpy as np
import polars as pl
from realism_maps import DESCRIBED, POOLED, Real, Rows, generated, painted

from fwi import families
from fwi.analysis.two_sample import distances
from fwi.families.statistics import describe
from fwi.openfwi import FULL_SET

_CHUNK = 1000  # maps at a time
_BANDS = (0.05, 0.5, 0.95)
_OUTSIDE = 0.01  # of the generated maps on either side
_PAINTED = "whole"  # a statistic that pictures do not tell


def pooled(rows: Rows, family: str, version: str, n: int) -> None:
    """Mean, deviation and extremes over all cells of n generated maps, a row."""
    if (family, version, n) in rows:
        return
    rng, sums, ends = np.random.default_rng(POOLED), np.zeros(2), [np.inf, -np.inf]
    for first in range(0, n, _CHUNK):
        maps = families.sample(family, min(_CHUNK, n - first), rng).astype(np.float64)
        sums += maps.sum(), (maps**2).sum()
        ends = [min(ends[0], maps.min()), max(ends[1], maps.max())]
    mean, square = sums / (n * maps[0].size)
    figures = {"mean": mean, "std": np.sqrt(square - mean**2), "min": ends[0], "max": ends[1]}
    rows.add([{"family": family, "generator": version, "n": n, **figures}])


def pooled_table(found: pl.DataFrame) -> pl.DataFrame:
    """Generated figures beside the printed ones, and how far they are from them."""
    lines = []
    for row in found.iter_rows(named=True):
        mean, std, low, high = FULL_SET[row["family"]]
        lines.append(
            {
                "family": row["family"],
                "n": row["n"],
                "mean": f"{row['mean']:.0f} ({mean})",
                "off, %": round(100 * (row["mean"] / mean - 1), 1),
                "std": f"{row['std']:.0f} ({std})",
                "off, % ": round(100 * (row["std"] / std - 1), 1),
                "min-max": f"{row['min']:.0f}-{row['max']:.0f} ({low}-{high})",
                "held": abs(row["mean"] / mean - 1) <= 0.02
                and abs(row["std"] / std - 1) <= 0.04
                and low <= row["min"]
                and row["max"] <= high,
            }
        )
    return pl.DataFrame(lines)


def side_by_side(family: str, maps: Real, n: int) -> pl.DataFrame:
    """Every statistic of the exact real maps kept apart beside generated ones, furthest first."""
    own, other = describe(maps.kept), describe(generated(family, n, DESCRIBED))
    apart = distances(own, other)
    return pl.DataFrame(
        [
            {
                "statistic": name,
                "real, 5-50-95 %": _bands(own[name]),
                "generated": _bands(other[name]),
                "mean": f"{_mean(own[name]):.4g} / {_mean(other[name]):.4g}",
                "distance": round(apart[name], 3),
            }
            for name in sorted(apart, key=apart.__getitem__, reverse=True)
        ]
    )


def outliers(family: str, maps: Real, n: int) -> tuple[dict[str, object], pl.DataFrame]:
    """Count the statistics of pictures beyond 1 to 99 % of n generated maps.

    All are painted alike. Generated maps are held against each other too: what one of them has
    outside is what a real one may have.

    Returns:
        A line of the table, and the percentiles: a row a statistic, a column a picture.
    """
    real_ones = describe(painted(maps.pictures)).drop(_PAINTED)
    others = describe(painted(families.sample(family, n, DESCRIBED))).drop(_PAINTED)
    below, above = (_shares(real_ones, others, side) for side in ("left", "right"))
    outside = (below > 1 - _OUTSIDE) | (above < _OUTSIDE)
    usual = (_shares(others, others, "left") > 1 - _OUTSIDE) | (
        _shares(others, others, "right") < _OUTSIDE
    )
    kept = ~maps.fitted
    often = outside[kept if kept.any() else ~kept].mean(axis=0)
    worst = [real_ones.columns[i] for i in np.argsort(-often, kind="stable")[:5] if often[i]]
    line = {
        "family": family,
        "kept": int(kept.sum()),
        "outside, each": _listed(outside[kept]),
        "fitted": int((~kept).sum()),
        "outside, each ": _listed(outside[~kept]),
        "of": len(real_ones.columns),
        "generated, median and 95 %": "{:.0f}, {:.0f}".format(
            *np.quantile(usual.sum(axis=1), (0.5, 0.95))
        ),
        "outside most often": ", ".join(worst),
    }
    percent = pl.DataFrame({"statistic": real_ones.columns}).with_columns(
        pl.Series(f"{i}{'' if k else ' fitted'}", np.round(50 * (b + a), 1))
        for i, (k, b, a) in enumerate(zip(kept, below, above, strict=True))
    )
    return line, percent


def _shares(table: pl.DataFrame, others: pl.DataFrame, side: str) -> np.ndarray:
    """Share of others below (left) or at most (right) every value, (n, statistics).

    What has no meaning counts as less than all.
    """
    table, others = (t.fill_nan(-np.inf) for t in (table, others))
    return np.column_stack(
        [
            np.searchsorted(np.sort(others[name].to_numpy()), table[name].to_numpy(), side)
            for name in table.columns
        ]
    ) / len(others)


def _listed(outside: np.ndarray) -> str:
    return " ".join(str(count) for count in outside.sum(axis=1))


def _bands(values: pl.Series) -> str:
    known = values.drop_nans()
    return " ".join(f"{known.quantile(q):.4g}" for q in _BANDS) if len(known) else "none"


def _mean(values: pl.Series) -> float:
    return float(values.drop_nans().mean() or np.nan)
