"""One network, what it learns from, and how: all that a fit needs, checked before it begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch

from fwi.config import MachineConfig, TrainConfig
from fwi.data.augment import gather_pipeline
from fwi.data.dataset import GatherDataset
from fwi.data.folds import split
from fwi.data.fresh import FreshDataset, augmented_maps
from fwi.data.loader import ShuffledLoader
from fwi.data.recording import recording_of
from fwi.data.store import Store
from fwi.geometry import OPENFWI
from fwi.inference.conditions import Conditions
from fwi.inference.precision import choose_device
from fwi.models import create_model, map_shape_of, resolve, shots_of
from fwi.progress import log_to
from fwi.runs import RunFolder
from fwi.training.callbacks.average import WeightAverage
from fwi.training.callbacks.checkpoints import Checkpoints
from fwi.training.callbacks.progress import ProgressBar
from fwi.training.callbacks.validation import Validation, evaluation
from fwi.training.intake import observed, options_of
from fwi.training.objectives import Objective, create_objective
from fwi.training.recipe import recipe_of
from fwi.training.rehearsal import rehearse
from fwi.training.trainer import Trainer

_WORKERS = 4  # beside a GPU; a processor that trains has no time to spare for reading ahead


@dataclass(frozen=True)
class Experiment:
    """What is fitted.

    Attributes:
        train: the section of the config.
        machine: likewise.
        options: of the network, with what the store says of its sizes.
        objective: the network, and what is asked of it.
        dataset: what it learns from.
        batches: the same, or with samples that are simulated on the way.
        validation: what judges it after each epoch.
        conditions: what its gathers are like.
        device: where it runs.
    """

    train: TrainConfig
    machine: MachineConfig
    options: dict[str, Any]
    objective: Objective
    dataset: GatherDataset
    batches: GatherDataset | FreshDataset
    validation: Store
    conditions: Conditions
    device: torch.device

    @classmethod
    def build(
        cls, train: TrainConfig, machine: MachineConfig, store: Store, pretrained: bool = True
    ) -> Experiment:
        """Make a network with fresh weights, and open what it learns from.

        Args:
            train: the section of the config.
            machine: likewise.
            store: of which one fold validates, and the others are learned from.
            pretrained: whether the encoder starts from the weights that `train` asks for; a fit
                that goes on overwrites them all.

        Raises:
            FileNotFoundError: if pretrained weights or a further store are not there.
            KeyError: if the model, its variant, the objective or an augmentation is unknown.
            TypeError: if an option is.
            ValueError: if the fold is empty, or a store does not fit the network.
        """
        device = choose_device(machine.device)
        training, validation = split(store, train.fold)
        torch.manual_seed(train.seed)
        weights = train.pretrained if pretrained else False
        options = options_of(train, store)
        model = create_model(train.model, train.variant, pretrained=weights, **options)
        if map_shape_of(model) != store.map_shape:
            raise ValueError(
                f"maps of the store {store.path} must be {map_shape_of(model)} for train.model="
                f"{train.model}, got {store.map_shape}; leave its option map_shape out"
            )
        # Neither a sample of the fold, nor one of that name elsewhere: what was predicted of it.
        unseen = (pl.col("fold") != train.fold) & ~pl.col("sample_id").is_in(
            validation.catalog["sample_id"].implode()
        )
        others = [Store(share.path).where(unseen) for share in train.stores]
        dataset = GatherDataset(
            [training, *others],
            shots_of(model),
            weights=[1.0, *(share.weight for share in train.stores)],
            flip=train.flip,
            augment=gather_pipeline(train.augment, recording_of(store) or OPENFWI),
            seed=train.seed,
        )
        conditions = observed(dataset)
        batches: GatherDataset | FreshDataset = dataset
        if train.fresh:
            batches = FreshDataset(
                dataset, train.fresh, augmented_maps(dataset, train.augmentation)
            )
        objective = create_objective(model, train.objective)
        # Before the weights are averaged: an average in another memory format is a slow one.
        objective.to(device).to(memory_format=torch.channels_last)
        return cls(
            train, machine, options, objective, dataset, batches, validation, conditions, device
        )

    def rehearse(self) -> None:
        """Take a step and predict a map, and keep nothing of it, see `fwi.training.rehearsal`.

        Raises:
            FloatingPointError: if either is not finite.
            ValueError: if either fails.
        """
        n = self.loader().batch_size
        batch = self.batches[0, range(n)].to(self.device)
        rehearse(self.train, self.objective, batch, self.device)

    def fit(self, run: RunFolder) -> list[dict[str, Any]]:
        """Fit the network in a run's folder, from where the last checkpoint left it.

        Returns:
            The metrics of every epoch.

        Raises:
            FloatingPointError: if the loss is not finite.
            ValueError: if the folder was trained on other samples.
        """
        train, loader = self.train, self.loader()
        if self.machine.threads:
            torch.set_num_threads(self.machine.threads)
        model = self.objective.model
        recipe = recipe_of(train, model, train.epochs * len(loader), self.device)
        average = WeightAverage(model, train.ema_decay)
        evaluate = evaluation(self.validation, recipe.precision, str(self.device))
        checkpoints = Checkpoints(
            run,
            self._describe(),
            average,
            self.dataset.fingerprint,
            60 * self.machine.checkpoint_minutes,
        )
        trainer = Trainer(
            self.objective,
            loader,
            recipe,
            epochs=train.epochs,
            seed=train.seed,
            device=self.device,
            callbacks=[
                average,
                Validation(evaluate, average),
                checkpoints,
                ProgressBar(loader.batch_size),
            ],
        )
        with log_to(run.log):
            return trainer.fit()

    def loader(self) -> ShuffledLoader:
        """Give the batches of a fit."""
        gpu, workers = self.device.type == "cuda", self.machine.workers
        if workers is None:
            workers = min(_WORKERS, (os.cpu_count() or 1) - 1) if gpu else 0
        train = self.train
        return ShuffledLoader(
            self.batches, train.batch_size, seed=train.seed, workers=workers, pin=gpu
        )

    def _describe(self) -> dict[str, Any]:
        train = self.train
        variant, options = resolve(train.model, train.variant, self.options)
        return {
            "model": train.model,
            "variant": variant,
            "options": options,
            "config": train.model_dump(mode="json"),
            "data": self.dataset.stores[0].recipe,
            "conditions": self.conditions,
        }
