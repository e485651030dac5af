"""Stores made shard by shard, so that a stopped stage goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fwi.arrays import Array
from fwi.config import MachineConfig
from fwi.data.states import changed, states_of
from fwi.data.store import Store, shard_folder
from fwi.data.writer import StoreWriter, store_writer, write_shard
from fwi.execution import carry_out
from fwi.files import staged_part
from fwi.geometry import AcquisitionGeometry
from fwi.physics.simulator import simulate
from fwi.progress import Advance, progress_bar

LOCAL = MachineConfig()


@dataclass(frozen=True)
class Shard:
    """What goes into one shard: its catalog rows, and how its arrays are made.

    Attributes:
        rows: sample_id, family, fold and origin of its samples.
        make: gives its arrays by name, and counts the samples on the way; another process may
            be sent it.
        sources: the files that `make` reads; where one was changed since, the store is refused.
    """

    rows: dict[str, list[Any]]
    make: Callable[[Advance], dict[str, Array]]
    sources: tuple[Path, ...] = ()


def make_store(
    what: str,
    path: Path,
    recipe: Mapping[str, Any],
    shards: Sequence[Shard],
    *,
    force: bool,
    machine: MachineConfig = LOCAL,
    networks: bool = False,
) -> Store:
    """Write the shards that a store still lacks; who makes them leaves no trace in it.

    Args:
        what: the stage, for its progress bar.
        path: the store's folder.
        recipe: all that determines the contents, but for the shards' sources.
        shards: those of the whole store.
        force: replace a store that is there, once the first shard is made.
        machine: who makes the shards, see `fwi.execution.carry_out`.
        networks: whether they are faster made on a GPU.

    Returns:
        The finished store.

    Raises:
        BlockingIOError: if another process is writing the store.
        FileExistsError: if the folder holds a store of another recipe, or of sources that were
            changed since, without `force`.
        ValueError: if a sample does not fit; the shards finished before are kept.
    """
    _check_names(shards)
    with store_writer(path, recipe, len(shards), force=force) as writer:
        _check_sources(writer, shards)
        missing = writer.missing()
        sizes = [len(shard.rows["sample_id"]) for shard in shards]
        todo = sum(sizes[i] for i in missing)
        with (
            writer.staging() as staging,
            progress_bar(what, sum(sizes), sum(sizes) - todo) as advance,
        ):
            carry_out(
                machine,
                partial(_stage, staging, path),
                ((i, shards[i]) for i in missing),
                advance,
                lambda numbered, part: writer.take(numbered[0], part),
                networks=networks,
            )
        return writer.finish()


def _stage(staging: Path, path: Path, numbered: tuple[int, Shard], advance: Advance) -> Path:
    """Make a shard of the store at `path` in a folder of its own."""
    i, shard = numbered
    with staged_part(staging, shard_folder(path, i)) as part:
        sources = states_of(shard.sources)
        write_shard(part, i, shard.rows, shard.make(advance), sources)
    return part


def _check_names(shards: Sequence[Shard]) -> None:
    """Refuse what the finished store would be refused for, before hours of work."""
    counts = Counter(name for shard in shards for name in shard.rows["sample_id"])
    twice = [name for name, n in counts.items() if n > 1]
    if twice:
        origins = [
            str(origin)
            for shard in shards
            for name, origin in zip(shard.rows["sample_id"], shard.rows["origin"], strict=True)
            if name == twice[0]
        ]
        raise ValueError(
            f"sample_id must not repeat, got {twice[0]!r} from {' and '.join(origins[:2])}; "
            "rename a file"
        )


def _check_sources(writer: StoreWriter, shards: Sequence[Shard]) -> None:
    """Refuse to go on with, or to hand out, shards of files that have other contents by now."""
    for i in sorted(set(range(len(shards))) - set(writer.missing())):
        now = states_of(shards[i].sources)
        suspects = changed(now, writer.sources(i)) if now else []
        if not suspects:
            continue
        arrays = shards[i].make(lambda *_, **__: None)
        if not writer.holds(i, shards[i].rows, **arrays):
            raise outdated(writer.path, suspects[0])
        with suppress(OSError):  # not noted, it is only read again the next time
            writer.note_sources(i, now)


def outdated(path: Path, file: str) -> FileExistsError:
    """Say that a store was made before a file was changed."""
    return FileExistsError(
        f"{path} was made before {file} was changed; use another folder, or --force to make it anew"
    )


def simulated(
    maps: Array, geometry: AcquisitionGeometry, threads: int | None, advance: Advance
) -> dict[str, Array]:
    """Give maps (n, Z, X), m/s, and their gathers as the arrays of a shard."""
    gathers = simulate(maps, geometry, threads=threads, on_sample=lambda _: advance())
    return {"gathers": gathers, "maps": maps}
