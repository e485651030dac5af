"""One step and one prediction by a copy, before a run's folder is taken.

What cannot train, or trains and cannot predict, is found out in a second, and not after an epoch.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch

from fwi.config import TrainConfig
from fwi.data.batch import Batch
from fwi.data.loader import FixedBatches
from fwi.inference.predictor import Predictor
from fwi.training.objectives import Objective
from fwi.training.recipe import check_rates, recipe_of
from fwi.training.trainer import Trainer


def rehearse(train: TrainConfig, objective: Objective, batch: Batch, device: torch.device) -> None:
    """Take one step on a batch and predict its first map; the objective is left as it was.

    Args:
        train: the section of the config.
        objective: with fresh weights, on its device.
        batch: as large as the fit's.
        device: where the network runs.

    Raises:
        FloatingPointError: if the loss, or what the network then predicts, is not finite.
        ValueError: if either fails.
    """
    check_rates(train)
    recipe_of(train, objective.model, 1, device)  # refused in its own words
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            velocity = _fit_once(train, deepcopy(objective), batch, device)
        except FloatingPointError:
            raise
        except Exception as error:  # a network of anyone's may raise anything
            said = (str(error).splitlines() or [""])[0][:200]
            raise ValueError(
                f"train.model={train.model} cannot learn from {_spelt(batch)}: "
                f"{said or type(error).__name__}; change train.batch_size, train.options, "
                "train.optimizer or train.model"
            ) from error
    expected = tuple(batch.velocity.shape[1:])
    if velocity.shape != (1, *expected):
        raise ValueError(
            f"maps of train.model={train.model} must be {expected}, as those of the store, got "
            f"{velocity.shape[1:]}; choose another network"
        )
    if not np.isfinite(velocity).all():
        raise FloatingPointError(
            f"train.model={train.model} predicts NaN after one step; lower train.lr, got "
            f"{train.lr:g}, or use train.precision=float32"
        )


def _fit_once(
    train: TrainConfig, objective: Objective, batch: Batch, device: torch.device
) -> np.ndarray:
    recipe = recipe_of(train, objective.model, 1, device)
    Trainer(objective, FixedBatches([batch]), recipe, epochs=1, device=device).fit()
    predictor = Predictor(objective.model, precision=recipe.precision, device=device)
    return predictor.predict(batch.gathers[:1], tta=False)


def _spelt(batch: Batch) -> str:
    n, *gathers = batch.gathers.shape
    sizes = (" x ".join(map(str, shape)) for shape in (gathers, batch.velocity.shape[1:]))
    return "batches of {} with gathers of {} and maps of {}".format(n, *sizes)
