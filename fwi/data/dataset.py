"""Samples of a store as torch tensors."""

from __future__ import annotations

import numpy as np
import torch
from albumentations import Compose
from torch.utils.data import Dataset

from fwi.data.store import Store
from fwi.openfwi import family_label


class GatherDataset(Dataset[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]):
    """Gathers, maps and family labels of a store, augmented.

    Args:
        store: with maps.
        n_shots: shots that the network takes, the first ones after the augmentation.
        augment: called with image=gathers and mask=velocity; none leaves them as they are.

    Raises:
        ValueError: if the store has no maps, or fewer shots than the network takes.
    """

    def __init__(self, store: Store, n_shots: int, augment: Compose | None = None) -> None:
        if not store.has_maps:
            raise ValueError(f"the store {store.path} has no maps to learn from; prepare train")
        if store.gather_shape[0] < n_shots:
            raise ValueError(
                f"the store {store.path} has {store.gather_shape[0]} shots, "
                f"the network takes {n_shots}"
            )
        self.store, self.n_shots, self.augment = store, n_shots, augment
        self.labels = torch.tensor([family_label(name) for name in store.catalog["family"]])

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.store)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give gathers (S, T, R) float16, velocity (Z, X) float32, m/s, and the family's label."""
        gathers, velocity = self.store.gathers([index])[0], self.store.maps([index])[0]
        if self.augment is not None:
            sample = self.augment(image=gathers, mask=velocity)
            gathers, velocity = sample["image"], sample["mask"]
        gathers = np.ascontiguousarray(gathers[: self.n_shots])
        velocity = np.ascontiguousarray(velocity)
        return torch.from_numpy(gathers), torch.from_numpy(velocity), self.labels[index]
