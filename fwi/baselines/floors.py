"""The floors of every leaderboard: what no network may fall behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Array = npt.NDArray[Any]

_TIME_BIN, _RECEIVER_BIN = 20, 5


def reduce_gathers(gathers: Array) -> Array:
    """Average gathers over bins of 20 samples and 5 receivers.

    Args:
        gathers: (B, S, T, R), T and R at least a bin; what does not fill a bin is cut off.

    Returns:
        Features (B, S * (T // 20) * (R // 5)) float32.
    """
    b, s, t, r = gathers.shape
    t, r = t // _TIME_BIN, r // _RECEIVER_BIN
    cut = gathers[:, :, : t * _TIME_BIN, : r * _RECEIVER_BIN].astype(np.float32)
    return cut.reshape(b, s, t, _TIME_BIN, r, _RECEIVER_BIN).mean(axis=(3, 5)).reshape(b, -1)


def fit_ridge(features: Array, velocity: Array) -> Pipeline:
    """Fit ridge regression from reduced gathers to maps.

    The penalty is chosen by leave-one-out error within the training fold.

    Args:
        features: (B, F), as of `reduce_gathers`.
        velocity: (B, Z, X), m/s.

    Returns:
        A scikit-learn pipeline that predicts flat maps (B, Z * X).
    """
    ridge = RidgeCV(alphas=np.logspace(1, 6, 11))
    return make_pipeline(StandardScaler(), ridge).fit(features, velocity.reshape(len(velocity), -1))
