"""What a fit minimises: from a network and a batch to one number.

The experiment names its objective; where it does not, the network does, in its attribute
`objective`; one without it is supervised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from fwi.config import Choice
from fwi.data.batch import Batch
from fwi.registry import Registry


class Objective(nn.Module, ABC):
    """A loss around the network that it fits.

    The trainer optimises the parameters of `model`. Whatever else an objective learns is its own
    business, before each step, with its own `optimizers`; a checkpoint keeps both.

    Args:
        model: raw gathers (B, S, T, R) to velocity (B, 1, Z, X), m/s.

    Attributes:
        optimizers: of the objective's own parameters, none where it has none.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.optimizers: list[torch.optim.Optimizer] = []

    def before_step(self, batch: Batch) -> None:
        """Learn from a batch what the loss needs beside the network; once before each step."""
        return

    @abstractmethod
    def forward(self, batch: Batch) -> torch.Tensor:
        """Give the loss of a batch, and change nothing.

        Args:
            batch: on the network's device.

        Returns:
            A scalar, m/s, whose gradients reach the parameters of `model` alone.
        """


OBJECTIVES: Registry[Callable[..., Objective]] = Registry("objective")
register_objective = OBJECTIVES.register


def create_objective(model: nn.Module, choice: Choice | None = None) -> Objective:
    """Build the objective that an experiment chooses, or else the network's own.

    Args:
        model: what is fitted.
        choice: name and options.

    Raises:
        KeyError: if it is unknown; it names the nearest.
        TypeError: if an option is unknown, or the objective is of another kind of network.
        ValueError: if an option's value does not fit.
    """
    if choice is None:
        choice = Choice(name=str(getattr(model, "objective", "supervised")))
    objective: Objective = OBJECTIVES.build(choice.name, model, **choice.options)
    return objective


def weighted(errors: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Average errors (B, ...) over a batch, each sample times its weight."""
    return (errors.flatten(1).mean(1) * batch.weight).mean()
