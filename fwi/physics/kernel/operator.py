"""The exact operator, by the compiled kernel over threads."""

from __future__ import annotations

import math

import numpy as np

from fwi.arrays import Array
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.shot import Checkpoints, backward, forward, stretches, tangent
from fwi.physics.kernel.threads import available_threads, each_shot, workers
from fwi.physics.operator import (
    MEMORY,
    OnSample,
    check_directions,
    check_residual,
    nothing_kept,
)
from fwi.physics.scheme.maps import check_maps, run_dtype
from fwi.physics.scheme.sponge import damping

_USUAL, _MOST = 128, 256  # steps between two checkpoints: copies cost time
# Undoing a step divides by 1 - k, and what rounding has left grows as much: most in a strip's last
# cell, where the slowest wave has a fiftieth of its amplitude left. With growth by 500 float32
# gradients of generated maps lie 1 to 7e-6 from float64's.
_GROWTH = 500.0


class KernelOperator:
    """The scheme linearised about a batch of maps (`fwi.physics.operator.Operator`), in NumPy.

    Attributes:
        gathers: (B, S, T, R) of the maps.

    Args:
        velocity: maps (B, nz, nx), m/s, strictly positive.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one.
        threads: shots computed at once; by default one for each processor of this process.
        memory: most MB of wavefields that a sample holds between its gathers and `vjp`; None
            keeps nothing, and `vjp` cannot be called.
        on_sample: called with the sample's index as each one's gathers are finished, in order.

    Raises:
        ValueError: if the shape or a value does not fit, the time step is unstable, or the
            memory is too small.
        TypeError: if the maps are not floating.
    """

    def __init__(
        self,
        velocity: Array,
        geometry: AcquisitionGeometry = OPENFWI,
        *,
        vmin: Array | None = None,
        threads: int | None = None,
        memory: float | None = MEMORY,
        on_sample: OnSample | None = None,
    ) -> None:
        lowest, dtype = check_maps(velocity, vmin, geometry), run_dtype(velocity)
        self._geometry, self._threads = geometry, threads or available_threads()
        self._shape = len(velocity), len(geometry.source_x)
        maps = velocity.astype(np.float64)
        with workers(self._threads) as pool:
            jobs = [
                pool.submit(KernelMedium.of_map, one, geometry, float(low), dtype)
                for one, low in zip(maps, lowest, strict=True)
            ]
            self._media = [job.result() for job in jobs]
        self.gathers = np.empty((len(velocity), *geometry.gather_shape), dtype)
        self._every = None if memory is None else self._spacing(memory)
        self._checkpoints = [self._make_room(medium) for medium in self._media]
        each_shot(
            lambda i, s: forward(self._media[i], s, self.gathers[i, s], self._checkpoints[i][s]),
            *self._shape, self._threads, on_sample,
        )  # fmt: skip

    def jvp(self, direction: Array, vmin_direction: Array | None = None) -> Array:
        """Jacobian-vector product (`Operator.jvp`), (B, S, T, R)."""
        check_directions(direction, vmin_direction, self._shape[0], self._geometry)
        change = np.empty_like(self.gathers)
        rates = np.zeros(len(direction)) if vmin_direction is None else vmin_direction
        along = direction.astype(np.float64)

        def work(i: int, s: int) -> None:
            medium = self._media[i]
            tangent(medium, s, along[i], float(rates[i]) / medium.vmin, change[i, s])

        each_shot(work, *self._shape, self._threads)
        return change

    def vjp(self, residual: Array) -> Array:
        """Vector-Jacobian product (`Operator.vjp`), (B, nz, nx) float64."""
        if self._every is None:
            raise nothing_kept()
        check_residual(residual, self._shape[0], self._geometry)
        gradients = each_shot(
            lambda i, s: backward(self._media[i], s, self._checkpoints[i][s], residual[i, s]),
            *self._shape, self._threads,
        )  # fmt: skip
        return np.stack([sum(of_shots) for of_shots in gradients])

    def vmin_vjp(self, residual: Array) -> Array:
        """Gradient with respect to the sponges' velocities (`Operator.vmin_vjp`), (B,) float64."""
        check_residual(residual, self._shape[0], self._geometry)
        batch = len(residual)
        still = np.zeros((batch, self._geometry.nz, self._geometry.nx))
        change = self.jvp(still, np.ones(batch))
        return (change.astype(np.float64) * residual).sum((1, 2, 3))

    def _make_room(self, medium: KernelMedium) -> list[Checkpoints]:
        """Plan each shot's checkpoints, in one piece of memory: the system maps it faster."""
        shots = range(self._shape[1])
        if self._every is None:
            return [[] for _ in shots]
        plans = [stretches(medium, shot, self._every) for shot in shots]
        sizes = [math.prod(part.shape) for plan in plans for part in plan]
        rooms = iter(np.split(np.empty(sum(sizes), self.gathers.dtype), np.cumsum(sizes)[:-1]))
        return [[(part, next(rooms).reshape(part.shape)) for part in plan] for plan in plans]

    def _spacing(self, memory: float) -> int:
        """Steps between two checkpoints."""
        most, shots = self._longest_undo(), self._shape[1]
        pair = 2 * self._media[0].grid.size * self.gathers.itemsize * shots / 1e6
        for steps in range(min(_USUAL, most), most + 1):
            if pair * math.ceil(self._geometry.nt / steps) <= memory:
                return steps
        raise ValueError(
            f"memory must be at least {math.ceil(pair * math.ceil(self._geometry.nt / most))} MB a "
            f"sample for this geometry and {shots} shots, got {memory:g}; raise it, or "
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
