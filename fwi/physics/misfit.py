"""What a map leaves unexplained of the observed gathers."""

from __future__ import annotations

from typing import Any

from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.physics.simulator import simulate

_GEOMETRIES = (OPENFWI, OPENFWI_SIX_SHOTS)


def residual(velocity: Any, gathers: Any) -> Any:
    """Simulate maps and subtract the observed gathers: predicted - observed.

    Args:
        velocity: (B, 70, 70), m/s, strictly positive; a NumPy array or a torch tensor.
        gathers: observed, (B, S, 1000, 70) with OpenFWI's 5 or 6 shots; likewise.

    Returns:
        The residual (B, S, 1000, 70), float32 where the maps are.

    Raises:
        ValueError: if the shapes do not fit, or the maps cannot be simulated.
    """
    geometry = geometry_of(gathers)
    return simulate(velocity, geometry) - gathers


def geometry_of(gathers: Any) -> AcquisitionGeometry:
    """Find OpenFWI's geometry of five or six shots that recorded gathers (B, S, T, R).

    Raises:
        ValueError: if neither did.
    """
    shape = tuple(gathers.shape[1:])
    for geometry in _GEOMETRIES:
        if geometry.gather_shape == shape:
            return geometry
    raise ValueError(
        f"gathers must be (B, 5, 1000, 70) or (B, 6, 1000, 70), so that maps can be compared with "
        f"them, got {tuple(gathers.shape)}; give the geometry, or use a network that needs no "
        "simulator"
    )
