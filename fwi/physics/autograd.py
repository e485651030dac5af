"""Any operator as a function that torch differentiates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fwi.physics.operator import Operator

# Of maps, the velocities of their sponges or None, and whether to keep what `vjp` needs.
Factory = Callable[[Tensor, Tensor | None, bool], Operator]


def differentiable(velocity: Tensor, vmin: Any, make: Factory) -> Tensor:
    """Make gathers whose derivatives are an operator's.

    Args:
        velocity: maps (B, nz, nx), m/s.
        vmin: velocities of the sponges, (B,), m/s, or None.
        make: makes the operator, of tensors.

    Returns:
        Gathers (B, S, T, R).
    """
    vmin = None if vmin is None else torch.as_tensor(vmin)
    keep = torch.is_grad_enabled() and velocity.requires_grad
    return _Simulate.apply(velocity, vmin, make, keep, _Made())


class _Made:
    """What one call makes: torch hands it on as it is, where it would copy a list."""

    operator: Operator


class _Simulate(torch.autograd.Function):
    """Gathers of maps; the derivatives come from an operator.

    It is made in `forward`, the one place where torch.func gives plain tensors, and goes on to
    `setup_context`, which torch.func may call several times.
    """

    @staticmethod
    def forward(
        velocity: Tensor, vmin: Tensor | None, make: Factory, keep: bool, made: _Made
    ) -> Tensor:
        vmin = None if vmin is None else vmin.detach()
        made.operator = make(velocity.detach(), vmin, keep)
        # The operator is held by the graph of what is returned: it must not hold that in turn.
        return made.operator.gathers.detach()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        velocity, vmin, _, _, made = inputs
        # Torch lets go of saved tensors after backward, and says so to a second one. The operator,
        # with its wavefields, goes with the tensor that carries it.
        carrier: Any = torch.empty(0)
        carrier.operator = made.operator
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
        return gradient, of_vmin, None, None, None

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
