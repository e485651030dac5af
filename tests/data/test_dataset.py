"""Batches: what they hold, that they hang on seed, epoch and sample alone, and in which order."""

import shutil
from pathlib import Path

import albumentations as A
import numpy as np
import numpy.typing as npt
import pytest
import torch

from fwi.data.batch import Batch
from fwi.data.dataset import GatherDataset
from fwi.data.loader import FixedBatches, ShuffledLoader
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.geometry import flip_gathers
from fwi.openfwi import FAMILIES


def copied(batch: Batch) -> Batch:
    return Batch(*(part.clone() for part in batch))


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class Noise(A.DualTransform):
    """Add a drawn number to gathers and map."""

    def get_params(self) -> dict[str, float]:
        """Draw it."""
        return {"added": float(self.random_generator.normal())}

    def apply(self, img: npt.NDArray, added: float = 0.0, **_: object) -> npt.NDArray:
        """Add it to the gathers."""
        return (img + added).astype(img.dtype)

    def apply_to_mask(self, mask: npt.NDArray, added: float = 0.0, **_: object) -> npt.NDArray:
        """Add it to the map."""
        return mask + np.float32(added)


def noise() -> A.Compose:
    return A.Compose([Noise(p=1.0)], is_check_shapes=False)


def test_a_batch_is_its_samples(small_store: Store) -> None:
    batch = GatherDataset([small_store], 5)[3, [7, 0, 31]]
    assert np.array_equal(batch.gathers.numpy(), small_store.gathers([7, 0, 31])[:, :5])
    assert np.array_equal(batch.velocity.numpy(), small_store.maps([7, 0, 31]))
    names = small_store.catalog["family"].to_list()
    assert [FAMILIES[i] for i in batch.family] == [names[i] for i in (7, 0, 31)]
    assert batch.family.dtype == torch.int64
    assert batch.weight.tolist() == [1, 1, 1]
    assert (batch.gathers.dtype, batch.velocity.dtype) == (torch.float16, torch.float32)


def test_flipped_samples_are_mirror_images_and_about_half(small_store: Store) -> None:
    everything = list(range(len(small_store)))
    gathers, maps = small_store.gathers(everything), small_store.maps(everything)
    dataset, flips = GatherDataset([small_store], 5, flip=0.5), []
    for epoch in range(5):
        batch = dataset[epoch, everything]
        for i in everything:
            flips.append(not np.array_equal(batch.gathers[i].numpy(), gathers[i, :5]))
            mirrored = flip_gathers(gathers[i])[:5], maps[i][:, ::-1]
            expected = mirrored if flips[-1] else (gathers[i, :5], maps[i])
            assert np.array_equal(batch.gathers[i].numpy(), expected[0])
            assert np.array_equal(batch.velocity[i].numpy(), expected[1])
    assert 70 <= sum(flips) <= 130  # four standard deviations of 200 fair coins are 28
    assert flips[: len(everything)] != flips[len(everything) : 2 * len(everything)]


def test_all_and_none_are_flipped_at_the_ends(small_store: Store) -> None:
    for flip, view in ((0.0, slice(None)), (1.0, slice(None, None, -1))):
        batch = GatherDataset([small_store], 5, flip=flip)[0, [4, 9]]
        assert np.array_equal(batch.velocity.numpy(), small_store.maps([4, 9])[..., view])


@pytest.mark.parametrize("augment", [None, noise()], ids=["flip", "pipeline"])
def test_a_sample_is_drawn_by_seed_epoch_and_place_alone(
    small_store: Store, augment: A.Compose | None
) -> None:
    def dataset(seed: int = 3) -> GatherDataset:
        return GatherDataset([small_store], 5, flip=0.5, augment=augment, seed=seed)

    whole = copied(dataset()[2, range(40)])
    used = dataset()
    used[7, [1, 2]], used[2, [0]]
    for i in (39, 3, 20):  # in any order, after anything, in a batch of any size
        assert same(used[2, [i]], Batch(*(part[i : i + 1] for part in whole)))
    others = [copied(dataset()[3, range(40)]), copied(dataset(seed=4)[2, range(40)])]
    assert not any(torch.equal(whole.velocity, other.velocity) for other in others)


def test_a_pipeline_changes_gathers_and_map_together(small_store: Store) -> None:
    plain = copied(GatherDataset([small_store], 5)[0, [0, 1]])
    changed = GatherDataset([small_store], 5, augment=noise())[0, [0, 1]]
    added = (changed.velocity - plain.velocity)[:, 0, 0]
    assert added.abs().min() > 1e-3
    assert added[0] != added[1]
    moved = (changed.gathers.float() - plain.gathers.float())[:, 0, 0, 0]
    # The first sample of the record is silent: what was added, in float16; the map's in float32.
    torch.testing.assert_close(moved, added, rtol=0, atol=2e-3)


