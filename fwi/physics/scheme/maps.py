"""What the scheme asks of velocity maps, and what it reads off them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape, check_velocity
from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import check_stable


def check_maps(
    velocity: Array,
    vmin: Array | None,
    geometry: AcquisitionGeometry,
    name: str = "velocity",
) -> Array:
    """Check what is simulated, and find the velocity of each map's sponge, (B,) float64.

    Args:
        velocity: maps (B, nz, nx), m/s.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one.
        geometry: grid and time step.
        name: what an error calls the maps.

    Raises:
        ValueError: if the shape or a value does not fit, or the time step is unstable.
        TypeError: if the maps are not floating.
    """
    check_velocity(velocity, geometry.nz, geometry.nx, name)
    lowest = sponge_velocity(velocity, vmin)
    for one, low in zip(velocity, lowest, strict=True):
        strongest = float(damping(float(low), geometry.dx, geometry.sponge_width)[-1])
        check_stable(float(one.max()), geometry.dx, geometry.dt, strongest)
    return lowest


def sponge_velocity(velocity: Array, vmin: Array | None) -> Array:
    """Give the velocity that each map's sponge is made for, (B,) float64, m/s.

    Raises:
        ValueError: if `vmin` is not a positive number for each map.
    """
    if vmin is None:
        return velocity.min((1, 2)).astype(np.float64)
    lowest = np.asarray(vmin, np.float64)
    check_shape("vmin", lowest, (len(velocity),))
    check_finite("vmin", lowest)
    if not (lowest > 0).all():
        raise ValueError(f"vmin must be positive, in m/s, got a minimum of {lowest.min():g}")
    return lowest


def run_dtype(velocity: Array) -> np.dtype[Any]:
    """What maps are simulated in: float64 where they are float64, float32 otherwise."""
    return np.dtype(np.float64 if velocity.dtype == np.float64 else np.float32)


def squared_courant(velocity: Array, geometry: AcquisitionGeometry) -> Array:
    """The scheme's factor a = (v dt / dx)^2 of each cell."""
    return (velocity * geometry.dt / geometry.dx) ** 2


def squared_courant_change(
    velocity: Array, direction: Array, geometry: AcquisitionGeometry
) -> Array:
    """Change of a along a change of the velocity, 2 v dv (dt / dx)^2."""
    return 2 * velocity * direction * (geometry.dt / geometry.dx) ** 2


def gradient_of_image(image: Array, velocity: Array, geometry: AcquisitionGeometry) -> Array:
    """Gradient with respect to the velocity, of the sum over time of mu a L p in each cell.

    dJ/da is that sum over a^2, and da/dv = 2 a / v.
    """
    return 2 * image / (squared_courant(velocity, geometry) * velocity)
