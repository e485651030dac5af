"""Which family a gather's map is of, and the map that this alone predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fwi.arrays import Array
from fwi.baselines.logistic import LogisticRegression
from fwi.baselines.reduced import flat

_COMPONENTS, _FAINT = 50, 0.01


class FamilyMeans:
    """The mean maps of the families, weighed by a logistic classifier's probabilities.

    The classifier sees the first principal components of log(|x| + 0.01), standardised: how much
    arrives when, not its sign, tells families apart. Samples of no known family are left out; with
    fewer than two families there is one mean map.
    """

    def fit(self, x: Array, y: Array, families: Sequence[str | None]) -> Self:
        """Classify, and average each family's maps."""
        known = np.array([family is not None for family in families])
        names = np.array([family or "" for family in families])
        if len(set(names[known])) < 2:
            known[:], names[:] = True, ""
        self.classes_ = np.unique(names[known])
        self.means_ = np.stack([y[names == c].mean(0, dtype=np.float64) for c in self.classes_])
        if len(self.classes_) > 1:
            loudness = _loudness(x[known])
            self.classifier_ = _classifier(loudness.shape).fit(loudness, names[known])
        return self

    def probabilities(self, x: Array) -> Array:
        """Give the probability of each of `classes_`, (B, C)."""
        if len(self.classes_) < 2:
            return np.ones((len(x), 1))
        return self.classifier_.predict_proba(_loudness(x))

    def predict(self, x: Array) -> Array:
        """Give the families' mean maps, weighed."""
        return np.einsum("bc,czx->bzx", self.probabilities(x), self.means_)


def _classifier(shape: tuple[int, ...]) -> Pipeline:
    # n samples less their mean span n - 1 directions: whitening one more would divide by zero.
    kept = max(1, min(_COMPONENTS, shape[0] - 1, shape[1]))
    components = PCA(kept, whiten=True, random_state=0)
    return make_pipeline(StandardScaler(), components, LogisticRegression(alpha=10.0))


def _loudness(x: Array) -> Array:
    return np.log(np.abs(flat(x)) + _FAINT)
