"""Validation after each epoch."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

import numpy as np
from torch import nn

from fwi.data.blocks import blocks
from fwi.data.store import Store
from fwi.inference.predictor import Predictor, predict_store
from fwi.metrics import summarize
from fwi.training.callbacks.average import WeightAverage
from fwi.training.trainer import Callback, Trainer

log = logging.getLogger(__name__)

_AT_ONCE = 32  # maps read at once

Evaluate = Callable[[nn.Module], dict[str, float]]


class Validation(Callback):
    """Adds validation metrics to each epoch's.

    Args:
        evaluate: from the network to the metrics by name, m/s.
        average: whose network is evaluated.
    """

    def __init__(self, evaluate: Evaluate, average: WeightAverage) -> None:
        self.evaluate, self.average = evaluate, average

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Start the epoch's clock."""
        self.started = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Evaluate the averaged network.

        Raises:
            FloatingPointError: if it predicts what is not finite.
        """
        metrics = self.evaluate(self.average.model.eval())
        wrong = [name for name, value in metrics.items() if not math.isfinite(value)]
        if wrong:
            raise FloatingPointError(
                f"the validation's {wrong[0]} is {metrics[wrong[0]]} after epoch {trainer.epoch}, "
                f"step {trainer.step}; lower train.lr or use train.precision=float32, and begin "
                "anew with --force"
            )
        trainer.metrics |= metrics
        trainer.metrics["seconds"] = time.perf_counter() - self.started
        log.info(
            "epoch %d: loss %.1f, validation MAE %.1f m/s, %.0f s",
            *(trainer.metrics[k] for k in ("epoch", "train_loss", "mae", "seconds")),
        )


def evaluation(store: Store, precision: str = "auto", device: str = "auto") -> Evaluate:
    """Build the evaluation of a network on a store, with one pass and no flip.

    Args:
        store: the validation samples.
        precision: of the forward pass.
        device: where the network runs.

    Returns:
        From the network to "mae", "mae_scored" and the MAE of each family, m/s.
    """
    families = store.catalog["family"].to_list()
    # A sample that is being read keeps its file open.
    maps = np.concatenate([store.maps(part) for part in blocks(range(len(store)), _AT_ONCE)])

    def evaluate(model: nn.Module) -> dict[str, float]:
        predictor = Predictor(model, precision=precision, device=device)
        return summarize(predict_store(predictor, store, tta=False), maps, families)

    return evaluate
