"""What regressions and a small network make of reduced gathers: the baselines of a leaderboard.

Each one fits reduced gathers x (B, S, T', R') float32, maps y (B, Z, X) in m/s and the maps'
families, and predicts maps (B, Z, X). They say what a trained network has to be better than.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fwi.arrays import Array
from fwi.baselines.gather_cnn import GatherCNN
from fwi.baselines.gather_families import FamilyMeans
from fwi.baselines.linear import LinearRegression
from fwi.baselines.reduced import flat
from fwi.registry import Registry

Families = Sequence[str | None]

_PENALTIES = tuple(np.logspace(1, 6, 11).tolist())
_NEIGHBOURS, _LEFT_OUT = 100, 1000  # neighbours at most, and samples that choose their number


class Baseline(Protocol):
    """What a leaderboard asks of a baseline."""

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Learn from reduced gathers, maps and families."""

    def predict(self, x: Array) -> Array:
        """Give maps for reduced gathers."""


class MeanMap:
    """The mean of all maps, whatever was recorded."""

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Take the mean, in float64."""
        self.map_ = y.mean(axis=0, dtype=np.float64)
        return self

    def predict(self, x: Array) -> Array:
        """Give the same map for every sample."""
        return np.broadcast_to(self.map_, (len(x), *self.map_.shape))


class Ridge:
    """Ridge regression from standardised features, its penalty the best at leaving one out."""

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Solve for all cells of the map at once, by singular values."""
        self.shape_ = y.shape[1:]
        regression = LinearRegression("svd", _PENALTIES)
        self.pipeline_ = make_pipeline(StandardScaler(), regression).fit(flat(x), flat(y))
        return self

    def predict(self, x: Array) -> Array:
        """Give a linear map of the features."""
        return self.pipeline_.predict(flat(x)).reshape(-1, *self.shape_)


class NearestGathers:
    """The mean map of the nearest gathers, as many as do best at leaving one out.

    Near is meant over standardised features.
    """

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Keep all samples, and choose the number of neighbours."""
        self.shape_, self.scaler_ = y.shape[1:], StandardScaler()
        features, maps = self.scaler_.fit_transform(flat(x)), flat(y)
        self.regression_ = KNeighborsRegressor(1, algorithm="brute").fit(features, maps)
        most = min(_NEIGHBOURS, len(maps) - 1)
        nearest = self.regression_.kneighbors(n_neighbors=most, return_distance=False)
        left_out = slice(None, None, -(-len(maps) // _LEFT_OUT))
        errors = _errors_of_means(maps, nearest[left_out], maps[left_out])
        self.regression_.set_params(n_neighbors=int(np.argmin(errors)) + 1)
        return self

    def predict(self, x: Array) -> Array:
        """Give the mean of the nearest maps."""
        features = self.scaler_.transform(flat(x))
        return self.regression_.predict(features).reshape(-1, *self.shape_)


def _errors_of_means(maps: Array, nearest: Array, true: Array) -> list[float]:
    """Give the mean absolute error of the means of one neighbour, of two, and so on."""
    total, errors = np.zeros_like(true, np.float64), []
    for k in range(nearest.shape[1]):
        total += maps[nearest[:, k]]
        errors.append(float(np.abs(total / (k + 1) - true).mean()))
    return errors


BASELINES: Registry[type[Baseline]] = Registry("baseline")
BASELINES.add("mean map", MeanMap)
BASELINES.add("family classifier", FamilyMeans)
BASELINES.add("nearest gathers", NearestGathers)
BASELINES.add("ridge regression", Ridge)
BASELINES.add("from-scratch CNN", GatherCNN)
