"""What the statistics take for maps."""

import numpy as np
import numpy.typing as npt

from fwi.checks import check_finite
from fwi.families.registry import Field

STEP = 30.0  # m/s; a smaller change is faint: a mark in a layer, no interface


def as_maps(maps: npt.ArrayLike) -> Field:
    """Check velocity maps (n, nz, nx), m/s, and give them as float64.

    Raises:
        TypeError: if they are no real numbers.
        ValueError: if their shape is another, or a value is NaN or infinite.
    """
    array = np.asarray(maps)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"maps must hold numbers, got {array.dtype}; give velocities in m/s")
    if array.ndim != 3 or array.shape[0] < 1 or min(array.shape[1:]) < 2:
        fix = "; add a batch axis" if array.ndim == 2 else ""
        raise ValueError(f"maps must be (n, nz, nx) of 2 x 2 cells or more, got {array.shape}{fix}")
    array = array.astype(np.float64)
    check_finite("maps", array)
    return array
