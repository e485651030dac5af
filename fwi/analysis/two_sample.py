"""Can generated maps be told from real ones? A classifier two-sample test.

A judge learns on some real and generated maps and is asked about others: 50 % of right answers
mean that it cannot tell them apart, 100 % that it always can.

Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", arXiv 1610.06545.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import polars as pl
from scipy.stats import binomtest, ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance

from fwi.arrays import Array


@dataclass(frozen=True)
class Verdict:
    """How often a judge was right about maps that it did not learn on.

    Attributes:
        right: answers that were right, real and generated maps together.
        n: answers.
    """

    right: int
    n: int

    @property
    def accuracy(self) -> float:
        """Share of right answers, in [0, 1]."""
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        found = binomtest(self.right, self.n).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


class Judge(Protocol):
    """Tells real from generated samples, which are maps or a table of their statistics."""

    def fit(self, real: Any, generated: Any) -> Self:
        """Learn."""

    def predict(self, samples: Any) -> Array:
        """Say which samples are real, (n,) bool."""


def ask(judge: Judge, real: Any, generated: Any) -> Verdict:
    """Ask a judge that has learnt about as many real as generated samples.

    Raises:
        ValueError: if they are none, or not as many; chance would not be 50 %.
    """
    if len(real) != len(generated) or not len(real):
        raise ValueError(
            "real and generated must be as many, so that chance is right half of the time, got "
            f"{len(real)} and {len(generated)}; leave some out"
        )
    right = judge.predict(real).sum() + (~judge.predict(generated)).sum()
    return Verdict(int(right), 2 * len(real))


class StatisticsJudge:
    """Gradient-boosted trees on tables of `fwi.families.statistics.describe`.

    Real and generated maps weigh alike, however many there are of each.

    Args:
        seed: of the features that each split may choose from.
    """

    def __init__(self, seed: int = 0) -> None:
        self.trees = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=200, max_leaf_nodes=15, max_features=0.5,
            early_stopping=False, class_weight="balanced", random_state=seed,
        )  # fmt: skip

    def fit(self, real: pl.DataFrame, generated: pl.DataFrame) -> Self:
        """Learn from two tables of one set of columns, a row a map.

        Raises:
            ValueError: if a table is empty, or their columns differ.
        """
        self.trees.fit(*_labelled(real, generated))
        return self

    def predict(self, samples: pl.DataFrame) -> Array:
        """Say which maps are real, (n,) bool."""
        return self.trees.predict(samples.to_numpy()).astype(bool)

    def importance(self, real: pl.DataFrame, generated: pl.DataFrame) -> dict[str, float]:
        """By how much accuracy falls when one statistic is shuffled among the maps."""
        table, label = _labelled(real, generated)
        found = permutation_importance(self.trees, table, label, n_repeats=5, random_state=0)
        return dict(zip(real.columns, found["importances_mean"].tolist(), strict=True))


def distances(real: pl.DataFrame, generated: pl.DataFrame) -> dict[str, float]:
    """Kolmogorov-Smirnov distance of every statistic alone, in [0, 1].

    Values without meaning (NaN) count as smaller than all others.
    """
    real, generated = (table.fill_nan(-np.inf) for table in (real, generated))
    return {
        name: float(ks_2samp(real[name].to_numpy(), generated[name].to_numpy(), method="asymp")[0])
        for name in real.columns
    }


def _labelled(real: pl.DataFrame, generated: pl.DataFrame) -> tuple[Array, Array]:
    if real.columns != generated.columns or real.is_empty() or generated.is_empty():
        raise ValueError(
            "real and generated must be tables of the same statistics, a row a map, got "
            f"{real.shape} and {generated.shape}; give what describe makes of maps"
        )
    table = pl.concat([real, generated]).to_numpy()
    return table, np.arange(len(table)) < len(real)
