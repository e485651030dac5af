"""Blending predictions: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np

from fwi.arrays import Array
from fwi.geometry import flip_gathers
from fwi.models.network import Prediction

Blend = Literal["mean", "median"]


def blend(predictions: Sequence[Array], how: Blend = "mean") -> Array:
    """Blend the maps that several models predict.

    Args:
        predictions: one velocity array (B, Z, X) a model, m/s.
        how: "mean" or "median", cell by cell.

    Returns:
        Velocity (B, Z, X) float32, m/s.

    Raises:
        ValueError: if there is nothing to blend, the shapes differ, or `how` is neither.
    """
    if how not in get_args(Blend):
        raise ValueError(f"blend must be 'mean' or 'median', got {how!r}")
    shapes = {np.shape(p) for p in predictions}
    if len(shapes) != 1:
        raise ValueError(
            f"predictions must be arrays of one shape, got {sorted(shapes)}; give networks whose "
            "maps are of one size"
        )
    if how == "mean":
        return np.asarray(np.mean(predictions, axis=0, dtype=np.float64), np.float32)
    return np.asarray(np.median(predictions, axis=0), np.float32)


def flip_averaged(ask: Callable[[Array], Prediction], gathers: Array) -> Prediction:
    """Average what is said of gathers with what is said of their mirror image, mirrored back.

    Args:
        ask: from gathers (B, S, T, R) to arrays, see `fwi.inference.predictor.Predictor`.
        gathers: (B, S, T, R), 5 or 6 shots; exact with six (`fwi.geometry.flip_gathers`).

    Returns:
        Velocity and error (B, Z, X), m/s, family (B, n); None where nothing is said.
    """
    straight, mirrored = ask(gathers), ask(flip_gathers(gathers))
    velocity, error = (
        None if a is None else (a + b[..., ::-1]) / 2
        for a, b in ((straight.velocity, mirrored.velocity), (straight.error, mirrored.error))
    )
    family = None if straight.family is None else (straight.family + mirrored.family) / 2
    return Prediction(velocity, error, family)
