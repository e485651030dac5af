"""What `train.augment` and `train.fresh` make of the batches that a fit learns from."""

import numpy as np

from fwi.config import MachineConfig, TrainConfig
from fwi.data.augment import DeadReceivers
from fwi.data.fresh import FreshDataset
from fwi.data.store import Store
from fwi.geometry import OPENFWI
from fwi.physics.simulator import simulate
from fwi.training.experiment import Experiment

TINY = {"model": "physics_unet", "options": {"width": 1}, "batch_size": 4, "flip": 0.0}


def built(store: Store, **train: object) -> Experiment:
    return Experiment.build(TrainConfig(**TINY, **train), MachineConfig(device="cpu"), store)


def test_nothing_is_augmented_unless_it_is_asked_for(small_store: Store) -> None:
    experiment = built(small_store)
    assert experiment.batches is experiment.dataset
    assert experiment.dataset.augment is None


def test_named_transforms_change_the_samples(small_store: Store) -> None:
    dead = {"name": "dead_receivers", "options": {"count": 3, "p": 1.0}}
    experiment = built(small_store, augment=[dead, "amplitude"])
    assert isinstance(experiment.dataset.augment.transforms[0], DeadReceivers)
    batch = next(iter(experiment.loader().epoch(0)))
    silent = (batch.gathers == 0).all(dim=2).all(dim=1)
    assert silent.sum(dim=1).tolist() == [3] * 4


def test_fresh_samples_are_simulated_and_augmented_too(small_store: Store) -> None:
    quiet = {"name": "amplitude", "options": {"factor": 0.5, "p": 1.0}}
    experiment = built(small_store, fresh=1.0, augmentation="warp", augment=[quiet])
    assert isinstance(experiment.batches, FreshDataset)
    batch = next(iter(experiment.loader().epoch(0)))
    expected = simulate(batch.velocity.numpy(), OPENFWI).astype(np.float16)
    # Halves of float16 numbers are exact, but for the smallest.
    np.testing.assert_allclose(batch.gathers.numpy(), expected / 2, rtol=0, atol=1e-7)
    stored = experiment.dataset.stores[0]
    maps = {velocity.tobytes() for velocity in stored.maps(range(len(stored)))}
    assert not any(velocity.numpy().tobytes() in maps for velocity in batch.velocity)
