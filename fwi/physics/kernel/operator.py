"""A batch of maps simulated over threads, and the derivative of its gathers both ways."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.shot import Checkpoints, Medium, backward, forward, stretches, tangent
from fwi.physics.scheme.sponge import damping

_USUAL, _MOST = 128, 256  # steps between two checkpoints: copies cost time
# Undoing a step divides by 1 - k, and what rounding has left grows as much: most in a strip's last
# cell, where the slowest wave has a fiftieth of its amplitude left. With growth by 500 float32
# gradients of generated maps lie 1 to 7e-6 from float64's.
_GROWTH = 500.0


def available_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Linearization:
    """Gathers of a batch of maps, and their Jacobian J as an operator.

    Attributes:
        gathers: (B, S, T, R) of the maps.

    Args:
        velocity: checked maps, (B, nz, nx) float64, m/s.
        vmin: the velocity of each map's sponge, (B,), m/s.
        geometry: sources, receivers, grid and time axis.
        dtype: float32 or float64, that of the runs.
        threads: shots computed at once.
        memory: most MB to hold for a sample between its gathers and `vjp`; None keeps nothing,
            and `vjp` cannot be called.
        on_sample: called with the sample's index as each one's gathers are finished, in order.

    Raises:
        ValueError: if `memory` is too small for the geometry.
    """

    def __init__(
        self,
        velocity: Array,
        vmin: Array,
        geometry: AcquisitionGeometry,
        dtype: Any,
        threads: int,
        memory: float | None = None,
        on_sample: Callable[[int], None] | None = None,
    ) -> None:
        self._geometry, self._threads = geometry, threads
        self._shots = range(len(geometry.source_x))
        self.gathers = np.empty((len(velocity), *geometry.gather_shape), dtype)
        with workers(threads) as pool:
            jobs = [
                pool.submit(Medium.lay_out, one, geometry, float(low), dtype)
                for one, low in zip(velocity, vmin, strict=True)
            ]
            self._media = [job.result() for job in jobs]
            self._every = None if memory is None else self._spacing(memory)
            self._checkpoints = [self._make_room(medium) for medium in self._media]
            runs = [
                [pool.submit(forward, m, s, g[s], c[s]) for s in self._shots]
                for m, g, c in zip(self._media, self.gathers, self._checkpoints, strict=True)
            ]
            for i, sample in enumerate(runs):
                for run in sample:
                    run.result()
                if on_sample is not None:
                    on_sample(i)

    def jvp(self, direction: Array, vmin_direction: Array | None = None) -> Array:
        """Jacobian-vector product: the gathers' change along a change of the maps.

        Args:
            direction: (B, nz, nx), m/s.
            vmin_direction: change of the sponges' velocities, (B,), m/s.

        Returns:
            (B, S, T, R).
        """
        change = np.empty_like(self.gathers)
        rates = np.zeros(len(direction)) if vmin_direction is None else vmin_direction
        with workers(self._threads) as pool:
            jobs = [
                pool.submit(tangent, m, s, dv.astype(np.float64), float(rate) / m.vmin, c[s])
                for m, dv, rate, c in zip(self._media, direction, rates, change, strict=True)
                for s in self._shots
            ]
            for job in jobs:
                job.result()
        return change

    def vjp(self, residual: Array) -> Array:
        """Vector-Jacobian product: a misfit's gradient with respect to the maps.

        Args:
            residual: the misfit's gradient with respect to the gathers, (B, S, T, R).

        Returns:
            (B, nz, nx) float64.
        """
        if self._every is None:
            raise ValueError("memory must be given for vjp, got None; pass the MB for a sample")
        with workers(self._threads) as pool:
            jobs = [
                [pool.submit(backward, m, s, c[s], r[s]) for s in self._shots]
                for m, c, r in zip(self._media, self._checkpoints, residual, strict=True)
            ]
            return np.stack([sum(job.result() for job in sample) for sample in jobs])

    def vmin_vjp(self, residual: Array) -> Array:
        """A misfit's gradient with respect to the sponges' velocities, (B,) float64."""
        n = len(self._media)
        still = np.zeros((n, self._geometry.nz, self._geometry.nx))
        change = self.jvp(still, np.ones(n))
        return (change.astype(np.float64) * residual).sum((1, 2, 3))

    def _make_room(self, medium: Medium) -> list[Checkpoints]:
        """Plan each shot's checkpoints, in one piece of memory: the system maps it faster."""
        if self._every is None:
            return [[] for _ in self._shots]
        plans = [stretches(medium, shot, self._every) for shot in self._shots]
        sizes = [math.prod(part.shape) for plan in plans for part in plan]
        rooms = iter(np.split(np.empty(sum(sizes), self.gathers.dtype), np.cumsum(sizes)[:-1]))
        return [[(part, next(rooms).reshape(part.shape)) for part in plan] for plan in plans]

    def _spacing(self, memory: float) -> int:
        """Steps between two checkpoints."""
        most = self._longest_undo()
        pair = 2 * self._media[0].grid.size * self.gathers.itemsize * len(self._shots) / 1e6
        for steps in range(min(_USUAL, most), most + 1):
            if pair * math.ceil(self._geometry.nt / steps) <= memory:
                return steps
        raise ValueError(
            f"memory must be at least {math.ceil(pair * math.ceil(self._geometry.nt / most))} MB a "
            f"sample for this geometry and {len(self._shots)} shots, got {memory:g}; raise it, or "
            "simulate fewer shots at once, or widen the sponge"
        )

    def _longest_undo(self) -> int:
        """Most steps that can be undone before rounding has grown too much in the sponge.

        One can always be: its increments are read from its own checkpoint.
        """
        g, vmin = self._geometry, max(m.vmin for m in self._media)
        keep = 1 - float(damping(vmin, g.dx, g.sponge_width)[-1]) * g.dt
        if keep * _GROWTH <= 1:
            return 1
        return min(_MOST, int(math.log(_GROWTH) / -math.log(keep)))


@contextmanager
def workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop after the shots under way when something is raised."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        # On Ctrl-C only the shots under way are waited for, some 20 ms.
        pool.shutdown(cancel_futures=True)
