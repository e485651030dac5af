"""The training loop: it knows steps and epochs; everything else is a callback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from fwi.config import TrainConfig
from fwi.inference.precision import Precision, autocast
from fwi.schedules import one_cycle
from fwi.training.objectives.base import Objective

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Callback:
    """What happens at fixed events of a fit; every method gets the trainer."""

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first epoch; may set `trainer.epoch` to resume."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Before the first batch of an epoch."""

    def on_step_end(self, trainer: Trainer) -> None:
        """After an optimizer step."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After the last batch of an epoch; `trainer.metrics` belongs to the epoch."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch, and after an exception too."""


class Trainer:
    """Fits a network to gathers and maps by an objective.

    Everything random is derived from the seed and the epoch, so that a resumed fit repeats an
    uninterrupted one.

    Args:
        objective: the network, and what is asked of it.
        loader: batches of gathers (B, S, T, R), velocity (B, Z, X) and family labels (B,).
        config: the `train` section.
        precision: of the forward pass.
        device: where the network runs.
        callbacks: in the order in which they are told of events.

    Attributes:
        model: the objective's network.
        optimizer: of the network's parameters.
        epoch: the epoch under way, from 0.
        step: the step under way, from 0 over the whole fit.
        metrics: what is known of the epoch.
        history: the metrics of finished epochs.
    """

    def __init__(
        self,
        objective: Objective,
        loader: DataLoader[Batch],
        config: TrainConfig,
        precision: Precision,
        device: torch.device,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.objective = objective.to(device).to(memory_format=torch.channels_last)
        self.model = self.objective.model
        self.loader, self.config, self.device = loader, config, device
        self.precision, self.callbacks = precision, callbacks
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay
        )
        self.epoch = self.step = 0
        self.metrics: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []

    @property
    def total_steps(self) -> int:
        """Steps of the whole fit."""
        return self.config.epochs * len(self.loader)

    def fit(self) -> list[dict[str, Any]]:
        """Train to the config's last epoch, and give the metrics of every epoch.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        try:
            self._tell("on_fit_start")
            while self.epoch < self.config.epochs:
                self._train_epoch()
                self._tell("on_epoch_end")
                self.epoch += 1
        finally:
            self._tell("on_fit_end")
        return self.history

    def _train_epoch(self) -> None:
        torch.manual_seed(_mix(self.config.seed, self.epoch))
        self.objective.train()
        self.metrics = {"epoch": self.epoch + 1}
        self._tell("on_epoch_start")
        losses = torch.zeros((), dtype=torch.float64, device=self.device)
        self.step = self.epoch * len(self.loader)
        for batch in self.loader:
            losses += self._train_step(*(part.to(self.device) for part in batch))
            self._tell("on_step_end")
            self.step += 1
        self.metrics["train_loss"] = losses.item() / len(self.loader)

    def _train_step(self, *batch: torch.Tensor) -> torch.Tensor:
        config = self.config
        lr = one_cycle(self.step, self.total_steps, config.lr, config.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.metrics["lr"] = lr
        with autocast(self.precision, self.device):
            loss = self.objective(*batch)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.step}; lower train.lr "
                f"(now {config.lr:g}) or use train.precision=float32"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.optimizer.step()
        return loss.detach()

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)


def _mix(seed: int, epoch: int) -> int:
    """Give each epoch its own seed, the same however the fit came to it."""
    return seed * 1_000_003 + epoch
