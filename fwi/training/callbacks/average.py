"""Averaged weights."""

from __future__ import annotations

from timm.utils import ModelEmaV3
from torch import nn

from fwi.training.trainer import Callback, Trainer


class WeightAverage(Callback):
    """Keeps an exponential moving average of the weights, which is what is validated and kept.

    The decay rises from 0 to its end value, so that a short fit is not held back by its start.

    Args:
        model: the network, on the device on which it is trained.
        decay: end value, 0 to 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.average = ModelEmaV3(
            model, decay, use_warmup=True, warmup_gamma=1.0, warmup_power=2 / 3
        )

    @property
    def model(self) -> nn.Module:
        """The averaged network."""
        return self.average.module

    def on_step_end(self, trainer: Trainer) -> None:
        """Take one step of the average."""
        self.average.update(trainer.model, step=trainer.step - 1)
