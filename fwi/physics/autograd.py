"""The simulator as a function that torch differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from fwi.geometry import AcquisitionGeometry
from fwi.physics.linearize import Linearization


def simulate_tensor(
    velocity: torch.Tensor,
    vmin: torch.Tensor | None,
    geometry: AcquisitionGeometry,
    threads: int | None,
    memory: float,
    on_sample: Callable[[int], None] | None,
) -> torch.Tensor:
    """Simulate a tensor of maps; the arguments are those of `fwi.simulate`."""
    return _Simulate.apply(velocity, vmin, geometry, threads, memory, on_sample)


class _Simulate(torch.autograd.Function):
    """Gathers of maps; the derivatives come from the compiled adjoint and tangent."""

    @staticmethod
    def forward(
        ctx: Any,
        velocity: torch.Tensor,
        vmin: torch.Tensor | None,
        geometry: AcquisitionGeometry,
        threads: int | None,
        memory: float,
        on_sample: Callable[[int], None] | None,
    ) -> torch.Tensor:
        from fwi.physics.simulator import linearize

        ctx.linear = linearize(
            _numpy(velocity),
            geometry,
            vmin=None if vmin is None else _numpy(vmin),
            threads=threads,
            memory=memory if ctx.needs_input_grad[0] else None,
            on_sample=on_sample,
        )
        ctx.like = velocity
        return torch.from_numpy(ctx.linear.gathers)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, residual: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        linear: Linearization = ctx.linear
        wants_map, wants_vmin = ctx.needs_input_grad[:2]
        gradient = torch.from_numpy(linear.vjp(_numpy(residual))) if wants_map else None
        of_vmin = torch.from_numpy(linear.vmin_vjp(_numpy(residual))) if wants_vmin else None
        return _as(gradient, ctx.like), _as(of_vmin, ctx.like), None, None, None, None

    @staticmethod
    def jvp(
        ctx: Any, direction: torch.Tensor | None, vmin_direction: torch.Tensor | None, *_: None
    ) -> torch.Tensor:
        linear: Linearization = ctx.linear
        still = torch.zeros_like(ctx.like)
        along = _numpy(still if direction is None else direction)
        rates = None if vmin_direction is None else _numpy(vmin_direction)
        return torch.from_numpy(linear.jvp(along, rates))


def _numpy(tensor: torch.Tensor) -> Any:
    return tensor.detach().cpu().numpy()


def _as(gradient: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor | None:
    return None if gradient is None else gradient.to(like)
