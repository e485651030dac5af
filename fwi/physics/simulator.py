"""Velocity maps in, shot gathers out, and their derivative."""

from __future__ import annotations

from typing import Any

from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.engines import ENGINES
from fwi.physics.intake import check_settings, is_tensor, maps_of, numbers, warn_of_maps
from fwi.physics.operator import MEMORY, OnSample, Operator
from fwi.physics.scheme.maps import check_maps

__all__ = ["MEMORY", "check_maps", "linearize", "simulate"]


def simulate(
    velocity: Any,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    vmin: Any = None,
    engine: str = "auto",
    threads: int | None = None,
    memory: float = MEMORY,
    on_sample: OnSample | None = None,
) -> Any:
    """Solve the acoustic wave equation for every map and shot.

    The scheme is that of the OpenFWI data, to rounding: fourth order in space, second in time,
    a sponge around the map (docs/physics.md).

    Args:
        velocity: P-wave velocity (B, Z, X) or (B, 1, Z, X), m/s, strictly positive; a NumPy array,
            what makes one, or a torch tensor. A tensor's gathers can be differentiated, backward
            and forward: exactly the derivative of the discrete scheme. Whole numbers are taken as
            float32.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one, a constant in the derivative. A tensor gets a gradient of its own.
        engine: as in `linearize`.
        threads: shots computed at once; by default one for each processor of this process.
        memory: most MB that a sample holds for its gradient; less is slower. Without a gradient
            nothing is held.
        on_sample: called with the sample's index as each one is finished, in order.

    Returns:
        Gathers (B, S, T, R): float64 for float64 maps, float32 otherwise; a torch tensor on the
        maps' device where they were one.

    Raises:
        ValueError: if the shape or a value does not fit, the time step is unstable, or the
            memory is too small.
        TypeError: if the maps are not numbers.
        KeyError: if there is no such engine.

    Warns:
        UnusualInput: if velocities lie outside 300 to 10,000 m/s, or the grid has fewer than four
            points in the shortest wavelength at the wavelet's peak.
    """

    def make(maps: Any, sponge: Any, keep: bool) -> Operator:
        return linearize(
            maps, geometry, vmin=sponge, engine=engine, threads=threads,
            memory=memory if keep else None, on_sample=on_sample,
        )  # fmt: skip

    if not is_tensor(velocity):
        return make(velocity, vmin, keep=False).gathers
    from fwi.physics.autograd import differentiable

    return differentiable(maps_of(velocity), vmin, make)


def linearize(
    velocity: Any,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    vmin: Any = None,
    engine: str = "auto",
    threads: int | None = None,
    memory: float | None = MEMORY,
    on_sample: OnSample | None = None,
) -> Operator:
    """Simulate maps, and keep what derivatives of their gathers need.

    Args:
        velocity: as in `simulate`; a NumPy array makes an operator of NumPy arrays, a torch
            tensor one of tensors on its device. It does not take part in torch's graph.
        geometry: sources, receivers, grid and time axis.
        vmin: as in `simulate`.
        engine: "kernel", compiled for the processor; "dense", torch operations on the maps'
            device; "auto", the one of these two that suits the device; or "surrogate", which is
            faster and not exact (docs/physics.md). Maps elsewhere are copied to the processor
            and results back where an engine needs it.
        threads: shots computed at once; by default one for each processor of this process.
            Torch operations have threads of their own.
        memory: most MB of wavefields that a sample keeps for `vjp`, some of which it needs to run
            the shots again, backward; less is slower. They are held as long as the operator is.
            None keeps nothing: enough for `gathers` and `jvp`, which runs the shots anew.
        on_sample: as in `simulate`.

    Returns:
        The gathers, and their Jacobian's products with vectors from both sides.

    Raises:
        ValueError: as `simulate` does.
        TypeError: likewise.
        KeyError: likewise.
    """
    linear = ENGINES[engine]
    check_settings(geometry, threads, memory, on_sample)
    maps = maps_of(velocity)
    vmin = None if vmin is None else numbers("vmin", vmin)
    warn_of_maps(maps, geometry)
    return linear(maps, geometry, vmin=vmin, threads=threads, memory=memory, on_sample=on_sample)
