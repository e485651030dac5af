"""One step of training, as one reads it: forward, loss, backward, clip, move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fwi.core.arrays import Array, real
from fwi.core.layer import Layer
from fwi.core.optimizer import Optimizer

Loss = Callable[[Array, Array], tuple[Any, Array]]
Schedule = Callable[[int], float]
Clip = Callable[[Layer], Any]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        loss: (prediction, target) -> (mean over the batch, its derivative by the prediction).
        optimizer: moves the parameters, and counts the steps.
        schedule: learning rate of a step; the optimizer's own if None.
        momentum: of a step, which the optimizer's `momentum` or `beta1` becomes; its own if None.
        clip: changes a layer's gradients before each step; nothing does if None.

    Raises:
        TypeError: if one is something else.
    """

    loss: Loss
    optimizer: Optimizer
    schedule: Schedule | None = None
    clip: Clip | None = None
    momentum: Schedule | None = None

    def __post_init__(self) -> None:
        """Check what is given."""
        check_function("loss", self.loss)
        for name in ("schedule", "clip", "momentum"):
            if getattr(self, name) is not None:
                check_function(name, getattr(self, name))
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(
                f"optimizer must be one, such as Adam(), got {self.optimizer!r}; make one"
            )

    def rate_at(self, step: int) -> float:
        """Give the learning rate of a step, from 0.

        Raises:
            TypeError: if the schedule gives no number, such as one that returns nothing.
        """
        return real("rate", (self.schedule or self.optimizer.rate_at)(step))

    def step(self, layer: Layer, x: Array, y: Array) -> tuple[float, Array]:
        """Train on one batch.

        Args:
            layer: whose parameters are moved.
            x: samples (B, ...).
            y: targets (B, ...).

        Returns:
            The loss and the prediction, both from before the parameters moved.

        Raises:
            FloatingPointError: if the loss is not finite; parameters and states are as before.
        """
        rate = self.rate_at(self.optimizer.steps)
        states = [(part, dict(part.state)) for _, part in layer.walk()]
        prediction = layer.forward(x, training=True)
        value, gradient = self.loss(prediction, y)
        if not math.isfinite(float(value)):
            for part, state in states:
                part.state = state
            raise FloatingPointError(
                f"loss must be finite, got {float(value)} at step {self.optimizer.steps}; lower "
                "the learning rate, clip the gradients or look for NaN in the samples"
            )
        layer.backward(gradient)
        if self.clip is not None:
            self.clip(layer)
        if self.momentum is not None:
            self.optimizer.set_momentum(self.momentum(self.optimizer.steps))
        self.optimizer.step(layer, rate)
        return float(value), prediction


def check_function(name: str, function: Any) -> None:
    """Refuse what cannot be called, such as the name of a loss or a plain rate.

    Raises:
        TypeError: if it is something else.
    """
    if not callable(function):
        raise TypeError(f"{name} must be a function, got {function!r}; give one")
