"""train: from a store to a run folder with checkpoints and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwi.config import Config
from fwi.data.store import Store
from fwi.files import locked
from fwi.runs import run_of
from fwi.training.experiment import Experiment


@dataclass(frozen=True)
class TrainResult:
    """What a fit came to: its folder and the metrics of every epoch."""

    run: Path
    history: list[dict[str, Any]]

    @property
    def best(self) -> dict[str, Any]:
        """The metrics of the epoch whose weights are kept as best."""
        return min(self.history, key=lambda row: row["mae"])

    def __str__(self) -> str:
        """Say how good the best epoch is."""
        return (
            f"{self.run}: best epoch {self.best['epoch']}, validation MAE "
            f"{self.best['mae']:.1f} m/s, scored columns {self.best['mae_scored']:.1f}"
        )


def run(config: Config, *, force: bool = False) -> TrainResult:
    """Train the config's model, or finish a fit that was stopped.

    Args:
        config: reads `train`, `machine`, `store` and `name`.
        force: delete the run's folder and begin anew.

    Returns:
        The run's folder and history.

    Raises:
        BlockingIOError: if another process is training it.
        FileExistsError: if the folder holds a run of another config, without `force`.
        FileNotFoundError: if a store is missing or unfinished.
        FloatingPointError: if the loss or the validation is not finite.
        ValueError: if the fold is empty, a store does not fit the model, or it cannot train.
    """
    there = run_of(config)
    # A checkpoint overwrites all weights: a fit begun online goes on without a network.
    pretrained = force or not there.begun
    store = Store(config.store_path)
    experiment = Experiment.build(config.train, config.machine, store, pretrained)
    if pretrained:
        experiment.rehearse()
    # Only now is the config known to fit: one that does not must not take the folder.
    with locked(there.path):
        there.claim(config, force)
        return TrainResult(there.path, experiment.fit(there))