def test_stores_follow_each_other_with_their_weights(small_store: Store, tmp_path: Path) -> None:
    shutil.copytree(small_store.path, tmp_path / "other")
    other = Store(tmp_path / "other")
    dataset = GatherDataset([small_store, other], 5, weights=[1.0, 0.25])
    assert len(dataset) == 80
    batch = dataset[0, [45, 5, 79]]
    assert batch.weight.tolist() == [0.25, 1.0, 0.25]
    assert np.array_equal(batch.velocity.numpy(), small_store.maps([5, 5, 39]))
    alone = GatherDataset([small_store], 5)
    assert dataset.fingerprint != alone.fingerprint


def test_stores_of_another_kind_are_refused(small_store: Store, tmp_path: Path) -> None:
    rows = {"sample_id": ["a"], "family": ["A"], "fold": [0], "origin": [""]}
    writer = StoreWriter(tmp_path / "short", {}, 1)
    writer.write(0, rows, gathers=np.zeros((1, 6, 500, 70)), maps=np.full((1, 70, 70), 2e3))
    with pytest.raises(ValueError, match=r"must hold samples like those of .*\(1000, 70, 70, 70\)"):
        GatherDataset([small_store, writer.finish()], 5)
    bare = StoreWriter(tmp_path / "bare", {}, 1)
    bare.write(0, rows, gathers=np.zeros((1, 6, 1000, 70)))
    with pytest.raises(ValueError, match="has no maps to learn from"):
        GatherDataset([small_store, bare.finish()], 5)
    with pytest.raises(ValueError, match="has 6 shots, the network takes 7"):
        GatherDataset([small_store], 7)


def test_shots_without_mirror_images_are_not_flipped(tmp_path: Path) -> None:
    rows = {"sample_id": ["a"], "family": ["A"], "fold": [0], "origin": [""]}
    writer = StoreWriter(tmp_path / "three", {}, 1)
    writer.write(0, rows, gathers=np.zeros((1, 3, 9, 4)), maps=np.full((1, 5, 5), 2e3))
    store = writer.finish()
    with pytest.raises(ValueError, match=r"must have 5 or 6 shots to be flipped, got 3; set train"):
        GatherDataset([store], 3, flip=0.1)
    assert GatherDataset([store], 3)[0, [0]].gathers.shape == (1, 3, 9, 4)


def test_two_batches_in_line_stand_side_by_side(small_store: Store) -> None:
    dataset = GatherDataset([small_store], 5)
    first = dataset[0, [0, 1]]
    kept = copied(first)
    second = dataset[0, [2, 3]]
    assert same(first, kept)
    assert not torch.equal(first.velocity, second.velocity)


def test_an_epoch_is_every_sample_once_in_an_order_of_its_own(small_store: Store) -> None:
    loader = ShuffledLoader(GatherDataset([small_store], 5), 7, seed=1)
    assert len(loader) == 5  # 40 samples, of which five are left out
    maps = {small_store.maps([i]).tobytes(): i for i in range(40)}

    def order(epoch: int, first: int = 0, loader: ShuffledLoader = loader) -> list[int]:
        batches = loader.epoch(epoch, first)
        return [maps[m.numpy().tobytes()] for batch in batches for m in batch.velocity]

    one, two = order(0), order(1)
    assert len(set(one)) == len(one) == 35
    assert one != two
    assert order(0) == one
    assert order(1, first=3) == two[21:]
    other = ShuffledLoader(GatherDataset([small_store], 5), 7, seed=2)
    assert order(0, loader=other) != one


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_give_the_same_batches(small_store: Store, workers: int) -> None:
    dataset = GatherDataset([small_store], 5, flip=0.5, augment=noise())
    inline, apart = (ShuffledLoader(dataset, 8, workers=n) for n in (0, workers))
    for epoch in (0, 1):
        expected = [copied(batch) for batch in inline.epoch(epoch, 1)]
        got = list(apart.epoch(epoch, 1))
        assert len(got) == len(expected) == 4
        assert all(same(a, b) for a, b in zip(got, expected, strict=True))


def test_a_store_smaller_than_a_batch_is_one_batch(small_store: Store) -> None:
    loader = ShuffledLoader(GatherDataset([small_store], 5), 100)
    assert len(loader) == 1
    assert loader.batch_size == 40
    assert [len(batch.velocity) for batch in loader.epoch(0)] == [40]


def test_fixed_batches_repeat(small_store: Store) -> None:
    dataset = GatherDataset([small_store], 5)
    batches = [copied(dataset[0, [i]]) for i in range(3)]
    loader = FixedBatches(batches)
    assert len(loader) == 3
    assert all(a is b for a, b in zip(loader.epoch(4, 1), batches[1:], strict=True))
