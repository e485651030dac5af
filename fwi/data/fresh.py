"""Samples that are simulated when they are asked for, in the place of stored ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset, get_worker_info

from fwi import families
from fwi.arrays import Array
from fwi.checks import check_number
from fwi.data.augment.drafts import draw_draft, members, realise
from fwi.data.augment.recipes import MapRecipe, recipe_of
from fwi.data.batch import Batch
from fwi.data.dataset import GatherDataset, Key
from fwi.data.recording import recording_of
from fwi.geometry import AcquisitionGeometry
from fwi.openfwi import FAMILIES, UNKNOWN
from fwi.physics.simulator import simulate

DrawMap = Callable[[np.random.Generator, int], Array]

_FRESH = 4  # a stream of random numbers beside those of the dataset and its order


class FreshDataset(Dataset[Batch]):
    """The batches of a dataset, with new maps and their simulated gathers in some samples' places.

    A new sample has the place, family and weight of the one that it replaces. What is random hangs
    on the dataset's seed, epoch and sample alone, as there.

    Args:
        dataset: whose stores say how they were recorded, in one and the same way.
        share: probability of a new sample.
        draw: gives a new map (Z, X), m/s, for a sample's number, see `augmented_maps` and
            `generated_maps`.

    Raises:
        ValueError: if the share is no probability, or a store does not say how it was recorded, or
            otherwise than the first one.
    """

    def __init__(self, dataset: GatherDataset, share: float, draw: DrawMap) -> None:
        self.dataset, self.draw = dataset, draw
        self.share = check_number("share", share, 0.0, 1.0)
        self.geometry = _recording(dataset)

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.dataset)

    def __getitem__(self, key: Key) -> Batch:
        """Give the batch of an epoch's samples, see `GatherDataset`."""
        batch, (epoch, samples) = self.dataset[key], key
        drawn = [np.random.default_rng((self.dataset.seed, epoch, i, _FRESH)) for i in samples]
        new = [place for place, rng in enumerate(drawn) if rng.random() < self.share]
        if not new:
            return batch
        maps = np.stack([self.draw(drawn[i], int(samples[i])) for i in new]).astype(np.float32)
        # A worker's processes fill the processors already.
        threads = None if get_worker_info() is None else 1
        made = simulate(maps, self.geometry, threads=threads)
        gathers, velocity = batch.gathers.numpy(), batch.velocity.numpy()
        for place, one, other in zip(new, made, maps, strict=True):
            gathers[place], velocity[place] = one, other
            self.dataset.change(epoch, int(samples[place]), gathers[place], velocity[place])
        return batch


def augmented_maps(dataset: GatherDataset, recipe: str | MapRecipe = "default") -> DrawMap:
    """Make new maps of a dataset's own: of its training fold alone, if it holds that alone.

    Args:
        dataset: of the maps.
        recipe: its name, or the recipe.

    Raises:
        KeyError: if there is no such recipe; it names the nearest.
    """
    chosen = recipe_of(recipe)
    labels = dataset.labels.tolist()
    kin, everyone = members(labels), range(len(labels))

    def draw(rng: np.random.Generator, sample: int) -> Array:
        draft = draw_draft(rng, sample, everyone, kin[labels[sample]], chosen)
        return realise(draft, [dataset.velocity_of(i) for i in draft.parents], chosen)

    return draw


def generated_maps(dataset: GatherDataset) -> DrawMap:
    """Draw new maps of the families that a dataset's samples are of.

    Raises:
        ValueError: if a family is unknown.
    """
    labels = dataset.labels.tolist()
    if UNKNOWN in labels:
        raise ValueError(
            "families of the samples must be known to draw new maps of them, got unknown ones; "
            f"use augmented_maps, or name folders after {', '.join(FAMILIES[:3])}, ..."
        )
    return lambda rng, sample: families.sample(FAMILIES[labels[sample]], 1, rng)[0]


def _recording(dataset: GatherDataset) -> AcquisitionGeometry:
    """Give the one recording of all stores, with the shots that the network takes."""
    recordings = [recording_of(store) for store in dataset.stores]
    cut = [r and replace(r, source_x=r.source_x[: dataset.n_shots]) for r in recordings]
    for store, one in zip(dataset.stores, cut, strict=True):
        if one is None or one != cut[0]:
            raise ValueError(
                f"the store {store.path} must say how it was recorded, as all others are, for "
                "fresh samples to be simulated; make it by fwi prepare or simulate, or set "
                "train.fresh=0"
            )
    assert cut[0] is not None
    return cut[0]
