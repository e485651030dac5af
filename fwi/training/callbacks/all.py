"""What happens beside the training steps: averaging, validation, files, the bar."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import torch
from timm.utils import ModelEmaV3
from torch import nn

from fwi.files import atomic_file, recover_folder, remove_leftovers
from fwi.inference.checkpoint import (
    Description,
    flatten_optimizer,
    load_weights,
    read_description,
    read_tensors,
    restore_optimizer,
    save_checkpoint,
)
from fwi.training.trainer import Callback, Trainer

log = logging.getLogger(__name__)

_MOMENTS = ("optimizer.", "optimizers.")  # what a checkpoint's training tensors hold beside weights


class WeightAverage(Callback):
    """Keeps an exponential moving average of the weights, which is what is validated and kept.

    The decay rises from 0 to its end value, so that a short fit is not held back by its start.
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
        self.average.update(trainer.model, step=trainer.step)


class Validation(Callback):
    """Adds validation metrics to each epoch's.

    Args:
        evaluate: from the network to the metrics by name, m/s.
        average: whose network is evaluated.
    """

    def __init__(
        self, evaluate: Callable[[nn.Module], dict[str, float]], average: WeightAverage
    ) -> None:
        self.evaluate, self.average = evaluate, average

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Start the epoch's clock."""
        self.started = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Evaluate the averaged network and close the epoch's metrics."""
        trainer.metrics |= self.evaluate(self.average.model.eval())
        trainer.metrics["seconds"] = time.perf_counter() - self.started
        trainer.history.append(trainer.metrics)
        log.info(
            "epoch %d: loss %.1f, validation MAE %.1f m/s, %.0f s",
            *(trainer.metrics[k] for k in ("epoch", "train_loss", "mae", "seconds")),
        )


class Checkpoints(Callback):
    """Writes the best and the last checkpoint, and goes on from the last one.

    The best is written first: a fit killed in between repeats the epoch and writes both alike.

    Args:
        run: the run's folder.
        description: of the model and its config; metrics are added.
        average: whose weights are kept.
    """

    def __init__(self, run: Path, description: dict[str, Any], average: WeightAverage) -> None:
        self.run, self.description, self.average = run, description, average
        self.last, self.best = run / "checkpoints" / "last", run / "checkpoints" / "best"

    def epochs_done(self) -> int:
        """Count the epochs that the last checkpoint has behind it."""
        recover_folder(self.best)
        recover_folder(self.last)
        return read_description(self.last).epoch if self.last.exists() else 0

    def on_fit_start(self, trainer: Trainer) -> None:
        """Restore the last checkpoint where there is one."""
        remove_leftovers(self.run)
        remove_leftovers(self.last.parent)
        if not self.epochs_done():
            return
        description = read_description(self.last)
        if description.data != self.description["data"]:
            raise ValueError(
                f"{self.run} was trained on a store made otherwise; choose another name, or "
                "--force to begin anew"
            )
        tensors = read_tensors(self.last / "training.safetensors")
        weights = {k: t for k, t in tensors.items() if not k.startswith(_MOMENTS)}
        load_weights(trainer.objective, weights, self.last)
        load_weights(self.average.model, read_tensors(self.last / "weights.safetensors"), self.last)
        for prefix, optimizer in _optimizers(trainer):
            restore_optimizer(optimizer, tensors, prefix)
        trainer.epoch, trainer.history = description.epoch, description.history
        self._write_table(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Write the best checkpoint if this epoch is, then the last, then the table."""
        description = Description(
            **self.description,
            epoch=trainer.epoch + 1,
            metrics={k: v for k, v in trainer.metrics.items() if k != "epoch"},
            history=trainer.history,
        )
        weights = self.average.model.state_dict()
        if trainer.metrics["mae"] <= min(row["mae"] for row in trainer.history):
            save_checkpoint(self.best, description, weights)
        training = dict(trainer.objective.state_dict())
        for prefix, optimizer in _optimizers(trainer):
            training |= flatten_optimizer(optimizer, prefix)
        save_checkpoint(self.last, description, weights, training)
        self._write_table(trainer)

    def _write_table(self, trainer: Trainer) -> None:
        with atomic_file(self.run / "metrics.parquet") as temporary:
            pl.DataFrame(trainer.history).write_parquet(temporary)


def _optimizers(trainer: Trainer) -> list[tuple[str, torch.optim.Optimizer]]:
    """Name the network's optimizer as every checkpoint does, and those of its objective."""
    own = ((f"optimizers.{i}", o) for i, o in enumerate(trainer.objective.optimizers))
    return [("optimizer", trainer.optimizer), *own]


class ProgressBar(Callback):
    """Moves a bar one sample at a time and shows the last validation.

    Args:
        advance: of `fwi.progress.progress_bar`.
    """

    def __init__(self, advance: Callable[..., None]) -> None:
        self.advance = advance

    def on_step_end(self, trainer: Trainer) -> None:
        """Count one batch."""
        self.advance(trainer.config.batch_size)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Show the epoch's validation."""
        self.advance(0, note=f"epoch {trainer.epoch + 1}: {trainer.metrics['mae']:.1f} m/s")
