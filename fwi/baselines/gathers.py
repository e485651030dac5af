"""What regressions and a small network make of reduced gathers: the baselines of a leaderboard.

Each one fits reduced gathers x (B, S, T', R') float32, maps y (B, Z, X) in m/s and the maps'
families, and predicts maps (B, Z, X). No trained network may fall behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from fwi.baselines.gather_cnn import GatherCNN
from fwi.baselines.linear import LinearRegression
from fwi.baselines.logistic import LogisticRegression

Array = npt.NDArray[Any]
Families = Sequence[str | None]

_TIME_BIN, _RECEIVER_BIN = 20, 5
_PENALTIES = tuple(np.logspace(1, 6, 11).tolist())
_NEIGHBOURS = 100
_COMPONENTS, _FAINT = 50, 0.01


class Baseline(Protocol):
    """What a leaderboard asks of a baseline."""

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Learn from reduced gathers, maps and families."""

    def predict(self, x: Array) -> Array:
        """Give maps for reduced gathers."""


def reduce_gathers(gathers: Array) -> Array:
    """Average gathers over bins of 20 samples and 5 receivers.

    Args:
        gathers: (B, S, T, R), T and R at least a bin; what does not fill a bin is cut off.

    Returns:
        (B, S, T // 20, R // 5) float32.
    """
    b, s, t, r = gathers.shape
    t, r = t // _TIME_BIN, r // _RECEIVER_BIN
    cut = gathers[:, :, : t * _TIME_BIN, : r * _RECEIVER_BIN].astype(np.float32)
    return cut.reshape(b, s, t, _TIME_BIN, r, _RECEIVER_BIN).mean(axis=(3, 5))


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
        self.pipeline_ = make_pipeline(StandardScaler(), regression).fit(_flat(x), _flat(y))
        return self

    def predict(self, x: Array) -> Array:
        """Give a linear map of the features."""
        return self.pipeline_.predict(_flat(x)).reshape(-1, *self.shape_)


class NearestGathers:
    """The mean map of the nearest gathers, as many as do best at leaving one out.

    Near is meant over standardised features.
    """

    def fit(self, x: Array, y: Array, families: Families) -> Self:
        """Keep all samples, and choose the number of neighbours."""
        self.shape_, self.scaler_ = y.shape[1:], StandardScaler()
        features, maps = self.scaler_.fit_transform(_flat(x)), _flat(y)
        self.regression_ = KNeighborsRegressor(1, algorithm="brute").fit(features, maps)
        most = min(_NEIGHBOURS, len(maps) - 1)
        nearest = self.regression_.kneighbors(n_neighbors=most, return_distance=False)
        total, errors = np.zeros_like(maps, np.float64), []
        for k in range(most):
            total += maps[nearest[:, k]]
            errors.append(np.abs(total / (k + 1) - maps).mean())
        self.regression_.set_params(n_neighbors=int(np.argmin(errors)) + 1)
        return self

    def predict(self, x: Array) -> Array:
        """Give the mean of the nearest maps."""
        features = self.scaler_.transform(_flat(x))
        return self.regression_.predict(features).reshape(-1, *self.shape_)


class FamilyMeans:
    """The mean maps of the families, weighed by a logistic classifier's probabilities.

    The classifier sees the first principal components of log(|x| + 0.01), standardised: how much
    arrives when, not its sign, tells families apart. Samples of no known family are left out; with
    fewer than two families there is one mean map.
    """

    def fit(self, x: Array, y: Array, families: Families) -> Self:
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
    components = PCA(min(_COMPONENTS, *shape), whiten=True, random_state=0)
    return make_pipeline(StandardScaler(), components, LogisticRegression(alpha=10.0))


def _loudness(x: Array) -> Array:
    return np.log(np.abs(_flat(x)) + _FAINT)


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)


BASELINES: dict[str, type[Baseline]] = {
    "mean map": MeanMap,
    "family classifier": FamilyMeans,
    "nearest gathers": NearestGathers,
    "ridge regression": Ridge,
    "from-scratch CNN": GatherCNN,
}
