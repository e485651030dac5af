"""The damping strip around the map."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fwi.geometry import AcquisitionGeometry


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


def step_damping(
    vmin: float, geometry: AcquisitionGeometry
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Damping of a step, k = D dt, along either axis of the padded grid.

    Strips left and right cover the full height: in their columns the second profile holds, in the
    map's columns the first one.

    Args:
        vmin: smallest velocity of the map, m/s.
        geometry: grid and time step.

    Returns:
        k by row, (nz + 2 width,), and by column, (nx + 2 width,); 0 in the map.
    """
    strip = damping(vmin, geometry.dx, geometry.sponge_width) * geometry.dt
    by_row, by_column = (
        np.concatenate([strip[::-1], np.zeros(cells), strip])
        for cells in (geometry.nz, geometry.nx)
    )
    return by_row, by_column
