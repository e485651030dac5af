"""The simulator as a function that torch differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.operator import Linearization


class Operator(Protocol):
    """Gathers of maps, and once they are made, their Jacobian's products from both sides."""

    def simulate(self, velocity: Tensor, vmin: Tensor | None, keep: bool) -> Tensor:
        """Make the gathers; `keep` what `vjp` needs."""

    def jvp(self, direction: Tensor, vmin_direction: Tensor | None) -> Tensor:
        """Change of the gathers along a change of the maps and of the sponges' velocities."""

    def vjp(self, residual: Tensor) -> Tensor:
        """Gradient with respect to the maps."""

    def vmin_vjp(self, residual: Tensor) -> Tensor:
        """Gradient with respect to the sponges' velocities."""


def simulate_tensor(
    velocity: Tensor,
    vmin: Any,
    geometry: AcquisitionGeometry,
    threads: int | None,
    memory: float,
    on_sample: Callable[[int], None] | None,
) -> Tensor:
    """Simulate a tensor of maps; the arguments are those of `fwi.simulate`.

    Maps on the processor go through the compiled kernel, others through torch operations on their
    device, whose samples are all reported at the end.
    """
    vmin = None if vmin is None else torch.as_tensor(vmin)
    if has_kernel(velocity.device):
        return differentiable(velocity, vmin, _Kernel(geometry, threads, memory, on_sample))
    from fwi.physics.dense.operator import simulate_dense

    gathers = simulate_dense(velocity, vmin, geometry, memory)
    if on_sample is not None:
        for sample in range(len(velocity)):
            on_sample(sample)
    return gathers


def has_kernel(device: torch.device) -> bool:
    """Say whether the compiled kernel runs on a device."""
    return device.type == "cpu"


def differentiable(velocity: Tensor, vmin: Tensor | None, operator: Operator) -> Tensor:
    """Make gathers whose derivatives are the operator's.

    Args:
        velocity: maps (B, nz, nx), m/s.
        vmin: velocities of the sponges, (B,), m/s, or None.
        operator: a new one, which makes the gathers and then their derivatives.

    Returns:
        Gathers (B, S, T, R).
    """
    keep = torch.is_grad_enabled() and velocity.requires_grad
    return _Simulate.apply(velocity, vmin, operator, keep)


class _Simulate(torch.autograd.Function):
    """Gathers of maps; the derivatives come from an operator."""

    @staticmethod
    def forward(velocity: Tensor, vmin: Tensor | None, operator: Operator, keep: bool) -> Tensor:
        return operator.simulate(velocity.detach(), None if vmin is None else vmin.detach(), keep)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        velocity, vmin, operator, _ = inputs
        # Torch lets go of saved tensors after backward, and says so to a second one. The operator,
        # with its wavefields, goes with the tensor that carries it.
        carrier: Any = torch.empty(0)
        carrier.operator = operator
        ctx.save_for_backward(carrier)
        ctx.save_for_forward(carrier)
        ctx.still = torch.zeros_like(velocity, requires_grad=False)
        ctx.places = [None if x is None else (x.device, x.dtype) for x in (velocity, vmin)]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, residual: Tensor) -> tuple[Tensor | None, ...]:
        operator: Operator = ctx.saved_tensors[0].operator
        wants_map, wants_vmin = ctx.needs_input_grad[:2]
        gradient = of_vmin = None
        if wants_map:
            gradient = _Product.apply(operator.vjp, residual).to(*ctx.places[0])
        if wants_vmin:
            of_vmin = _Product.apply(operator.vmin_vjp, residual).to(*ctx.places[1])
        return gradient, of_vmin, None, None

    @staticmethod
    def jvp(ctx: Any, direction: Tensor | None, vmin_direction: Tensor | None, *_: None) -> Tensor:
        operator: Operator = ctx.saved_tensors[0].operator
        direction = ctx.still if direction is None else direction
        return _Product.apply(operator.jvp, direction, vmin_direction)


class _Product(torch.autograd.Function):
    """A product with the Jacobian. To a function of its own torch.func gives plain tensors."""

    @staticmethod
    def forward(product: Callable[..., Tensor], *vectors: Tensor | None) -> Tensor:
        return product(*(None if vector is None else vector.detach() for vector in vectors))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep nothing: there is no second derivative."""


class _Kernel:
    """The compiled kernel, from tensors to tensors."""

    def __init__(
        self,
        geometry: AcquisitionGeometry,
        threads: int | None,
        memory: float,
        on_sample: Callable[[int], None] | None,
    ) -> None:
        self._geometry, self._threads = geometry, threads
        self._memory, self._on_sample = memory, on_sample
        self._linear: Linearization

    def simulate(self, velocity: Tensor, vmin: Tensor | None, keep: bool) -> Tensor:
        from fwi.physics.simulator import linearize

        self._linear = linearize(
            velocity.numpy(),
            self._geometry,
            vmin=None if vmin is None else vmin.cpu().numpy(),
            threads=self._threads,
            memory=self._memory if keep else None,
            on_sample=self._on_sample,
        )
        return torch.from_numpy(self._linear.gathers)

    def jvp(self, direction: Tensor, vmin_direction: Tensor | None) -> Tensor:
        rates = None if vmin_direction is None else vmin_direction.cpu().numpy()
        return torch.from_numpy(self._linear.jvp(direction.numpy(), rates))

    def vjp(self, residual: Tensor) -> Tensor:
        return torch.from_numpy(self._linear.vjp(residual.numpy()))

    def vmin_vjp(self, residual: Tensor) -> Tensor:
        return torch.from_numpy(self._linear.vmin_vjp(residual.numpy()))
