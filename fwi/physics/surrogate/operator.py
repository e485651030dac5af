"""A cheap surrogate of the simulator for inner loops: a thin absorbing layer for the wide sponge.

It is not the operator of the data: never use it where exactness is claimed. The map itself runs
the exact scheme, with the same source and record, but a convolutional PML of `width` cells with
zeros beyond it replaces the 120 damped cells and the wrap of docs/physics.md. What it solves is an
open earth, to 0.4 % of the record after 300 ms (relative L2). The data's sponge is not one: the
surrogate lacks what that throws back and wraps around, and so differs from `fwi.simulate` by 0.1 to
1.3 % of the whole gather and by 0.5 to 10 % after 300 ms (means of three maps of each family; on
single maps up to 2.2 and 26 %).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from fwi.arrays import Array
from fwi.checks import check_velocity
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.grid import HALO
from fwi.physics.kernel.operator import available_threads, workers
from fwi.physics.kernel.shot import Medium
from fwi.physics.scheme.stability import check_stable
from fwi.physics.surrogate.shot import backward, forward, make_layer

# Chosen on generated maps of all families, seeds 100 and 101, against an open earth (a sponge of
# 400 cells). With 13 cells a map of 70 fills 96 columns: whole registers, with each layer in one.
WIDTH = 13


def simulate_surrogate(
    velocity: Any,
    geometry: AcquisitionGeometry = OPENFWI,
    *,
    width: int = WIDTH,
    threads: int | None = None,
) -> Any:
    """Approximate `fwi.simulate`, faster, with absorbing layers for the data's sponge.

    A surrogate: never used where exactness is claimed. For how far it is off, see the module.

    Args:
        velocity: P-wave velocity (B, Z, X), m/s, strictly positive; a NumPy array or a torch
            tensor, whose gathers can be differentiated: exactly the derivative of the surrogate.
        geometry: sources, receivers, grid and time axis; its sponge is not used.
        width: cells of the layers around the map.
        threads: shots computed at once; by default one for each processor of this process.

    Returns:
        Gathers (B, S, T, R): float64 for float64 maps, float32 otherwise; a torch tensor where
        the maps were one.

    Raises:
        ValueError: if the shape or a value does not fit, or the time step is unstable.
        TypeError: if the maps are not floating.
    """
    if isinstance(velocity, torch.Tensor):
        return _Surrogate.apply(velocity, geometry, width, threads)
    return Surrogate(velocity, geometry, width, threads).gathers


class Surrogate:
    """The surrogate's gathers of a batch of maps, and their Jacobian from the left.

    Attributes:
        gathers: (B, S, T, R).

    Args:
        velocity: (B, nz, nx), m/s.
        geometry: sources, receivers, grid and time axis.
        width: cells of the layers.
        threads: shots computed at once; None is one for each processor.
        keep: whether to keep what `vjp` needs: 28 MB a sample of OPENFWI in float32.

    Raises:
        ValueError: as `simulate_surrogate` does.
        TypeError: likewise.
    """

    def __init__(
        self,
        velocity: Array,
        geometry: AcquisitionGeometry = OPENFWI,
        width: int = WIDTH,
        threads: int | None = None,
        keep: bool = False,
    ) -> None:
        velocity = np.asarray(velocity)
        check_velocity(velocity, geometry.nz, geometry.nx)
        check_stable(float(velocity.max()), geometry.dx, geometry.dt)
        if width < HALO:
            raise ValueError(f"width must be at least {HALO} cells, got {width}")
        dtype = np.dtype(np.float64 if velocity.dtype == np.float64 else np.float32)
        inner = replace(geometry, sponge_width=width)
        self._threads, self._shots = threads or available_threads(), len(geometry.source_x)
        maps = velocity.astype(np.float64)
        # A sponge for a velocity of zero does not damp: the layers do.
        self._media = [Medium.lay_out(v, inner, 0.0, dtype) for v in maps]
        self._layer = make_layer(self._media[0].grid, inner)
        self.gathers = np.empty((len(maps), *geometry.gather_shape), dtype)
        jobs = [
            (medium, self._layer, shot, gather[shot], keep)
            for medium, gather in zip(self._media, self.gathers, strict=True)
            for shot in range(self._shots)
        ]
        with workers(self._threads) as pool:
            self._checkpoints = list(pool.map(forward, *zip(*jobs, strict=True)))

    def vjp(self, residual: Array) -> Array:
        """Vector-Jacobian product: a misfit's gradient with respect to the maps.

        Args:
            residual: the misfit's gradient with respect to the gathers, (B, S, T, R).

        Returns:
            (B, nz, nx) float64.
        """
        media = [medium for medium in self._media for _ in range(self._shots)]
        shots = [*range(self._shots)] * len(self._media)
        layers = [self._layer] * len(shots)
        lines = residual.reshape(-1, *residual.shape[2:])
        with workers(self._threads) as pool:
            gradients = [*pool.map(backward, media, layers, shots, self._checkpoints, lines)]
        return np.stack(gradients).reshape(len(residual), self._shots, *gradients[0].shape).sum(1)


class _Surrogate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        velocity: torch.Tensor,
        geometry: AcquisitionGeometry,
        width: int,
        threads: int | None,
    ) -> torch.Tensor:
        maps = velocity.detach().cpu().numpy()
        ctx.run = Surrogate(maps, geometry, width, threads, keep=ctx.needs_input_grad[0])
        ctx.like = velocity
        return torch.from_numpy(ctx.run.gathers).to(velocity.device)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, residual: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        gradient = ctx.run.vjp(residual.detach().cpu().numpy())
        return torch.from_numpy(gradient).to(ctx.like), None, None, None
