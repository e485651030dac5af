"""How weights are moved: what `fwi.core.recipe` is to the from-scratch core."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from fwi.config import TrainConfig
from fwi.inference.precision import Precision, choose_precision
from fwi.schedules import Schedule, create_schedule
from fwi.training.optimizers import create_optimizer

Clip = Callable[[nn.Module], Any]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        optimizer: of the network's parameters. Its step is given a closure that it may call more
            than once, each time for the loss and its gradients at the weights of that moment.
        schedule: learning rate of a step, from 0, and momentum; the optimizer's own if None.
        clip: changes a network's gradients before they are used; nothing does if None.
        precision: of the forward pass.
    """

    optimizer: torch.optim.Optimizer
    schedule: Schedule | None = None
    clip: Clip | None = None
    precision: Precision = "float32"

    def set_rate(self, step: int) -> float:
        """Give the optimizer the learning rate and momentum of a step, and tell the rate."""
        groups = self.optimizer.param_groups
        if self.schedule is None:
            return float(groups[0]["lr"])
        rate, momentum = self.schedule.rate(step), self.schedule.momentum
        for group in groups:
            group["lr"] = rate * group.get("lr_scale", 1.0)  # of timm's layer-wise decay
            if momentum is not None:
                _set_momentum(group, momentum(step))
        return rate


def recipe_of(train: TrainConfig, model: nn.Module, total: int, device: torch.device) -> Recipe:
    """Build the recipe of an experiment.

    Args:
        train: reads `optimizer`, `schedule`, `lr`, `warmup`, `weight_decay`, `clip_norm` and
            `precision`.
        model: whose parameters are moved, on the device.
        total: steps of the whole fit.
        device: where the network runs.

    Raises:
        KeyError: if the optimizer or the schedule is unknown; it names the nearest.
        TypeError: if an option is.
        ValueError: if an option's value does not fit.
    """
    chosen = train.schedule
    recipe = Recipe(
        create_optimizer(train.optimizer, model, train.lr, train.weight_decay),
        create_schedule(chosen.name, total, train.lr, train.warmup, chosen.options),
        partial(clip_norm, longest=train.clip_norm),
        choose_precision(train.precision, device),
    )
    recipe.set_rate(0)  # a schedule that does not fit the optimizer is refused before the fit
    return recipe


def _set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set what an optimizer calls its momentum: of that name, the first of its betas, or both."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    if "momentum" in group:
        group["momentum"] = momentum
    if not {"betas", "momentum"} & group.keys():
        raise ValueError(
            "the option momentum of train.schedule needs an optimizer with one, got none; leave "
            "it out"
        )


def check_rates(train: TrainConfig) -> None:
    """Refuse a recipe by which no weight stays finite.

    Raises:
        ValueError: if one of its numbers is none, or infinite.
    """
    for name in ("lr", "weight_decay", "clip_norm", "ema_decay", "warmup"):
        number = getattr(train, name)
        if number is None:
            continue
        # The longest gradient alone may be infinite: nothing is clipped then.
        if math.isnan(number) or (math.isinf(number) and name != "clip_norm"):
            raise ValueError(f"train.{name} must be finite, got {number}; leave it at its default")


def clip_norm(model: nn.Module, longest: float) -> torch.Tensor:
    """Shorten a network's gradient to a length at most, and give what it was."""
    return nn.utils.clip_grad_norm_(model.parameters(), longest)
