"""What is known of a gather's errors before anything is fitted."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array

# The data's own rounding: float32 sums over a thousand steps, in units of the source (PHYSICS:
# 1e-5 to 3e-5 between float32 and float64 runs; 1e-5 was measured over a real gather).
ACCUMULATED = 1e-5


def rounding_noise(gathers: Array) -> Array:
    """Standard deviation of each sample's error from rounding.

    A value rounded to a spacing u is off by u / sqrt(12) in the root mean square.

    Args:
        gathers: of any shape; their dtype says how they were rounded. Other values than float16
            are taken for exact, but for the simulation's own rounding.

    Returns:
        The same shape, float64.
    """
    rounded = gathers.dtype == np.float16
    step = np.abs(np.spacing(gathers)).astype(np.float64) if rounded else np.zeros(gathers.shape)
    return np.sqrt(step**2 / 12 + ACCUMULATED**2)
