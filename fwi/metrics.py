"""How far predicted velocity maps are from the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwi.arrays import Array

# The competition scores the odd columns, x_1, x_3 ... x_69, alone.
SCORED = slice(1, None, 2)


def absolute_errors(predicted: Array, true: Array, columns: slice = slice(None)) -> Array:
    """Mean absolute error of each map.

    Args:
        predicted: velocity (B, Z, X), m/s.
        true: velocity (B, Z, X), m/s.
        columns: those that count; `SCORED` are the competition's.

    Returns:
        (B,) m/s.

    Raises:
        ValueError: if the shapes differ.
    """
    if predicted.shape != true.shape:
        raise ValueError(
            f"predicted and true maps must have one shape, got {predicted.shape} and {true.shape}"
        )
    difference = predicted[..., columns].astype(np.float64) - true[..., columns]
    return np.abs(difference).mean(axis=(-2, -1))


def mae(predicted: Array, true: Array, columns: slice = slice(None)) -> float:
    """Mean absolute error over all maps, m/s; see `absolute_errors`."""
    return float(absolute_errors(predicted, true, columns).mean())


def summarize(predicted: Array, true: Array, families: Sequence[str]) -> dict[str, float]:
    """Summarise a validation set in the figures of the leaderboard.

    Args:
        predicted: velocity (B, Z, X), m/s.
        true: velocity (B, Z, X), m/s.
        families: the family of each map.

    Returns:
        MAE in m/s under "mae", "mae_scored" and the name of each family.
    """
    errors = absolute_errors(predicted, true)
    names = np.asarray(families)
    summary = {"mae": float(errors.mean()), "mae_scored": mae(predicted, true, SCORED)}
    return summary | {str(f): float(errors[names == f].mean()) for f in sorted(set(families))}
