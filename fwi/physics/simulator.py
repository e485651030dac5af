"""Velocity maps in, shot gathers out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape, check_velocity
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.operator import Linearization, available_threads
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import check_stable

MEMORY = 200.0  # MB that a sample may hold between its gathers and their gradient


def simulate(
    velocity: Any,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    vmin: Any = None,
    threads: int | None = None,
    memory: float = MEMORY,
    on_sample: Callable[[int], None] | None = None,
) -> Any:
    """Solve the acoustic wave equation for every map and shot.

    The scheme is that of the OpenFWI data, to rounding: fourth order in space, second in time,
    a sponge around the map (docs/physics.md).

    Args:
        velocity: P-wave velocity (B, Z, X), m/s, strictly positive; a NumPy array or a torch
            tensor. A tensor's gathers can be differentiated, backward and forward: exactly the
            derivative of the discrete scheme.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one, a constant in the derivative. A tensor gets a gradient of its own.
        threads: shots computed at once; by default one for each processor of this process.
        memory: most MB that a sample holds for its gradient; less is slower.
        on_sample: called with the sample's index as each one is finished, in order.

    Returns:
        Gathers (B, S, T, R): float64 for float64 maps, float32 otherwise; a torch tensor where
        the maps were one.

    Raises:
        ValueError: if the shape or a value does not fit, the time step is unstable, or the
            memory is too small.
        TypeError: if the maps are not floating.
    """
    if not isinstance(velocity, np.ndarray) and hasattr(velocity, "detach"):
        from fwi.physics.autograd import simulate_tensor

        return simulate_tensor(velocity, vmin, geometry, threads, memory, on_sample)
    return linearize(velocity, geometry, vmin=vmin, threads=threads, on_sample=on_sample).gathers


def linearize(
    velocity: Array,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    vmin: Array | None = None,
    threads: int | None = None,
    memory: float | None = None,
    on_sample: Callable[[int], None] | None = None,
) -> Linearization:
    """Simulate, and keep what derivatives of the gathers need.

    Args:
        velocity: as in `simulate`, a NumPy array.
        geometry: sources, receivers, grid and time axis.
        vmin: as in `simulate`.
        threads: as in `simulate`.
        memory: most MB that a sample holds for `vjp`; None keeps nothing for it.
        on_sample: as in `simulate`.

    Returns:
        The gathers, and their Jacobian's products with vectors from both sides.

    Raises:
        ValueError: as `simulate` does.
        TypeError: likewise.
    """
    velocity = np.asarray(velocity)
    lowest = check_maps(velocity, vmin, geometry)
    dtype = np.dtype(np.float64 if velocity.dtype == np.float64 else np.float32)
    maps = velocity.astype(np.float64)
    threads = threads or available_threads()
    return Linearization(maps, lowest, geometry, dtype, threads, memory, on_sample)


def check_maps(
    velocity: Array,
    vmin: Array | None,
    geometry: AcquisitionGeometry,
    name: str = "velocity",
) -> Array:
    """Check what is simulated, and find the velocity of each map's sponge, (B,) float64.

    Args:
        velocity: as in `simulate`, a NumPy array.
        vmin: as in `simulate`.
        geometry: grid and time step.
        name: what an error calls the maps.

    Raises:
        ValueError: if the shape or a value does not fit, or the time step is unstable.
        TypeError: if the maps are not floating.
    """
    check_velocity(velocity, geometry.nz, geometry.nx, name)
    lowest = _lowest(velocity, vmin)
    for one, low in zip(velocity, lowest, strict=True):
        strongest = float(damping(float(low), geometry.dx, geometry.sponge_width)[-1])
        check_stable(float(one.max()), geometry.dx, geometry.dt, strongest)
    return lowest


def _lowest(velocity: Array, vmin: Array | None) -> Array:
    if vmin is None:
        return velocity.min((1, 2)).astype(np.float64)
    lowest = np.asarray(vmin, np.float64)
    check_shape("vmin", lowest, (len(velocity),))
    check_finite("vmin", lowest)
    if not (lowest > 0).all():
        raise ValueError(f"vmin must be positive, in m/s, got a minimum of {lowest.min():g}")
    return lowest
