"""A cheap surrogate of the operator for inner loops: a thin absorbing layer for the wide sponge.

It is not the operator of the data: never use it where exactness is claimed. The map itself runs
the exact scheme, with the same source and record, but a convolutional PML of `width` cells with
zeros beyond it replaces the 120 damped cells and the wrap of docs/physics.md. What it solves is an
open earth, to 0.4 % of the record after 300 ms (relative L2). The data's sponge is not one: the
surrogate lacks what that throws back and wraps around, and so differs from `fwi.simulate` by 0.1 to
1.3 % of the whole gather and by 0.5 to 10 % after 300 ms (means of three maps of each family; on
single maps up to 2.2 and 26 %).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_velocity
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.grid import HALO
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.threads import available_threads, each_shot
from fwi.physics.kernel.windows import EPOCH
from fwi.physics.operator import (
    MEMORY,
    OnSample,
    check_directions,
    check_residual,
    nothing_kept,
)
from fwi.physics.scheme.maps import run_dtype, sponge_velocity
from fwi.physics.scheme.stability import check_stable
from fwi.physics.surrogate.profile import make_layer
from fwi.physics.surrogate.shot import backward, forward, tangent

# Chosen on generated maps of all families, seeds 100 and 101, against an open earth (a sponge of
# 400 cells). With 13 cells a map of 70 fills 96 columns: whole registers, with each layer in one.
WIDTH = 13
_STRETCH, _CHECKPOINTS = 8 * EPOCH, 32  # steps between two checkpoints, at least; the most of them


class SurrogateOperator:
    """The surrogate linearised about a batch of maps (`fwi.physics.operator.Operator`), in NumPy.

    Attributes:
        gathers: (B, S, T, R) of the maps.

    Args:
        velocity: maps (B, nz, nx), m/s, strictly positive.
        geometry: sources, receivers, grid and time axis; its sponge is not used.
        vmin: velocities of sponges, (B,), m/s. There are none, so that nothing depends on them:
            `vmin_vjp` is zero.
        threads: shots computed at once; by default one for each processor of this process.
        memory: most MB of wavefields that a sample holds between its gathers and `vjp` (one of
            OPENFWI in float32 needs 28 of them for the fastest); None keeps nothing, and `vjp`
            cannot be called.
        on_sample: called with the sample's index as each one's gathers are finished, in order.
        width: cells of the layers around the map.

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
        width: int = WIDTH,
    ) -> None:
        check_velocity(velocity, geometry.nz, geometry.nx)
        sponge_velocity(velocity, vmin)
        check_stable(float(velocity.max()), geometry.dx, geometry.dt)
        if width < HALO:
            raise ValueError(f"width must be at least {HALO} cells, got {width}")
        self._geometry, self._threads = geometry, threads or available_threads()
        self._shape, dtype = (len(velocity), len(geometry.source_x)), run_dtype(velocity)
        inner = replace(geometry, sponge_width=width)
        maps = velocity.astype(np.float64)
        # A sponge for a velocity of zero does not damp: the layers do.
        self._media = [KernelMedium.of_map(one, inner, 0.0, dtype) for one in maps]
        self._layer = make_layer(self._media[0].grid, inner)
        self.gathers = np.empty((len(maps), *geometry.gather_shape), dtype)
        self._every = every = None if memory is None else self._spacing(memory)
        self._checkpoints = each_shot(
            lambda i, s: forward(self._media[i], self._layer, s, self.gathers[i, s], every),
            *self._shape, self._threads, on_sample,
        )  # fmt: skip

    def jvp(self, direction: Array, vmin_direction: Array | None = None) -> Array:
        """Jacobian-vector product (`Operator.jvp`), (B, S, T, R)."""
        check_directions(direction, vmin_direction, self._shape[0], self._geometry)
        change, along = np.empty_like(self.gathers), direction.astype(np.float64)
        each_shot(
            lambda i, s: tangent(self._media[i], self._layer, s, along[i], change[i, s]),
            *self._shape, self._threads,
        )  # fmt: skip
        return change

    def vjp(self, residual: Array) -> Array:
        """Vector-Jacobian product (`Operator.vjp`), (B, nz, nx) float64."""
        if self._every is None:
            raise nothing_kept()
        check_residual(residual, self._shape[0], self._geometry)
        media, kept = self._media, self._checkpoints
        gradients = each_shot(
            lambda i, s: backward(media[i], self._layer, s, kept[i][s], residual[i, s]),
            *self._shape, self._threads,
        )  # fmt: skip
        return np.stack([sum(of_shots) for of_shots in gradients])

    def vmin_vjp(self, residual: Array) -> Array:
        """Gradient with respect to the velocities of sponges: there are none. Zeros, (B,)."""
        check_residual(residual, self._shape[0], self._geometry)
        return np.zeros(len(residual))

    def _spacing(self, memory: float) -> int:
        """Steps between two checkpoints, in whole epochs."""
        nt, shots = self._geometry.nt, self._shape[1]
        fields = 6 * self._media[0].grid.size * self.gathers.itemsize * shots / 1e6
        fewest = max(_STRETCH, -(-nt // (_CHECKPOINTS * EPOCH)) * EPOCH)
        for steps in range(fewest, fewest + nt, EPOCH):
            if fields * math.ceil(nt / steps) <= memory:
                return steps
        raise ValueError(
            f"memory must be at least {math.ceil(fields)} MB a sample for this geometry and "
            f"{shots} shots, got {memory:g}; raise it or use fewer shots"
        )
