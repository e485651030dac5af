"""Sharpness-aware minimisation: the gradient where the loss nearby is worst."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from fwi.config import Choice
from fwi.training.optimizers.base import create_optimizer, register_optimizer

Closure = Callable[[], Any]


class SharpnessAware(torch.optim.Optimizer):
    """Moves weights w by another optimizer's rule along the gradient at w + e.

        SAM:  e = rho g / |g|
        ASAM: e = rho T^2 g / |T g|, T = |w| + eta, element by element

    The second pass leaves the statistics of batch normalisation as the first one made them: those
    of w, at which the network is used. Each step takes two passes, forward and backward.

    Args:
        base: the other optimizer, whose state this one's is.
        model: whose parameters are moved.
        rho: how far e goes, above 0.
        adaptive: ASAM, which does not change when weights of a layer are scaled.
        eta: of ASAM, at least 0.

    Raises:
        ValueError: if a number lies outside its range.

    Source:
        Foret et al., arXiv 2010.01412, eq. (2), p = 2; Kwon et al., arXiv 2102.11600, eq. (9).
    """

    def __init__(
        self,
        base: torch.optim.Optimizer,
        model: nn.Module,
        rho: float,
        adaptive: bool = False,
        eta: float = 0.01,
    ) -> None:
        if not rho > 0 or not eta >= 0:
            raise ValueError(f"rho must be above 0 and eta at least 0, got {rho:g} and {eta:g}")
        super().__init__(base.param_groups, base.defaults)
        self.base, self.model = base, model
        self.rho, self.adaptive, self.eta = rho, adaptive, eta
        self._share()

    def _share(self) -> None:
        """Hold the other optimizer's groups and state, so that a rate set here is set there."""
        self.param_groups, self.state = self.base.param_groups, self.base.state

    def state_dict(self) -> dict[str, Any]:
        """Give the other optimizer's state: this one has none between steps."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the other optimizer's state."""
        self.base.load_state_dict(state_dict)
        self._share()

    @torch.no_grad()
    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        """Take a step.

        Args:
            closure: gives the loss at the weights as they are, and fills their gradients.

        Returns:
            The loss at w, from before the step.
        """
        with torch.enable_grad():
            loss = closure()
        moved = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
        kept = [p.clone() for p in moved]
        self._climb(moved, [p.grad for p in moved if p.grad is not None])
        with torch.enable_grad(), frozen_statistics(self.model):
            closure()
        for parameter, value in zip(moved, kept, strict=True):
            parameter.copy_(value)
        self.base.step()
        return loss

    def _climb(self, moved: list[nn.Parameter], gradients: list[torch.Tensor]) -> None:
        """Go from w to w + e."""
        scales = [p.abs() + self.eta if self.adaptive else torch.ones_like(p) for p in moved]
        scaled = [t * g for t, g in zip(scales, gradients, strict=True)]
        lengths = torch.stack([torch.linalg.vector_norm(g.float()) for g in scaled])
        factor = self.rho / (torch.linalg.vector_norm(lengths) + 1e-12)  # at a minimum g is 0
        for parameter, scale, gradient in zip(moved, scales, scaled, strict=True):
            parameter.add_(scale * gradient * factor)


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Keep the running statistics of batch normalisation as they are; batches use their own."""
    tracking = [m for m in model.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    for module in tracking:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True


@register_optimizer("sam")
def sam(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    *,
    rho: float = 0.05,
    base: str = "adamw",
    base_options: dict[str, Any] | None = None,
) -> SharpnessAware:
    """Sharpness-aware minimisation over another optimizer, see `SharpnessAware`."""
    choice = Choice(name=base, options=base_options or {})
    return SharpnessAware(create_optimizer(choice, model, lr, weight_decay), model, rho)


@register_optimizer("asam")
def asam(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    *,
    rho: float = 0.5,
    eta: float = 0.01,
    base: str = "adamw",
    base_options: dict[str, Any] | None = None,
) -> SharpnessAware:
    """Adaptive sharpness-aware minimisation over another optimizer, see `SharpnessAware`."""
    choice = Choice(name=base, options=base_options or {})
    moved = create_optimizer(choice, model, lr, weight_decay)
    return SharpnessAware(moved, model, rho, adaptive=True, eta=eta)
