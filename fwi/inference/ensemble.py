"""Blending predictions: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from fwi.arrays import Array
from fwi.geometry import flip_gathers

Blend = Literal["mean", "median"]


def blend(predictions: Sequence[Array], how: Blend = "mean") -> Array:
    """Blend the maps that several models predict.

    Args:
        predictions: one velocity array (B, Z, X) a model, m/s.
        how: "mean" or "median", cell by cell.

    Returns:
        Velocity (B, Z, X) float32, m/s.

    Raises:
        ValueError: if there is nothing to blend or the shapes differ.
    """
    shapes = {p.shape for p in predictions}
    if len(shapes) != 1:
        raise ValueError(f"predictions must be arrays of one shape, got {sorted(shapes)}")
    if how == "mean":
        return np.asarray(np.mean(predictions, axis=0, dtype=np.float64), np.float32)
    return np.asarray(np.median(predictions, axis=0), np.float32)


def flip_averaged(predict: Callable[[Array], Array], gathers: Array) -> Array:
    """Average a prediction with that of the mirrored gathers, mirrored back.

    Args:
        predict: from gathers (B, S, T, R) to velocity (B, Z, X).
        gathers: (B, S, T, R), 5 or 6 shots; exact with six (`fwi.geometry.flip_gathers`).

    Returns:
        Velocity (B, Z, X), m/s.
    """
    return (predict(gathers) + predict(flip_gathers(gathers))[..., ::-1]) / 2
