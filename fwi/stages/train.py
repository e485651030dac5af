"""train: from a store to a run folder with checkpoints and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn
from torch.utils.data import DataLoader

from fwi.config import Config, TrainConfig, save_config
from fwi.data.augment import augmentation
from fwi.data.blocks import batches
from fwi.data.dataset import GatherDataset
from fwi.data.store import Store
from fwi.files import atomic_file, remove_folder, settled_folder
from fwi.inference.precision import choose_device, choose_precision
from fwi.inference.predictor import Predictor
from fwi.metrics import summarize
from fwi.models import create_model, resolve, shots_of
from fwi.progress import log_to, progress_bar
from fwi.training.callbacks.all import Checkpoints, ProgressBar, Validation, WeightAverage
from fwi.training.objectives.base import objective_of
from fwi.training.trainer import Callback, Trainer


@dataclass(frozen=True)
class TrainResult:
    """What a fit came to: its folder and the metrics of every epoch."""

    run: Path
    history: list[dict[str, Any]]

    @property
    def best(self) -> dict[str, Any]:
        """The metrics of the epoch whose weights are kept as best."""
        return min(self.history, key=lambda row: row["mae"])


def run(config: Config, *, force: bool = False) -> TrainResult:
    """Train the config's model, or finish a fit that was stopped.

    Args:
        config: reads `train`, `store` and `name`.
        force: delete the run's folder and begin anew.

    Returns:
        The run's folder and history.

    Raises:
        FileExistsError: if the folder holds a run of another config, without `force`.
        FileNotFoundError: if the store is missing or unfinished.
        ValueError: if the fold is empty or the store does not fit the model.
    """
    train, folder = config.train, config.run_path
    store = Store(config.store_path)
    training, validation = split(store, train.fold)
    torch.manual_seed(train.seed)
    # A checkpoint overwrites all weights: a fit begun online goes on without a network.
    begun = not force and settled_folder(folder / "checkpoints" / "last").exists()
    pretrained = False if begun else train.pretrained
    model = create_model(train.model, train.variant, pretrained=pretrained, **train.options)
    dataset = GatherDataset(training, shots_of(model), augmentation(train.flip))
    # Only now is the config known to fit: one that does not must not take the folder.
    if force and (folder / "config.json").exists():
        remove_folder(folder)
    claim(folder, config)
    return TrainResult(folder, _fit(train, folder, model, dataset, validation))


def _fit(
    train: TrainConfig, folder: Path, model: nn.Module, dataset: GatherDataset, validation: Store
) -> list[dict[str, Any]]:
    """Fit a model in the run's folder, from where the last checkpoint left it."""
    if train.threads:
        torch.set_num_threads(train.threads)
    loader = DataLoader(
        dataset, train.batch_size, shuffle=True, drop_last=len(dataset) > train.batch_size
    )
    device = choose_device()
    average = WeightAverage(model.to(device), train.ema_decay)
    checkpoints = Checkpoints(folder, _describe(train, dataset.store), average)
    samples = len(loader) * train.batch_size
    done = checkpoints.epochs_done() * samples
    precision = choose_precision(train.precision, device)
    with (
        progress_bar("train", train.epochs * samples, done) as advance,
        log_to(folder / "log.txt"),
    ):
        callbacks = [
            Reseed(dataset.augment),
            average,
            Validation(evaluation(validation, precision), average),
            checkpoints,
            ProgressBar(advance),
        ]
        return Trainer(objective_of(model), loader, train, precision, device, callbacks).fit()


def _describe(train: TrainConfig, store: Store) -> dict[str, Any]:
    variant, options = resolve(train.model, train.variant, train.options)
    return {
        "model": train.model,
        "variant": variant,
        "options": options,
        "config": train.model_dump(mode="json"),
        "data": store.recipe,
    }


class Reseed(Callback):
    """Gives the augmentation its own seed each epoch, the same after a resume."""

    def __init__(self, augment: Any) -> None:
        self.augment = augment

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Seed by what torch was seeded with for this epoch."""
        self.augment.set_random_seed(torch.initial_seed() % 2**32)


def split(store: Store, fold: int) -> tuple[Store, Store]:
    """Part a store into the training samples and those of the validation fold.

    Raises:
        ValueError: if either part is empty, or the store has no maps.
    """
    if not store.has_maps:
        raise ValueError(
            f"the store {store.path} must hold velocity maps, got gathers alone; "
            "prepare one from training files or generated maps"
        )
    parts = store.where(pl.col("fold") != fold), store.where(pl.col("fold") == fold)
    if not len(parts[0]) or not len(parts[1]):
        known = sorted(store.catalog["fold"].unique().to_list())
        raise ValueError(f"fold must leave samples on both sides, got {fold} of the folds {known}")
    return parts


def claim(folder: Path, config: Config) -> None:
    """Take a run's folder for a config.

    Raises:
        FileExistsError: if a run of another config is there.
    """
    file = folder / "config.json"
    if file.exists():
        there = Config.model_validate_json(file.read_text())
        if (_identity(there.train), there.store_path) != (
            _identity(config.train),
            config.store_path,
        ):
            raise FileExistsError(
                f"{folder} holds a run of another config; choose another name, or --force to "
                "replace it"
            )
        return
    with atomic_file(file) as temporary:
        save_config(config, temporary)


def _identity(train: TrainConfig) -> dict[str, Any]:
    return train.model_dump(exclude={"threads"})


def evaluation(store: Store, precision: str = "auto") -> Callable[[nn.Module], dict[str, float]]:
    """Build the evaluation of a network on a store, with one pass and no flip.

    Args:
        store: the validation samples.
        precision: of the forward pass.

    Returns:
        From the network to "mae", "mae_scored" and the MAE of each family, m/s.
    """
    families = store.catalog["family"].to_list()
    maps = store.maps(range(len(store)))

    def evaluate(model: nn.Module) -> dict[str, float]:
        return summarize(
            predict_store(Predictor(model, precision=precision), store, tta=False), maps, families
        )

    return evaluate


def predict_store(predictor: Predictor, store: Store, tta: bool) -> np.ndarray:
    """Predict every sample of a store, a batch in memory at a time: (n, Z, X) m/s."""
    parts = batches(range(len(store)), predictor.batch_size)
    return np.concatenate([predictor.predict(store.gathers(part), tta) for part in parts])
