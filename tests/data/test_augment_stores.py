"""Stores and batches with augmented maps: labels, origins, folds, and the same bytes by any way."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fwi import families
from fwi.config import Choice, load_config
from fwi.data.augment import gather_pipeline
from fwi.data.batch import Batch
from fwi.data.catalog import AUGMENTED
from fwi.data.dataset import GatherDataset
from fwi.data.folds import split
from fwi.data.fresh import FreshDataset, augmented_maps, generated_maps
from fwi.data.loader import ShuffledLoader
from fwi.data.recording import recording_of
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.openfwi import FAMILIES
from fwi.physics.simulator import simulate
from fwi.stages import prepare
from fwi.stages import simulate as simulate_stage


def prepared(path: Path, *overrides: str, force: bool = False) -> Store:
    base = (f"store={path}", "prepare.n_folds=2", "prepare.shard_size=4")
    return prepare.run(load_config(None, [*base, *overrides]), force=force)


def is_augmented(store: Store) -> list[bool]:
    return [origin.startswith(AUGMENTED) for origin in store.catalog["origin"]]


def parents(origin: str) -> list[str]:
    """Read the parents' names from an origin."""
    found = re.fullmatch(r"augmented: ([A-Za-z, ]+) of (\S+?)(?: and (\S+))?", origin)
    assert found is not None
    assert (found[3] is not None) == bool({"MixUp", "CutMix"} & set(found[1].split(", ")))
    return [name for name in found.groups()[1:] if name]


def check_labels(store: Store, geometry: Any) -> None:
    """See that gathers are those of the maps beside them."""
    chosen = np.flatnonzero(is_augmented(store))[:3]
    expected = simulate(store.maps(chosen), geometry).astype(np.float16)
    assert np.array_equal(store.gathers(chosen), expected)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Eight plain maps of four families and six augmented ones."""
    return prepared(
        tmp_path_factory.mktemp("augmented") / "store",
        "prepare.n_samples=8",
        "prepare.augment=0.75",
        "prepare.families=[FlatVel_A, CurveFault_B, CurveVel_B, Style_A]",
    )


def test_generated_stores_hold_augmented_maps_beside_plain_ones(generated: Store) -> None:
    assert is_augmented(generated) == [False] * 8 + [True] * 6
    check_labels(generated, OPENFWI_SIX_SHOTS)
    assert generated.maps(range(14)).min() >= 1500
    assert generated.maps(range(14)).max() <= 4500
    assert recording_of(generated) == OPENFWI_SIX_SHOTS
    for name, family, origin in generated.catalog["sample_id", "family", "origin"].tail(6).rows():
        assert name.startswith(f"{family}-augmented-")
        assert parents(origin)[0].startswith(f"{family}-0-parent-")
        assert len({int(parent[-7:]) for parent in parents(origin)}) == len(parents(origin))


def test_a_store_is_the_same_from_one_thread_and_its_plain_part_without_augmented_maps(
    generated: Store, tmp_path: Path
) -> None:
    options = (
        "prepare.n_samples=8",
        "prepare.families=[FlatVel_A, CurveFault_B, CurveVel_B, Style_A]",
        "machine.threads=1",
    )
    again = prepared(tmp_path / "again", *options, "prepare.augment=0.75", "prepare.plain=false")
    assert again.catalog.drop("shard").equals(generated.catalog.tail(6).drop("shard"))
    plain = prepared(tmp_path / "plain", *options)
    assert plain.catalog.drop("shard").equals(generated.catalog.head(8).drop("shard"))
    # A store that was begun by a version without augmentation is gone on with.
    assert not {"augment", "augmentation", "plain"} & plain.recipe.keys()
    assert generated.recipe["augment"] == 0.75


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four samples of each of two families in OpenFWI's layout."""
    root = tmp_path_factory.mktemp("files")
    maps = {name: families.sample(name, 4, rng=2) for name in ("FlatVel_A", "Style_B")}
    gathers = simulate(np.concatenate(list(maps.values())), OPENFWI)
    for (name, own), recorded in zip(maps.items(), (gathers[:4], gathers[4:]), strict=True):
        for kind, array in (("data", recorded), ("model", own[:, None])):
            (root / name / kind).mkdir(parents=True)
            np.save(root / name / kind / f"{kind}1.npy", array)
    return root


