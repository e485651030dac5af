"""Gathers small enough for regressions: the features of every baseline."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_gathers
from fwi.core.arrays import check_array

_TIME_BIN, _RECEIVER_BIN = 20, 5


def reduce_gathers(gathers: Array) -> Array:
    """Average gathers over bins of 20 samples and 5 receivers.

    Args:
        gathers: (B, S, T, R), T and R at least a bin; what does not fill a bin is cut off.

    Returns:
        (B, S, T // 20, R // 5) float32.

    Raises:
        ValueError: if the shape does not fit, or a value is not finite.
        TypeError: if they are no floating numbers.
    """
    check_array("gathers", gathers)
    check_gathers(gathers, None, None, None)
    if gathers.shape[2] < _TIME_BIN or gathers.shape[3] < _RECEIVER_BIN:
        raise ValueError(
            f"gathers must have {_TIME_BIN} samples and {_RECEIVER_BIN} receivers or more, "
            f"got {gathers.shape}; nothing smaller can be averaged"
        )
    b, s, t, r = gathers.shape
    t, r = t // _TIME_BIN, r // _RECEIVER_BIN
    cut = gathers[:, :, : t * _TIME_BIN, : r * _RECEIVER_BIN].astype(np.float32)
    return cut.reshape(b, s, t, _TIME_BIN, r, _RECEIVER_BIN).mean(axis=(3, 5))


def flat(samples: Array) -> Array:
    """Give every sample's values in a row, (B, F)."""
    return samples.reshape(len(samples), -1)
