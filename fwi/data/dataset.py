"""Samples of stores as batches of torch tensors, augmented."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from fwi.arrays import Array
from fwi.data.augment.library import A, generators
from fwi.data.batch import Batch
from fwi.data.mirror import copy_mirrored
from fwi.data.recording import is_mirror_image, recording_of
from fwi.data.store import Store, checksum
from fwi.openfwi import FLIPPED_SHOTS, family_label

Key = tuple[int, Sequence[int]]  # an epoch, and the samples of a batch

_FLIP, _AUGMENT = 0, 1  # streams of random numbers, so that one does not repeat the other


class GatherDataset(Dataset[Batch]):
    """Batches of several stores, by epoch and samples.

    What is random hangs on seed, epoch and sample alone: a batch is the same whichever process
    reads it, and whatever was read before.

    Args:
        stores: with maps of one size; their samples follow one another.
        n_shots: shots that the network takes, the first ones after the augmentation.
        weights: how much the samples of each store count; 1 by default.
        flip: probability of the left-right flip, exact in stores of six shots.
        augment: called with image=gathers (S, T, R) and mask=velocity (Z, X) of each sample after
            the flip, with the shots that the network takes.
        seed: of flip and augmentation.

    Raises:
        ValueError: if a store has no samples or maps, fewer shots than the network takes, other
            shapes than the first one's, or a line that cannot be flipped.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        n_shots: int,
        *,
        weights: Sequence[float] | None = None,
        flip: float = 0.0,
        augment: A.Compose | None = None,
        seed: int = 0,
    ) -> None:
        for store in stores:
            _check(store, n_shots, stores[0])
            _check_flip(store, flip)
        self.stores, self.n_shots, self.flip = list(stores), n_shots, flip
        self.augment, self.seed = augment, seed
        sizes = [len(store) for store in stores]
        self._first = np.cumsum([0, *sizes])
        names = [name for store in stores for name in store.catalog["family"]]
        self._labels = torch.tensor([family_label(name) for name in names])
        self._weights = torch.repeat_interleave(
            torch.tensor(weights or [1.0] * len(sizes)), torch.tensor(sizes)
        )
        self._draws: tuple[int, Array] = (-1, np.empty(0))
        self._rooms: list[tuple[Array, Array]] = []

    @property
    def labels(self) -> torch.Tensor:
        """Families of all samples, see `Batch`."""
        return self._labels

    def __len__(self) -> int:
        """Count the samples."""
        return int(self._first[-1])

    @property
    def fingerprint(self) -> int:
        """CRC-32 of what the stores hold."""
        return checksum(np.array([store.fingerprint for store in self.stores]))

    def __getitem__(self, key: Key) -> Batch:
        """Give the batch of an epoch's samples.

        In the process that asks, its arrays are overwritten by the batch after the next: fresh
        memory would cost more than what is copied into it.
        """
        epoch, samples = key
        chosen = np.asarray(samples, np.int64)
        gathers, velocity = self._room(len(chosen))
        flipped = self._uniform(epoch)[chosen] < self.flip
        which = np.searchsorted(self._first, chosen, "right") - 1
        for i in np.lexsort((chosen, which)):  # shard by shard
            store, row = self.stores[which[i]], chosen[i] - self._first[which[i]]
            self._read(store, int(row), bool(flipped[i]), (gathers[i], velocity[i]))
            self.change(epoch, int(chosen[i]), gathers[i], velocity[i])
        places = torch.from_numpy(chosen)
        return Batch(
            torch.from_numpy(gathers),
            torch.from_numpy(velocity),
            self._labels[places],
            self._weights[places],
        )

    def _read(self, store: Store, row: int, flip: bool, room: tuple[Array, Array]) -> None:
        """Copy one sample from the disk to its place, mirrored on the way."""
        gathers, velocity = store.sample(row)
        if flip:
            copy_mirrored(gathers, room[0])
            room[1][:] = velocity[:, ::-1]
        else:
            room[0][:], room[1][:] = gathers[: self.n_shots], velocity

    def velocity_of(self, sample: int) -> Array:
        """Give a sample's map (Z, X) float32, m/s, on the disk, to copy."""
        which = int(np.searchsorted(self._first, sample, "right")) - 1
        return self.stores[which].sample(sample - int(self._first[which]))[1]

    def change(self, epoch: int, sample: int, gathers: Array, velocity: Array) -> None:
        """Augment a sample in its place, by random numbers of its own."""
        if self.augment is None:
            return
        words = np.random.SeedSequence((self.seed, epoch, sample, _AUGMENT)).generate_state(1)
        self.augment.set_random_state(*generators(int(words[0])))
        changed = self.augment(image=gathers, mask=velocity)
        gathers[:], velocity[:] = changed["image"], changed["mask"]

    def _uniform(self, epoch: int) -> Array:
        """Draw a number in [0, 1) for each sample in an epoch."""
        if self._draws[0] != epoch:
            rng = np.random.default_rng((self.seed, epoch, _FLIP))
            self._draws = epoch, rng.random(len(self))
        return self._draws[1]

    def _room(self, n: int) -> tuple[Array, Array]:
        """Give memory for a batch: in turns one of two, but in a worker, whose batches travel."""
        if get_worker_info() is not None:
            return self._allocate(n)
        if not self._rooms or len(self._rooms[0][0]) < n:
            self._rooms = [self._allocate(n), self._allocate(n)]
        self._rooms.reverse()
        gathers, velocity = self._rooms[0]
        return gathers[:n], velocity[:n]

    def _allocate(self, n: int) -> tuple[Array, Array]:
        _, nt, receivers = self.stores[0].gather_shape
        gathers = np.empty((n, self.n_shots, nt, receivers), np.float16)
        return gathers, np.empty((n, *self.stores[0].map_shape), np.float32)


def _check(store: Store, n_shots: int, first: Store) -> None:
    if not len(store):
        raise ValueError(f"the store {store.path} must hold samples to learn from, got none")
    if not store.has_maps:
        raise ValueError(f"the store {store.path} has no maps to learn from; prepare train")
    shots, *record = store.gather_shape
    if shots < n_shots:
        raise ValueError(
            f"the store {store.path} has {shots} shots, the network takes {n_shots}; set its "
            f"option n_shots to {shots}"
        )
    got = (*record, *store.map_shape)
    expected = (*first.gather_shape[1:], *first.map_shape)
    if got != expected:
        raise ValueError(
            f"the store {store.path} must hold samples like those of {first.path}, (time, "
            f"receivers, depth, line) {expected}, got {got}; train on one kind at a time"
        )


def _check_flip(store: Store, flip: float) -> None:
    shots = store.gather_shape[0]
    if flip > 0 and shots not in FLIPPED_SHOTS:
        raise ValueError(
            f"the store {store.path} must have 5 or 6 shots to be flipped, got {shots}; set "
            "train.flip=0"
        )
    recording = recording_of(store) if flip > 0 else None
    if recording is not None and not is_mirror_image(recording):
        raise ValueError(
            f"the line of the store {store.path} must be its own mirror image to be flipped, got "
            "sources or receivers whose mirror images are none; set train.flip=0"
        )
