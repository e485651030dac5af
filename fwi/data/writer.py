"""Stores written shard by shard."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.data.catalog import FORMAT, read_header, read_table
from fwi.data.contents import stored_as
from fwi.data.states import States, read_states, write_states
from fwi.data.store import Store, shard_folder
from fwi.files import (
    atomic_file,
    explained_place,
    locked,
    remove_folder,
    remove_leftovers,
    staged_part,
    staging_folder,
    take_over,
)


class StoreWriter:
    """Writes a store shard by shard, and goes on where an earlier writer was stopped.

    The folder is taken when the first shard's contents are at hand, not before: a run that fails
    leaves nothing that would be in the way of the next.

    Args:
        path: the store's folder.
        recipe: all that determines the contents; a store begun with another one is refused.
        n_shards: number of shards that make the store whole.
        force: replace a store that is there, when the first shard is at hand.

    Raises:
        FileExistsError: if the folder holds a store of another recipe, without `force`, or
            something else.
        NotADirectoryError: if it is a file.
    """

    def __init__(
        self, path: Path, recipe: Mapping[str, Any], n_shards: int, *, force: bool = False
    ) -> None:
        self.path, self.n_shards = path, n_shards
        recipe = json.loads(json.dumps(recipe))
        self._header = {"format": FORMAT, "n_shards": n_shards, "recipe": recipe}
        self._described, self._whole = path / "store.json", path / "catalog.parquet"
        with explained_place(path):
            there = path.exists()
        if there and not path.is_dir():
            raise NotADirectoryError(f"{path} must be a folder for a store, got a file")
        if self._described.exists():
            self._replaces = force or self._is_another()
        elif there and any(not p.name.startswith(".store.json.") for p in path.iterdir()):
            raise FileExistsError(f"{path} is not empty and holds no store; use another folder")
        else:
            self._replaces = False

    def _is_another(self) -> bool:
        """Tell whether a store that was begun here may go: nothing of it is finished."""
        finished = any(p.name.isdigit() for p in (self.path / "shards").glob("*"))
        try:
            same = read_header(self._described).items() >= self._header.items()
        except ValueError:
            if finished:
                raise
            return True
        if not same and finished:
            raise FileExistsError(
                f"{self.path} holds a store made otherwise; use another folder, or --force to "
                "replace it"
            )
        return not same

    def missing(self) -> list[int]:
        """Numbers of the shards that are still to be written."""
        return [
            i
            for i in range(self.n_shards)
            if self._replaces or not shard_folder(self.path, i).exists()
        ]

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to write."""
        return not self.missing() and self._whole.exists()

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Take the folder; if the block fails, and nothing was taken before, nothing is left."""
        if self._replaces:
            remove_folder(self.path)
            self._replaces = False
        folder = self.path.resolve()
        begun, was_there = self._described.exists(), folder.exists()
        try:
            if not begun:
                self._describe(self._header)
            yield
        except BaseException:
            if not begun:
                shutil.rmtree(folder, ignore_errors=True)
                if was_there:
                    folder.mkdir()
            raise

    def _describe(self, header: dict[str, Any]) -> None:
        with atomic_file(self._described) as temporary:
            temporary.write_text(json.dumps(header, indent=2), encoding="utf-8")

    def write(self, shard: int, rows: Mapping[str, Sequence[Any]], **arrays: Array) -> None:
        """Write one shard of contents that are at hand, see `write_shard`."""
        with self.staging() as staging:
            with staged_part(staging, shard_folder(self.path, shard)) as part:
                write_shard(part, shard, rows, arrays)
            self.take(shard, part)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a folder for parts of the store, see `take`, and sweep away what others left."""
        remove_leftovers(self.path / "shards")  # of earlier versions
        with staging_folder(self.path) as staging:
            yield staging

    def take(self, shard: int, part: Path) -> None:
        """Take a shard that was written into a part, and what else is in it, into the store.

        Args:
            shard: its number.
            part: see `fwi.files.staged_part`; its files come to the same places in the store, the
                shard last: it is what says that the others are there.
        """
        self._whole.unlink(missing_ok=True)  # of a store that lost this shard
        with self.claim():
            take_over(part, self.path, shard_folder(part, shard))

    def sources(self, shard: int) -> States:
        """Give the states of the files that a shard was read from, as they were then."""
        return read_states(shard_folder(self.path, shard))

    def note_sources(self, shard: int, sources: States) -> None:
        """Keep the files' states anew, once they are known to hold what the shard holds."""
        write_states(shard_folder(self.path, shard), sources)

    def holds(self, shard: int, rows: Mapping[str, Sequence[Any]], **arrays: Array) -> bool:
        """Tell whether a shard that is there holds these contents, see `write`."""
        _, frame = stored_as(shard, rows, arrays)
        return self._catalog(shard).equals(frame)

    def _catalog(self, shard: int) -> pl.DataFrame:
        return read_table(shard_folder(self.path, shard) / "catalog.parquet")

    def finish(self) -> Store:
        """Join the shards' catalogs into the store's, and open it."""
        if not self.finished:
            parts = [self._catalog(i) for i in range(self.n_shards)]
            with atomic_file(self._whole) as temporary:
                pl.concat(parts).write_parquet(temporary)
                self._describe({**self._header, "catalog": zlib.crc32(temporary.read_bytes())})
        return Store(self.path)


def write_shard(
    part: Path,
    shard: int,
    rows: Mapping[str, Sequence[Any]],
    arrays: Mapping[str, Array],
    sources: States | None = None,
) -> None:
    """Write one shard whole into a part of its store, see `StoreWriter.take`.

    Args:
        part: the folder.
        shard: its number.
        rows: sample_id, family, fold and origin of its samples.
        arrays: gathers (n, S, T, R) and maps (n, Z, X), or one of them; cast to the store's
            dtypes.
        sources: states of the files that it was read from, before they were.

    Raises:
        ValueError: if a value is not finite in the store's dtype, or shapes do not fit.
    """
    stored, frame = stored_as(shard, rows, arrays)
    folder = shard_folder(part, shard)
    folder.mkdir(parents=True)
    for name, array in stored.items():
        np.save(folder / f"{name}.npy", array)
    if sources:
        write_states(folder, sources)
    frame.write_parquet(folder / "catalog.parquet")


@contextmanager
def store_writer(
    path: Path, recipe: Mapping[str, Any], n_shards: int, *, force: bool = False
) -> Iterator[StoreWriter]:
    """Open a store for writing, see `StoreWriter`, for this process alone.

    A finished one is not held: it may be in a place where nothing can be written.

    Raises:
        BlockingIOError: if another process is writing it.
    """
    there = StoreWriter(path, recipe, n_shards, force=force)
    if there.finished:
        yield there
        return
    with locked(path):
        yield StoreWriter(path, recipe, n_shards, force=force)
