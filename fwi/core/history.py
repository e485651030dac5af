"""What is noted of a fit: sums over the epoch under way, a row for every finished one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from array_api_compat import array_namespace

from fwi.core.arrays import Array, count, real

COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "rate",
    "seconds",
)


@dataclass
class Tally:
    """Sums over the samples seen so far.

    Attributes:
        samples: their number.
        loss: sum of their losses.
        correct: how many were classified right; None where the targets are no classes.
        seconds: that it took.

    Raises:
        TypeError: if one is no number.
        ValueError: if samples or correct are negative.
    """

    samples: int = 0
    loss: float = 0.0
    correct: int | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Check what a file may say."""
        count("samples", self.samples, 0)
        if self.correct is not None:
            count("correct", self.correct, 0)
        real("loss", self.loss), real("seconds", self.seconds)

    def add(self, loss: float, prediction: Array, target: Array) -> None:
        """Count one batch, whose mean loss is given."""
        size = int(target.shape[0])
        self.samples += size
        self.loss += loss * size
        if is_classes(prediction, target):
            self.correct = (self.correct or 0) + _count_correct(prediction, target)

    @property
    def means(self) -> tuple[float, float | None]:
        """Mean loss, and the part classified right, if any can be."""
        accuracy = None if self.correct is None else self.correct / self.samples
        return self.loss / self.samples, accuracy

    def values(self) -> dict[str, Any]:
        """Give all sums by name, plain enough for JSON."""
        return asdict(self)


def is_classes(prediction: Array, target: Array) -> bool:
    """Tell whether targets are classes: whole numbers (N,) beside scores (N, classes)."""
    whole = array_namespace(target).isdtype(target.dtype, "integral")
    return bool(whole) and target.ndim == 1 and prediction.ndim == 2


def _count_correct(prediction: Array, target: Array) -> int:
    xp = array_namespace(prediction)
    # The sum of booleans in a dtype of its own choice differs between libraries.
    return int(xp.count_nonzero(xp.argmax(prediction, axis=1) == target))


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Give a history's rows as a table, missing values as nulls."""
    # Without a schema, a column of nulls alone would have no numeric type.
    return pl.DataFrame(rows, {c: pl.Int64 if c == "epoch" else pl.Float64 for c in COLUMNS})
