"""Checkpoints of a fit, from which it goes on to the bit."""

from __future__ import annotations

import time
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl
import torch

from fwi.files import atomic_file, recover_folder, remove_leftovers
from fwi.inference.checkpoint import Tensors, load_weights, read_tensors, save_checkpoint
from fwi.inference.description import Description, read_description
from fwi.runs import RunFolder
from fwi.training.callbacks.average import WeightAverage
from fwi.training.state import flatten_optimizer, restore_optimizer
from fwi.training.trainer import Callback, Trainer

# What a checkpoint's training tensors hold beside the objective's weights.
_BESIDE = ("optimizer.", "optimizers.", "trainer.")
_ANEW = "begin anew with --force, or under another name"
_COUNT = "trainer.tensors"  # how many there are; older versions did not say


class Checkpoints(Callback):
    """Writes the best and the last checkpoint, and goes on from the last one.

    The best is written first: a fit killed in between repeats the epoch and writes both alike. A
    long epoch is kept on its way too, so that a kill costs some minutes of it.

    Args:
        run: the run's folder.
        description: of the model and its config; metrics are added.
        average: whose weights are kept.
        samples: fingerprint of what is learned from.
        seconds: between two checkpoints of an epoch.
    """

    def __init__(
        self,
        run: RunFolder,
        description: dict[str, Any],
        average: WeightAverage,
        samples: int,
        seconds: float,
    ) -> None:
        self.run, self.description, self.average = run, description, average
        self.samples, self.seconds = samples, seconds
        self._kept = time.monotonic()

    def on_fit_start(self, trainer: Trainer) -> None:
        """Restore the last checkpoint where there is one."""
        remove_leftovers(self.run.path)
        remove_leftovers(self.run.last.parent)
        recover_folder(self.run.best)
        recover_folder(self.run.last)
        if self.run.last.exists():
            self._restore(trainer)
            self._write_table(trainer)

    def on_step_end(self, trainer: Trainer) -> None:
        """Keep a long epoch on its way."""
        if time.monotonic() - self._kept >= self.seconds:
            self._keep(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Write the best checkpoint if this epoch is, then the last, then the table."""
        if trainer.metrics["mae"] <= min(row["mae"] for row in trainer.history):
            weights = self.average.model.state_dict()
            save_checkpoint(self.run.best, self._describe(trainer), weights)
        self._keep(trainer)
        self._write_table(trainer)

    def _keep(self, trainer: Trainer) -> None:
        """Write the last checkpoint, with all that the next step needs."""
        training: Tensors = dict(trainer.objective.state_dict())
        for prefix, optimizer in _optimizers(trainer):
            training |= flatten_optimizer(optimizer, prefix)
        training["trainer.step"] = torch.tensor(trainer.step)
        training["trainer.loss_sum"] = trainer.loss_sum
        training["trainer.samples"] = torch.tensor(self.samples)
        training[_COUNT] = torch.tensor(len(training) + 1)
        weights = self.average.model.state_dict()
        save_checkpoint(self.run.last, self._describe(trainer), weights, training)
        self._kept = time.monotonic()

    def _restore(self, trainer: Trainer) -> None:
        description, file = read_description(self.run.last), self.run.last / "training.safetensors"
        tensors = read_tensors(file)
        if len(tensors) != _number(tensors, _COUNT, file, len(tensors)):
            raise ValueError(f"{file} lacks some of its tensors; {_ANEW}")
        same = _number(tensors, "trainer.samples", file) == self.samples
        if description.data != self.description["data"] or not same:
            raise ValueError(
                f"{self.run.path} was trained on a store made otherwise; choose another name, or "
                "--force to begin anew"
            )
        weights = {k: t for k, t in tensors.items() if not k.startswith(_BESIDE)}
        load_weights(trainer.objective, weights, file)
        averaged = read_tensors(self.run.last / "weights.safetensors")
        load_weights(self.average.model, averaged, self.run.last)
        step = int(_number(tensors, "trainer.step", file))
        self._check_history(description, step, trainer)
        for prefix, optimizer in _optimizers(trainer):
            try:
                restore_optimizer(optimizer, tensors, prefix)
            except ValueError as error:
                raise ValueError(f"{file} cannot be gone on from: {error}; {_ANEW}") from None
        trainer.step, trainer.history = step, description.history
        trainer.loss_sum.fill_(_number(tensors, "trainer.loss_sum", file))

    def _check_history(self, description: Description, step: int, trainer: Trainer) -> None:
        epochs, rows = description.epoch, description.history
        steps = len(trainer.loader)
        known = all(isinstance(row.get("mae"), float) and isfinite(row["mae"]) for row in rows)
        if len(rows) != epochs or not known or not epochs * steps <= step <= (epochs + 1) * steps:
            raise ValueError(
                f"{self.run.last / 'checkpoint.json'} must hold the metrics of {epochs} epochs and "
                f"be of step {step}, got {len(rows)}; {_ANEW}"
            )

    def _describe(self, trainer: Trainer) -> Description:
        metrics = trainer.history[-1] if trainer.history else {}
        return Description(
            **self.description,
            epoch=trainer.epoch,
            metrics={k: v for k, v in metrics.items() if k != "epoch"},
            history=trainer.history,
        )

    def _write_table(self, trainer: Trainer) -> None:
        if trainer.history:
            with atomic_file(self.run.metrics) as temporary:
                pl.DataFrame(trainer.history).write_parquet(temporary)


def _number(tensors: Tensors, name: str, file: Path, default: float | None = None) -> float:
    """Read a scalar that a file must hold, unless there is a default."""
    if name not in tensors and default is not None:
        return default
    if name not in tensors or tensors[name].numel() != 1 or not isfinite(tensors[name].item()):
        raise ValueError(f"{file} must hold one number {name}, got none; {_ANEW}")
    return float(tensors[name].double().item())


def _optimizers(trainer: Trainer) -> list[tuple[str, torch.optim.Optimizer]]:
    """Name the network's optimizer as every checkpoint does, and those of its objective."""
    own = ((f"optimizers.{i}", o) for i, o in enumerate(trainer.objective.optimizers))
    return [("optimizer", trainer.recipe.optimizer), *own]
