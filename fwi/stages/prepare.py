"""prepare: from generated families, or from a competition folder, to a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.checks import check_gathers, check_shape, check_velocity
from fwi.config import Config, PrepareConfig
from fwi.data.catalog import TrainingFile, find_test_files, find_training_files, open_gathers
from fwi.data.folds import assign_folds
from fwi.data.store import Store, StoreWriter, remove_store
from fwi.files import open_array
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.physics import families
from fwi.physics.simulator import simulate
from fwi.progress import Advance, progress_bar
from fwi.stages.batches import batches

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Shard:
    """What goes into one shard: its catalog rows, and how its arrays are made."""

    rows: dict[str, list[Any]]
    make: Callable[[Advance], dict[str, Array]]


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
    prepare, path = config.prepare, config.store_path
    shards = _plan(prepare)
    if force:
        remove_store(path)
    writer = StoreWriter(path, _recipe(prepare), len(shards))
    missing = writer.missing()
    if not missing and (path / "catalog.parquet").exists():
        return Store(path)
    sizes = [len(shard.rows["sample_id"]) for shard in shards]
    todo = sum(sizes[i] for i in missing)
    with progress_bar("prepare", sum(sizes), sum(sizes) - todo) as advance:
        for i in missing:
            writer.write(i, shards[i].rows, **shards[i].make(advance))
    return writer.finish()


def _recipe(prepare: PrepareConfig) -> dict[str, Any]:
    """All that determines the contents but for the files' own, so that one can be repaired."""
    return prepare.model_dump(mode="json", exclude={"threads"})


def _plan(prepare: PrepareConfig) -> list[_Shard]:
    if prepare.folder is None:
        return list(_generated(prepare))
    if prepare.split == "test":
        return list(_test(prepare, find_test_files(prepare.folder)))
    return list(_training(prepare, find_training_files(prepare.folder)))


def _generated(prepare: PrepareConfig) -> Iterator[_Shard]:
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
        yield _Shard(rows, partial(_simulated, chosen, seed, prepare))


def _simulated(
    names: list[str], seed: np.random.SeedSequence, prepare: PrepareConfig, advance: Advance
) -> dict[str, Array]:
    maps = np.empty((len(names), OPENFWI.nz, OPENFWI.nx), np.float32)
    labels = np.asarray(names)
    distinct = sorted(set(names))
    for family, child in zip(distinct, seed.spawn(len(distinct)), strict=True):
        members = np.flatnonzero(labels == family)
        maps[members] = families.sample(family, len(members), child)
    gathers = simulate(
        maps, OPENFWI_SIX_SHOTS, threads=prepare.threads, on_sample=lambda _: advance()
    )
    return {"gathers": gathers, "maps": maps}


def _training(prepare: PrepareConfig, files: list[TrainingFile]) -> Iterator[_Shard]:
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
            yield _Shard(rows, partial(_read_training, file, part))
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


def _test(prepare: PrepareConfig, files: list[Path]) -> Iterator[_Shard]:
    """Test gathers belong to no family and no fold: their maps are unknown."""
    for part in batches(range(len(files)), prepare.shard_size):
        chosen = [files[i] for i in part]
        rows: dict[str, list[Any]] = {
            "sample_id": [file.stem for file in chosen],
            "family": ["unknown"] * len(part),
            "fold": [-1] * len(part),
            "origin": [str(file) for file in chosen],
        }
        yield _Shard(rows, partial(_read_test, chosen))


def _read_test(files: list[Path], advance: Advance) -> dict[str, Array]:
    gathers = np.empty((len(files), *OPENFWI.gather_shape), np.float32)
    for i, file in enumerate(files):
        one = open_gathers(file)
        check_gathers(one, *OPENFWI.gather_shape, name=f"gathers of {file}")
        check_shape(f"gathers of {file}", one, (1, *OPENFWI.gather_shape))
        gathers[i] = one[0]
        advance()
    return {"gathers": gathers}
