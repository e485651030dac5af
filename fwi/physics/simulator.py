"""Velocity maps in, shot gathers out."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.checks import check_velocity
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel import propagate
from fwi.physics.sponge import damping
from fwi.physics.stability import check_stable
from fwi.physics.wavelet import ricker

Array = npt.NDArray[Any]


def simulate(
    velocity: Array,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    threads: int | None = None,
    on_sample: Callable[[int], None] | None = None,
) -> Array:
    """Solve the acoustic wave equation for every map and shot.

    The scheme is that of the OpenFWI data, to rounding: fourth order in space, second in time,
    a sponge around the map (docs/physics.md).

    Args:
        velocity: P-wave velocity (B, Z, X), m/s, strictly positive; a NumPy array or a torch
            tensor on the CPU.
        geometry: sources, receivers, grid and time axis.
        threads: shots computed at once; by default one for each processor of this process.
        on_sample: called with the sample's index as each one is finished, in order.

    Returns:
        Gathers (B, S, T, R): float64 for float64 maps, float32 otherwise; a torch tensor where
        the maps were one.

    Raises:
        ValueError: if the shape or a value does not fit, or the time step is unstable.
        TypeError: if the maps are not floating, or are a tensor that wants a gradient.
    """
    if not isinstance(velocity, np.ndarray) and hasattr(velocity, "detach"):
        return _simulate_tensor(velocity, geometry, threads, on_sample)
    velocity = np.asarray(velocity)
    check_velocity(velocity, geometry.nz, geometry.nx)
    _check_stable(velocity, geometry)
    dtype = np.float64 if velocity.dtype == np.float64 else np.float32
    maps = velocity.astype(np.float64)
    gathers = np.empty((len(maps), *geometry.gather_shape), dtype)
    shots = range(len(geometry.source_x))
    pool = ThreadPoolExecutor(threads or available_threads())
    try:
        jobs = [
            [pool.submit(_run_shot, m, geometry, s, g[s]) for s in shots]
            for m, g in zip(maps, gathers, strict=True)
        ]
        for i, sample in enumerate(jobs):
            for job in sample:
                job.result()
            if on_sample is not None:
                on_sample(i)
    finally:
        # On Ctrl-C only the shots under way are waited for, some 20 ms.
        pool.shutdown(cancel_futures=True)
    return gathers


def available_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_stable(velocity: Array, geometry: AcquisitionGeometry) -> None:
    g = geometry
    for one in velocity:
        strongest = float(damping(float(one.min()), g.dx, g.sponge_width)[-1])
        check_stable(float(one.max()), g.dx, g.dt, strongest)


def _run_shot(velocity: Array, geometry: AcquisitionGeometry, shot: int, traces: Array) -> None:
    g = geometry
    source = (g.source_depth_idx, int(g.source_idx[shot]))
    wavelet = ricker(g.frequency, g.dt)[: g.nt]
    keep = 1 - damping(float(velocity.min()), g.dx, g.sponge_width) * g.dt
    propagate(
        ((velocity * g.dt / g.dx) ** 2).astype(traces.dtype),
        keep.astype(traces.dtype),
        float(velocity.max()) * g.dt / g.dx,
        source,
        ((velocity[source] * g.dt) ** 2 * wavelet).astype(traces.dtype),
        g.receiver_depth_idx,
        g.receiver_idx,
        traces,
    )


def _simulate_tensor(
    velocity: Any,
    geometry: AcquisitionGeometry,
    threads: int | None,
    on_sample: Callable[[int], None] | None,
) -> Any:
    import torch

    if velocity.requires_grad:
        raise TypeError(
            "velocity must not require a gradient: this simulator has none yet; detach() it"
        )
    maps = velocity.detach().cpu().numpy()
    gathers = simulate(maps, geometry, threads=threads, on_sample=on_sample)
    return torch.from_numpy(gathers).to(velocity.device)
