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
from fwi.schedules import one_cycle

Schedule = Callable[[int], float]
Clip = Callable[[nn.Module], Any]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        optimizer: of the network's parameters. Its step is given a closure that it may call more
            than once, each time for the loss and its gradients at the weights of that moment.
        schedule: learning rate of a step, from 0; the optimizer's own if None.
        clip: changes a network's gradients before they are used; nothing does if None.
        precision: of the forward pass.
    """

    optimizer: torch.optim.Optimizer
    schedule: Schedule | None = None
    clip: Clip | None = None
    precision: Precision = "float32"

    def set_rate(self, step: int) -> float:
        """Give the optimizer the learning rate of a step, and tell it."""
        groups = self.optimizer.param_groups
        if self.schedule is not None:
            for group in groups:
                group["lr"] = self.schedule(step)
        return float(groups[0]["lr"])


def recipe_of(train: TrainConfig, model: nn.Module, total: int, device: torch.device) -> Recipe:
    """Build the recipe of an experiment.

    Args:
        train: reads `lr`, `warmup`, `weight_decay`, `clip_norm` and `precision`.
        model: whose parameters are moved.
        total: steps of the whole fit.
        device: where the network runs.
    """
    return Recipe(
        torch.optim.AdamW(
            model.parameters(),
            lr=train.lr,
            weight_decay=train.weight_decay,
            fused=device.type in ("cpu", "cuda"),  # one pass over the weights instead of ten
        ),
        partial(one_cycle, total=total, peak=train.lr, warmup=train.warmup),
        partial(clip_norm, longest=train.clip_norm),
        choose_precision(train.precision, device),
    )


def check_rates(train: TrainConfig) -> None:
    """Refuse a recipe by which no weight stays finite.

    Raises:
        ValueError: if one of its numbers is none, or infinite.
    """
    for name in ("lr", "weight_decay", "clip_norm", "ema_decay", "warmup"):
        number = getattr(train, name)
        # The longest gradient alone may be infinite: nothing is clipped then.
        if math.isnan(number) or (math.isinf(number) and name != "clip_norm"):
            raise ValueError(f"train.{name} must be finite, got {number}; leave it at its default")


def clip_norm(model: nn.Module, longest: float) -> torch.Tensor:
    """Shorten a network's gradient to a length at most, and give what it was."""
    return nn.utils.clip_grad_norm_(model.parameters(), longest)
