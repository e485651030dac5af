"""The training loop: it knows batches, steps and epochs, and keeps the history.

What is minimised (`Objective`), what moves the weights and how fast (`Recipe`), and where batches
come from (`Loader`) are handed in; everything beside the steps is a callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fwi.data.batch import Batch
from fwi.data.loader import Loader
from fwi.inference.precision import autocast
from fwi.training.objectives.base import Objective
from fwi.training.recipe import Recipe


class Callback:
    """What happens at fixed events of a fit; every method gets the trainer."""

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first epoch; may set `trainer.step` and what was reached by then."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Before the first batch of an epoch, or of what is left of it."""

    def on_step_end(self, trainer: Trainer) -> None:
        """After an optimizer step, which `trainer.step` counts already."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After the last batch of an epoch; `trainer.metrics` stands in the history already."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch, and after an exception too."""


class Trainer:
    """Fits a network to gathers and maps by an objective.

    Everything random is derived from the seed, the epoch and the step, so that a fit resumed at any
    step repeats an uninterrupted one.

    Args:
        objective: the network, and what is asked of it.
        loader: of batches.
        recipe: optimizer, schedule, clipping and precision.
        epochs: passes over the loader.
        seed: of what the network draws in training, such as dropout.
        device: where the network runs.
        callbacks: in the order in which they are told of events.

    Attributes:
        model: the objective's network.
        step: place in the whole fit: steps taken, and those that a stopped epoch left out.
        batch: the one under way, on the device.
        loss_sum: of the epoch's steps so far, a scalar tensor.
        metrics: what is known of the epoch.
        history: the metrics of every epoch that has ended.
    """

    batch: Batch

    def __init__(
        self,
        objective: Objective,
        loader: Loader,
        recipe: Recipe,
        *,
        epochs: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.device = torch.device(device)
        self.objective = objective.to(self.device).to(memory_format=torch.channels_last)
        self.model = self.objective.model
        self.loader, self.recipe, self.callbacks = loader, recipe, callbacks
        self.epochs, self.seed = epochs, seed
        self.step, self.stopped = 0, False
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self.metrics: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0: as many as have ended."""
        return len(self.history)

    @property
    def total_steps(self) -> int:
        """Steps of the whole fit."""
        return self.epochs * len(self.loader)

    def stop(self) -> None:
        """End the fit after this step; the epoch is closed with what it has."""
        self.stopped = True

    def fit(self) -> list[dict[str, Any]]:
        """Train to the last epoch, or until stopped, and give the metrics of every epoch.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        try:
            self._tell("on_fit_start")
            while self.epoch < self.epochs and not self.stopped:
                self._train_epoch()
        finally:
            self._tell("on_fit_end")
        return self.history

    def _train_epoch(self) -> None:
        self.objective.train()
        self.metrics = {"epoch": self.epoch + 1}
        self._tell("on_epoch_start")
        first = self.epoch * len(self.loader)
        for batch in self.loader.epoch(self.epoch, self.step - first):
            self.batch = batch.to(self.device)
            self.loss_sum += self._train_step()
            self.step += 1
            self._tell("on_step_end")
            if self.stopped:
                break
        self.metrics["train_loss"] = self.loss_sum.item() / (self.step - first)
        self.loss_sum.zero_()
        self.history.append(self.metrics)
        self.step = self.epoch * len(self.loader)
        self._tell("on_epoch_end")

    def _train_step(self) -> Any:
        torch.manual_seed(_mix(self.seed, self.step))
        self.metrics["lr"] = self.recipe.set_rate(self.step)
        with autocast(self.recipe.precision, self.device):
            self.objective.before_step(self.batch)
        loss: Any = self.recipe.optimizer.step(self._differentiate)  # type: ignore[arg-type]
        return loss

    def _differentiate(self) -> torch.Tensor:
        """Give the loss and fill the gradients, as often as the optimizer asks for them."""
        optimizer, recipe = self.recipe.optimizer, self.recipe
        optimizer.zero_grad(set_to_none=True)
        with autocast(recipe.precision, self.device):
            loss = self.objective(self.batch)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.step}; lower train.lr "
                f"({self.metrics['lr']:g} there) or use train.precision=float32"
            )
        loss.backward()
        if recipe.clip is not None:
            recipe.clip(self.model)
        return loss.detach()

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)


def _mix(seed: int, step: int) -> int:
    """Give each step its own seed, the same however the fit came to it."""
    return seed * 1_000_003 + step
