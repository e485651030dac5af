"""Stores made shard by shard, so that a stopped stage goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwi.arrays import Array
from fwi.data.store import Store
from fwi.data.writer import StoreWriter, remove_store
from fwi.geometry import AcquisitionGeometry
from fwi.physics.simulator import simulate
from fwi.progress import Advance, progress_bar


@dataclass(frozen=True)
class Shard:
    """What goes into one shard: its catalog rows, and how its arrays are made."""

    rows: dict[str, list[Any]]
    make: Callable[[Advance], dict[str, Array]]


def make_store(
    what: str, path: Path, recipe: Mapping[str, Any], shards: Sequence[Shard], *, force: bool
) -> Store:
    """Write the shards that a store still lacks.

    Args:
        what: the stage, for its progress bar.
        path: the store's folder.
        recipe: all that determines the contents.
        shards: those of the whole store.
        force: delete a store that is there and begin anew.

    Returns:
        The finished store.

    Raises:
        FileExistsError: if the folder holds a store of another recipe, without `force`.
        ValueError: if a sample does not fit; the shards finished before are kept.
    """
    if force:
        remove_store(path)
    writer = StoreWriter(path, recipe, len(shards))
    missing = writer.missing()
    if not missing and (path / "catalog.parquet").exists():
        return Store(path)
    sizes = [len(shard.rows["sample_id"]) for shard in shards]
    todo = sum(sizes[i] for i in missing)
    with progress_bar(what, sum(sizes), sum(sizes) - todo) as advance:
        for i in missing:
            writer.write(i, shards[i].rows, **shards[i].make(advance))
    return writer.finish()


def simulated(
    maps: Array, geometry: AcquisitionGeometry, threads: int | None, advance: Advance
) -> dict[str, Array]:
    """Give maps (n, Z, X), m/s, and their gathers as the arrays of a shard."""
    gathers = simulate(maps, geometry, threads=threads, on_sample=lambda _: advance())
    return {"gathers": gathers, "maps": maps}
