"""A network: layers that are fitted, asked and kept together."""

from __future__ import annotations

import time
from typing import Any

import polars as pl
from array_api_compat import array_namespace

from fwi.core.arrays import Array, count
from fwi.core.batches import check_samples, in_order, shuffled, steps_in_epoch, take
from fwi.core.containers import Sequential
from fwi.core.history import COLUMNS, Tally, frame
from fwi.core.interrupt import deferred_interrupt
from fwi.core.layer import Layer, check_layer
from fwi.core.optimizer import Optimizer
from fwi.core.recipe import Clip, Loss, Recipe, Schedule, check_function
from fwi.progress import progress_bar


class Network:
    """A layer, or several one after another, and the history of its training.

    Args:
        layers: one, or those of a `Sequential`.

    Attributes:
        layer: the function y = f(x; w).
        rows: of the history, one for every finished epoch.
        tally: of the epoch under way, which the next `fit` goes on with.

    Raises:
        TypeError: if something is no layer.
        ValueError: if there is none.
    """

    def __init__(self, *layers: Layer) -> None:
        if not layers:
            raise ValueError("layers must be one or more, got none; add a layer")
        self.layer = layers[0] if len(layers) == 1 else Sequential(*layers)
        check_layer("layers", self.layer)
        self.rows: list[dict[str, Any]] = []
        self.tally = Tally()

    @property
    def history(self) -> pl.DataFrame:
        """A row an epoch: epoch, loss, accuracy, the validation's, rate, seconds of training."""
        return frame(self.rows)

    def predict(self, x: Array, batch_size: int = 256) -> Array:
        """Give f(x) as it is outside training.

        Args:
            x: (N, ...), at least one sample.
            batch_size: samples that are in memory together.

        Returns:
            (N, ...).

        Raises:
            TypeError: if x is no array of the layers' dtype, or the batch size is not whole.
            ValueError: if there is no sample, or the batch size is below 1.
        """
        parts = [self.layer.forward(part) for part in in_order(x, batch_size)]
        return array_namespace(x).concat(parts, axis=0)

    def evaluate(
        self, x: Array, y: Array, loss: Loss, batch_size: int = 256
    ) -> tuple[float, float | None]:
        """Give the mean loss, and the part classified right where y holds classes.

        Raises:
            TypeError: if x or y is no array, the loss no function, or the batch size not whole.
            ValueError: if x and y do not fit, or the batch size is below 1.
        """
        check_samples(x, y, batch_size)
        check_function("loss", loss)
        tally = Tally()
        for part, target in zip(in_order(x, batch_size), in_order(y, batch_size), strict=True):
            prediction = self.layer.forward(part)
            tally.add(float(loss(prediction, target)[0]), prediction, target)
        return tally.means

    def fit(
        self,
        x: Array,
        y: Array,
        loss: Loss,
        optimizer: Optimizer,
        epochs: int,
        batch_size: int = 64,
        *,
        validation: tuple[Array, Array] | None = None,
        schedule: Schedule | None = None,
        clip: Clip | None = None,
        momentum: Schedule | None = None,
        rng: int = 0,
    ) -> pl.DataFrame:
        """Train for some epochs more, from where the last call stopped.

        Ctrl-C ends it after the step under way. The next call with the same samples, optimizer
        and seed then goes on as if nothing had happened: fit(n) twice is fit(2 n).

        Args:
            x: samples (N, ...).
            y: targets (N, ...), of the same library; whole numbers (N,) are classes.
            loss: (prediction, target) -> (mean over the batch, its derivative by the prediction).
            optimizer: keeps its moments between calls.
            epochs: passes over the samples that are still to be finished.
            batch_size: samples a step; a last single one joins the step before.
            validation: samples and targets on which every epoch is judged.
            schedule: learning rate of a step; the optimizer's own if None.
            clip: changes the gradients before each step, as `partial(clip_by_norm, limit=1)` does.
            momentum: of a step, such as `fwi.schedules.one_cycle_momentum`; the optimizer's own if
                None.
            rng: seed of the shuffling.

        Returns:
            The history so far, of all calls.

        Raises:
            ValueError: if x and y do not fit, or a number is too small.
            TypeError: if x or y is no array, epochs, rng or the batch size is not a whole number,
                or the loss, the optimizer, the schedule, clip or momentum is something else.
            FloatingPointError: if the loss is not finite; the network is as before that step.
        """
        check_samples(x, y, batch_size)
        if validation is not None:
            check_samples(*_pair(validation), batch_size)
        count("epochs", epochs, 0)
        count("rng", rng, 0)
        recipe = Recipe(loss, optimizer, schedule, clip, momentum)
        steps = epochs * steps_in_epoch(x.shape[0], batch_size)
        with deferred_interrupt() as interrupted, progress_bar("fit", steps) as advance:
            for _ in range(epochs):
                for part in shuffled(
                    x.shape[0], batch_size, rng, len(self.rows), self.tally.samples
                ):
                    value = self._learn(recipe, take(x, part), take(y, part))
                    advance(1, f"loss {value:.4g}")
                    if interrupted():
                        return self.history
                judged = self.evaluate(*validation, loss, batch_size) if validation else None
                self._finish_epoch(judged, recipe.rate_at(max(optimizer.steps - 1, 0)))
        return self.history

    def _learn(self, recipe: Recipe, x: Array, y: Array) -> float:
        started = time.perf_counter()
        value, prediction = recipe.step(self.layer, x, y)
        self.tally.add(value, prediction, y)
        self.tally.seconds += time.perf_counter() - started
        return value

    def _finish_epoch(self, judged: tuple[float, float | None] | None, rate: float) -> None:
        row = (len(self.rows) + 1, *self.tally.means, *(judged or (None, None)), rate)
        self.rows.append(dict(zip(COLUMNS, (*row, self.tally.seconds), strict=True)))
        self.tally = Tally()


def _pair(validation: Any) -> tuple[Array, Array]:
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError(
            f"validation must be samples and targets (x, y), got {type(validation).__name__}; "
            "give both in a tuple"
        )
    return validation[0], validation[1]
