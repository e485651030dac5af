"""Correctors: maps that are simulated, compared with the observed gathers, and mended."""

from __future__ import annotations

import torch
from torch import nn

from fwi.data.batch import Batch
from fwi.models.corrector import Corrector
from fwi.training.objectives.base import Objective, register_objective, weighted


@register_objective("feedback")
class Feedback(Objective):
    """Mean absolute error of every map that a corrector makes in a row, each counted alike.

    No gradient flows through the simulator, so that a pass learns to mend what it is given.

    Args:
        model: a `Corrector`.

    Raises:
        TypeError: if the network is another one.
    """

    model: Corrector

    def __init__(self, model: nn.Module) -> None:
        if not isinstance(model, Corrector):
            raise TypeError(f"model must be a corrector, got {type(model).__name__}")
        super().__init__(model)

    def forward(self, batch: Batch) -> torch.Tensor:
        """See `Objective.forward`."""
        predicted = self.model(batch.gathers)
        loss = weighted((predicted[:, 0] - batch.velocity).abs(), batch)
        for _ in range(self.model.passes - 1):
            predicted = self.model.mend(batch.gathers, predicted)
            loss = loss + weighted((predicted[:, 0] - batch.velocity).abs(), batch)
        return loss / self.model.passes
