"""The from-scratch network of small images, on reduced gathers: shots are its channels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from fwi.baselines.cifar import scratch_cnn
from fwi.baselines.reduced import flat
from fwi.core import Adam
from fwi.core.batches import steps_in_epoch
from fwi.core.losses import l1
from fwi.schedules import one_cycle

Array = npt.NDArray[Any]

_MEAN, _SPREAD = 2900.0, 800.0  # of the families' velocities, m/s
_EPOCHS, _SHOWN = 20, 40_000


class GatherCNN:
    """Convolution, batch norm, max-pool and two linear layers to every cell of the map.

    Args:
        epochs: passes over the samples; by default so many that 40,000 are shown, at most 20.
        lr: peak of the one-cycle schedule of Adam.
        batch_size: samples a step.
        seed: of weights, dropout and order.
    """

    def __init__(
        self, epochs: int | None = None, lr: float = 2e-3, batch_size: int = 32, seed: int = 0
    ) -> None:
        self.epochs, self.lr, self.batch_size, self.seed = epochs, lr, batch_size, seed

    def fit(self, x: Array, y: Array, families: Sequence[str | None]) -> Self:
        """Minimise the mean absolute error over standardised reduced gathers."""
        n, shots, *size = x.shape
        epochs = self.epochs or max(1, min(_EPOCHS, _SHOWN // n))
        self.shape_, self.scaler_ = y.shape[1:], StandardScaler().fit(flat(x))
        cells = int(np.prod(self.shape_))
        self.network_ = scratch_cnn(shots, (size[0], size[1]), cells, seed=self.seed)
        target = ((flat(y) - _MEAN) / _SPREAD).astype(np.float32)
        total = epochs * steps_in_epoch(n, self.batch_size)
        self.network_.fit(
            self._scaled(x),
            target,
            l1,
            Adam(),
            epochs,
            self.batch_size,
            schedule=partial(one_cycle, total=total, peak=self.lr, warmup=0.3),
            rng=self.seed,
        )
        if len(self.network_.rows) < epochs:
            raise KeyboardInterrupt  # half a fit is no baseline
        return self

    def predict(self, x: Array) -> Array:
        """Give the network's maps, m/s."""
        maps = self.network_.predict(self._scaled(x))
        return (_MEAN + _SPREAD * maps).reshape(-1, *self.shape_)

    def _scaled(self, x: Array) -> Array:
        return self.scaler_.transform(flat(x)).reshape(x.shape).astype(np.float32)
