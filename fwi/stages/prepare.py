"""prepare: from generated families, or from a competition folder, to a store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwi import families
from fwi.arrays import Array
from fwi.checks import check_gathers, check_shape, check_velocity
from fwi.config import Config, PrepareConfig
from fwi.data.blocks import batches
from fwi.data.folds import assign_folds
from fwi.data.formats import TrainingFile, find_test_files, find_training_files, open_gathers
from fwi.data.shards import Shard, make_store, simulated
from fwi.data.store import Store
from fwi.files import open_array
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.progress import Advance


def run(config: Config, *, force: bool = False) -> Store:
    """Prepare the config's store, or finish one that was stopped.

    Args:
        config: reads `prepare` and `store`.
        force: delete a store that is there and begin anew.

    Returns:
        The finished store.

    Raises:
        FileExistsError: if the folder holds a store made otherwise, without `force`.
        FileNotFoundError: if the source folder or its files are missing.
        ValueError: if a file does not fit; the shards finished before are kept.
    """
    prepare = config.prepare
    shards = _plan(prepare)
    return make_store("prepare", config.store_path, _recipe(prepare), shards, force=force)


def _recipe(prepare: PrepareConfig) -> dict[str, Any]:
    """All that determines the contents but for the files' own, so that one can be repaired."""
    return prepare.model_dump(mode="json", exclude={"threads"})


def _plan(prepare: PrepareConfig) -> list[Shard]:
    if prepare.folder is None:
        return list(_generated(prepare))
    if prepare.split == "test":
        return list(_test(prepare, find_test_files(prepare.folder)))
    return list(_training(prepare, find_training_files(prepare.folder)))


def _generated(prepare: PrepareConfig) -> Iterator[Shard]:
    """Families in turn, so that every shard and every fold holds all of them."""
    known = prepare.families or list(families.NAMES)
    names = [known[i % len(known)] for i in range(prepare.n_samples)]
    folds = assign_folds(names, prepare.n_folds, prepare.seed)
    for shard, part in enumerate(batches(range(len(names)), prepare.shard_size)):
        chosen = [names[i] for i in part]
        rows: dict[str, list[Any]] = {
            "sample_id": [f"{names[i]}-{prepare.seed}-{i:07d}" for i in part],
            "family": chosen,
            "fold": [int(folds[i]) for i in part],
            "origin": ["generated"] * len(part),
        }
        seed = np.random.SeedSequence(prepare.seed, spawn_key=(shard,))
        yield Shard(rows, partial(_sampled, chosen, seed, prepare))


def _sampled(
    names: list[str], seed: np.random.SeedSequence, prepare: PrepareConfig, advance: Advance
) -> dict[str, Array]:
    maps = np.empty((len(names), OPENFWI.nz, OPENFWI.nx), np.float32)
    labels = np.asarray(names)
    distinct = sorted(set(names))
    for family, child in zip(distinct, seed.spawn(len(distinct)), strict=True):
        members = np.flatnonzero(labels == family)
        maps[members] = families.sample(family, len(members), child)
    return simulated(maps, OPENFWI_SIX_SHOTS, prepare.threads, advance)


def _training(prepare: PrepareConfig, files: list[TrainingFile]) -> Iterator[Shard]:
    counts = [len(open_gathers(file.gathers)) for file in files]
    names = [file.family for file, n in zip(files, counts, strict=True) for _ in range(n)]
    folds = assign_folds(names, prepare.n_folds, prepare.seed)
    first = 0
    for file, n in zip(files, counts, strict=True):
        for part in batches(range(n), prepare.shard_size):
            rows: dict[str, list[Any]] = {
                "sample_id": [f"{file.family}/{file.gathers.stem}/{i}" for i in part],
                "family": [file.family] * len(part),
                "fold": [int(folds[first + i]) for i in part],
                "origin": [str(file.gathers)] * len(part),
            }
            yield Shard(rows, partial(_read_training, file, part))
        first += n


def _read_training(file: TrainingFile, part: range, advance: Advance) -> dict[str, Array]:
    span = slice(part.start, part.stop)
    gathers, maps = open_gathers(file.gathers), open_array(file.maps)
    check_shape(f"maps of {file.maps}", maps, (len(gathers), 1, OPENFWI.nz, OPENFWI.nx))
    gathers, maps = gathers[span], maps[span, 0]
    samples = f"samples {part.start} to {part.stop - 1} of"
    check_gathers(gathers, *OPENFWI.gather_shape, name=f"gathers, {samples} {file.gathers},")
    check_velocity(maps, OPENFWI.nz, OPENFWI.nx, name=f"maps, {samples} {file.maps},")
    advance(len(part))
    return {"gathers": gathers, "maps": maps}


def _test(prepare: PrepareConfig, files: list[Path]) -> Iterator[Shard]:
    """Test gathers belong to no family and no fold: their maps are unknown."""
    for part in batches(range(len(files)), prepare.shard_size):
        chosen = [files[i] for i in part]
        rows: dict[str, list[Any]] = {
            "sample_id": [file.stem for file in chosen],
            "family": ["unknown"] * len(part),
            "fold": [-1] * len(part),
            "origin": [str(file) for file in chosen],
        }
        yield Shard(rows, partial(_read_test, chosen))


def _read_test(files: list[Path], advance: Advance) -> dict[str, Array]:
    gathers = np.empty((len(files), *OPENFWI.gather_shape), np.float32)
    for i, file in enumerate(files):
        one = open_gathers(file)
        check_gathers(one, *OPENFWI.gather_shape, name=f"gathers of {file}")
        check_shape(f"gathers of {file}", one, (1, *OPENFWI.gather_shape))
        gathers[i] = one[0]
        advance()
    return {"gathers": gathers}
