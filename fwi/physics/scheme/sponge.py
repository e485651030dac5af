"""The damping strip around the map."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def damping(vmin: float, dx: float, width: int) -> npt.NDArray[np.float64]:
    """Damping rate of the strip, D(i) = 3 vmin ln(1e7) / (2 A) (i dx / A)^2, A = (width - 1) dx.

    Args:
        vmin: smallest velocity of the map, m/s.
        dx: cell size, m.
        width: cells of the strip.

    Returns:
        D, (width,), 1/s, outward from the map's edge; the first cell is not damped.

    Source:
        The OpenFWI data's operator (docs/physics.md).
    """
    thickness = (width - 1) * dx
    ratio = np.arange(width, dtype=np.float64) * dx / thickness
    return 3 * vmin * math.log(1e7) / (2 * thickness) * ratio**2
