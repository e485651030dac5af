"""The from-scratch network of small images, on reduced gathers: shots are its channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.preprocessing import StandardScaler

from fwi.arrays import Array
from fwi.baselines.cifar import scratch_cnn
from fwi.baselines.one_cycle import fit_in_one_cycle
from fwi.baselines.reduced import flat
from fwi.core.losses import l1

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
        """Minimise the mean absolute error over standardised reduced gathers.

        Raises:
            KeyboardInterrupt: if Ctrl-C ended the fit early.
        """
        n, shots, *size = x.shape
        epochs = self.epochs or max(1, min(_EPOCHS, _SHOWN // n))
        self.shape_, self.scaler_ = y.shape[1:], StandardScaler().fit(flat(x))
        cells = int(np.prod(self.shape_))
        network = scratch_cnn(shots, (size[0], size[1]), cells, seed=self.seed)
        target = ((flat(y) - _MEAN) / _SPREAD).astype(np.float32)
        self.network_ = fit_in_one_cycle(
            network, self._scaled(x), target, l1, epochs, self.lr, self.batch_size, self.seed
        )
        return self

    def predict(self, x: Array) -> Array:
        """Give the network's maps, m/s."""
        maps = self.network_.predict(self._scaled(x))
        return (_MEAN + _SPREAD * maps).reshape(-1, *self.shape_)

    def _scaled(self, x: Array) -> Array:
        return self.scaler_.transform(flat(x)).reshape(x.shape).astype(np.float32)
