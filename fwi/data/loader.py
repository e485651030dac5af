"""Batches of a fit, in an order that hangs on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from torch.utils.data import DataLoader, Sampler

from fwi.arrays import Array
from fwi.data.batch import Batch
from fwi.data.dataset import GatherDataset, Key
from fwi.data.fresh import FreshDataset

_ORDER = 2  # a stream of random numbers beside those of the dataset


class Loader(Protocol):
    """What a fit asks for batches."""

    def __len__(self) -> int:
        """Count the steps of an epoch."""

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch, from its step `first` on."""


class ShuffledLoader:
    """Batches of a dataset, shuffled anew each epoch.

    Args:
        dataset: which samples.
        batch_size: samples a step; the rest of an epoch is left out, but for an epoch of less than
            one batch.
        seed: of the order.
        workers: processes that read ahead; 0 reads in line.
        pin: into page-locked memory, from which a GPU copies on its own.

    Attributes:
        batch_size: samples of every batch.
    """

    def __init__(
        self,
        dataset: GatherDataset | FreshDataset,
        batch_size: int,
        *,
        seed: int = 0,
        workers: int = 0,
        pin: bool = False,
    ) -> None:
        self.dataset, self.batch_size = dataset, min(batch_size, len(dataset))
        self._order = _Order(len(dataset), self.batch_size, seed)
        self._loader: DataLoader[Batch] = DataLoader(
            dataset,
            batch_size=None,  # a key of the order is a batch already
            sampler=self._order,
            num_workers=workers,
            pin_memory=pin,
            persistent_workers=workers > 0,
        )

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return self._order.steps

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch, from its step `first` on.

        Read in line, a batch is overwritten by the batch after the next.
        """
        self._order.epoch, self._order.first = epoch, first
        return iter(self._loader)


class FixedBatches:
    """The same batches every epoch.

    Args:
        batches: of one epoch.
    """

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return len(self._batches)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Give the batches from step `first` on."""
        return iter(self._batches[first:])


class _Order(Sampler[Key]):
    """Which samples make which batch of an epoch."""

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.steps = n // batch_size
        self.epoch = self.first = 0

    def __len__(self) -> int:
        return self.steps - self.first

    def __iter__(self) -> Iterator[Key]:
        order: Array = np.random.default_rng((self.seed, self.epoch, _ORDER)).permutation(self.n)
        for step in range(self.first, self.steps):
            yield self.epoch, order[step * self.batch_size : (step + 1) * self.batch_size].tolist()