@pytest.fixture(scope="module")
def imported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The eight plain maps and ten augmented ones."""
    path = tmp_path_factory.mktemp("imported") / "store"
    return prepared(path, f"prepare.folder={folder}", "prepare.augment=1.25")


def test_augmented_maps_of_files_lie_in_the_folds_of_their_parents(imported: Store) -> None:
    assert is_augmented(imported) == [False] * 8 + [True] * 10
    check_labels(imported, OPENFWI)
    rows = imported.catalog.select("sample_id", "family", "fold", "origin").rows()
    known = {name: (family, fold) for name, family, fold, _ in rows[:8]}
    for _, family, fold, origin in rows[8:]:
        theirs = [known[name] for name in parents(origin)]
        assert theirs[0][0] == family
        assert {of for _, of in theirs} == {fold}
    assert {len(parents(row[-1])) for row in rows[8:]} == {1, 2}
    assert {row[2] for row in rows[8:]} == {0, 1}


def test_the_summary_counts_augmented_maps(imported: Store) -> None:
    table = imported.__rich__()
    assert not isinstance(table, str)
    families_, counts, sources = (list(column.cells) for column in table.columns)
    assert families_ == ["FlatVel_A", "Style_B"]
    assert sum(map(int, counts)) == 18
    assert all(re.fullmatch(r"\.npy 4, augmented \d+", source) for source in sources)


def test_augmented_maps_alone_are_those_beside_the_plain_ones(
    imported: Store, folder: Path, tmp_path: Path
) -> None:
    alone = prepared(
        tmp_path / "alone",
        f"prepare.folder={folder}",
        "prepare.augment=1.25",
        "prepare.plain=false",
    )
    beside = imported.catalog.filter(pl.Series(is_augmented(imported)))
    assert beside.drop("shard").equals(alone.catalog.drop("shard"))
    assert len(split(alone, 0)[1]) == (alone.catalog["fold"] == 0).sum()


def test_a_file_that_changes_makes_augmented_maps_outdated(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "files")
    options = (
        f"prepare.folder={tmp_path / 'files'}",
        "prepare.augment=0.25",
        "prepare.plain=false",
    )
    prepared(tmp_path / "store", *options)
    for file in (tmp_path / "files").rglob("model*.npy"):
        maps = np.load(file)
        maps[1:] += 1  # but for the first, which is compared with its gathers
        np.save(file, maps)
    with pytest.raises(FileExistsError, match=r"was made before .* was changed"):
        prepared(tmp_path / "store", *options)


def test_validation_is_of_plain_maps(generated: Store) -> None:
    training, validation = split(generated, 0)
    assert not any(is_augmented(validation))
    assert any(is_augmented(training))
    assert set(training.catalog["fold"]) == {1}
    assert (generated.catalog["fold"] == 0).sum() > len(validation)


def test_a_store_of_augmented_maps_is_augmented_again(generated: Store, tmp_path: Path) -> None:
    chosen = ("simulate.augment=0.25", "simulate.n_shots=5", "simulate.plain=false")
    config = load_config(
        None, [f"store={tmp_path / 'again'}", f"simulate.input={generated.path}", *chosen]
    )
    store = simulate_stage.run(config)
    assert is_augmented(store) == [True] * 4
    check_labels(store, OPENFWI)
    known = dict(generated.catalog["sample_id", "fold"].rows())
    for name, fold, origin in store.catalog["sample_id", "fold", "origin"].rows():
        assert "-reaugmented-" in name
        assert {known[parent] for parent in parents(origin)} == {fold}


def batches(dataset: FreshDataset, workers: int = 0) -> Iterator[Batch]:
    loader = ShuffledLoader(dataset, 4, workers=workers)
    for batch in loader.epoch(1):
        yield Batch(*(part.clone() for part in batch))


def test_fresh_samples_are_exact_and_of_their_own_maps(small_store: Store) -> None:
    training, _ = split(small_store, 0)
    dataset = GatherDataset([training], 5, seed=3)
    fresh = FreshDataset(dataset, 1.0, augmented_maps(dataset, "warp"))
    batch = fresh[2, [0, 7, 11]]
    assert np.array_equal(
        batch.gathers.numpy(), simulate(batch.velocity.numpy(), OPENFWI).astype(np.float16)
    )
    for sample, velocity, label in zip((0, 7, 11), batch.velocity, batch.family, strict=True):
        family = training.catalog["family"][sample]
        own = training.maps([sample])[0]
        assert FAMILIES[label] == family
        assert not np.array_equal(velocity, own)
        if not family.startswith("Style"):  # a layered map has no new velocity: its parent shows
            assert np.isin(velocity, own).all()


def test_a_part_of_the_samples_is_fresh(small_store: Store) -> None:
    dataset = GatherDataset([small_store], 5)
    stored = dataset[0, range(8)].velocity.clone()
    fresh = FreshDataset(dataset, 0.5, generated_maps(dataset))
    new = [
        (fresh[epoch, range(8)].velocity != stored).any(-1).any(-1).numpy() for epoch in range(3)
    ]
    assert 4 <= np.sum(new) <= 20  # of 24; three and a third deviations of 2.4
    assert not np.array_equal(new[0], new[1])
    none = FreshDataset(dataset, 0.0, generated_maps(dataset))
    assert np.array_equal(none[0, range(8)].velocity, stored)


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_give_the_same_fresh_samples(small_store: Store, workers: int) -> None:
    few = small_store.where(pl.col("shard") == 0)
    augment = gather_pipeline([Choice(name="noise"), Choice(name="amplitude")])
    dataset = GatherDataset([few], 5, flip=0.5, augment=augment)
    fresh = FreshDataset(dataset, 0.5, augmented_maps(dataset))
    for one, other in zip(batches(fresh), batches(fresh, workers), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_what_cannot_be_simulated_anew_is_refused(small_store: Store, tmp_path: Path) -> None:
    rows = {"sample_id": ["a"], "family": ["A"], "fold": [0], "origin": [""]}
    writer = StoreWriter(tmp_path / "unknown", {}, 1)
    writer.write(0, rows, gathers=np.zeros((1, 5, 9, 4)), maps=np.full((1, 5, 5), 2e3))
    dataset = GatherDataset([writer.finish()], 5)
    with pytest.raises(ValueError, match=r"must say how it was recorded, .*train\.fresh=0"):
        FreshDataset(dataset, 0.5, augmented_maps(dataset))
    with pytest.raises(ValueError, match="families of the samples must be known"):
        generated_maps(dataset)
