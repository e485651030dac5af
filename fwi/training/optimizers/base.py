"""Optimizers by name: from a network to what moves its weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from fwi.config import Choice
from fwi.registry import Registry

OPTIMIZERS: Registry[Callable[..., torch.optim.Optimizer]] = Registry("optimizer")
register_optimizer = OPTIMIZERS.register


def create_optimizer(
    choice: Choice, model: nn.Module, lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Build the optimizer that an experiment chooses.

    Args:
        choice: name and options.
        model: whose parameters are moved.
        lr: learning rate until a schedule sets another.
        weight_decay: as the optimizer defines it.

    Returns:
        An optimizer whose `step` takes a closure; it may call it more than once.

    Raises:
        KeyError: if it is unknown; it names the nearest.
        TypeError: if an option is.
        ValueError: if an option's value does not fit.
    """
    made: torch.optim.Optimizer = OPTIMIZERS.build(
        choice.name, model, lr, weight_decay, **choice.options
    )
    return made
