"""Gathers small enough for regressions: the features of every baseline."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array

_TIME_BIN, _RECEIVER_BIN = 20, 5


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


def flat(samples: Array) -> Array:
    """Give every sample's values in a row, (B, F)."""
    return samples.reshape(len(samples), -1)
