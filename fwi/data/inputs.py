"""Gathers by number: of a store, a folder of files, or one file, behind one face."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fwi.arrays import Array
from fwi.data.layouts import (
    Found,
    competition_part,
    find_sources,
    source_of,
)
from fwi.data.opened import open_all
from fwi.data.readers import UNSAID, Sampling
from fwi.data.store import Store
from fwi.files import check_regular
from fwi.geometry import OPENFWI, AcquisitionGeometry


class Reader(Protocol):
    """Reads samples by number."""

    def __call__(self, part: range) -> Array:
        """Read gathers (n, S, T, R), or maps (n, Z, X), m/s."""

    def of(self, part: range) -> Reader:
        """Give the reader of a range of samples alone, numbered from 0."""


@dataclass(frozen=True)
class Inputs:
    """Gathers or maps by number; none is read before it is asked for.

    Attributes:
        rows: sample_id, family, fold and origin of each sample, as a store's catalog has them.
        read: from a range of samples to gathers (n, S, T, R), or maps (n, Z, X), m/s.
        fingerprint: of a store's samples, or of which files there are.
        read_maps: from a range of samples to the true maps (n, Z, X), m/s, where they are known.
        store: from which they come, if from one.
        files: of each sample, if they come from files.
    """

    rows: dict[str, list[Any]]
    read: Reader
    fingerprint: int
    read_maps: Reader | None = None
    store: Store | None = None
    files: Sequence[tuple[Path, ...]] | None = None

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.rows["sample_id"])

    def sources_of(self, part: range) -> tuple[Path, ...]:
        """Give the files that a range of samples is read from, each once."""
        chosen = [] if self.files is None else self.files[part.start : part.stop]
        return tuple(dict.fromkeys(file for files in chosen for file in files))

    def rows_of(self, part: range) -> dict[str, list[Any]]:
        """Give the catalog rows of a range of samples."""
        return {name: column[part.start : part.stop] for name, column in self.rows.items()}

    def of(self, part: range) -> Inputs:
        """Give a range of samples alone, numbered from 0; fingerprint and store are the whole's."""
        return replace(
            self,
            rows=self.rows_of(part),
            read=self.read.of(part),
            read_maps=None if self.read_maps is None else self.read_maps.of(part),
            files=None if self.files is None else self.files[part.start : part.stop],
        )


@dataclass(frozen=True)
class Part:
    """A range of samples, which travels to another process without the others."""

    inputs: Inputs
    span: range

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the other samples behind, and the store that they are from."""
        alone = replace(self.inputs.of(self.span), store=None)
        return Part, (alone, range(len(self.span)))


@dataclass(frozen=True)
class StoreReader:
    """Reads gathers, or maps, of a store."""

    store: Store
    name: str

    def __call__(self, part: range) -> Array:
        """Read samples."""
        read: Callable[[range], Array] = getattr(self.store, self.name)
        return read(part)

    def of(self, part: range) -> StoreReader:
        """Give the reader of some samples alone."""
        return replace(self, store=self.store.part(part))


@dataclass(frozen=True)
class PlacedReader:
    """Reads rows of things that lie in files.

    Attributes:
        places: of each sample, the thing and the row in it.
        reader: from a thing to what reads a slice of it.
    """

    places: Sequence[tuple[Any, int]]
    reader: Callable[[Any], Callable[[slice], Array]]

    def __call__(self, part: range) -> Array:
        """Read samples, those that stand beside each other in one file at once."""
        spans = _runs(self.places[part.start : part.stop])
        return np.concatenate([self.reader(thing)(span) for thing, span in spans])

    def of(self, part: range) -> PlacedReader:
        """Give the reader of some samples alone."""
        return replace(self, places=self.places[part.start : part.stop])


def open_gather_inputs(
    path: Path, said: Sampling = UNSAID, wanted: AcquisitionGeometry = OPENFWI
) -> Inputs:
    """Open what holds gathers.

    Args:
        path: a store, a folder of files of any format and layout that is read, or one such file.
        said: how the gathers of files were recorded, over what they say.
        wanted: how they are wanted, see `fwi.data.resampling`.

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if a file is damaged, has another rank, or was recorded otherwise.
        TypeError: if gathers are not floating.
    """
    if (path / "store.json").exists():
        store = Store(path)
        return Inputs(
            catalog_rows(store),
            StoreReader(store, "gathers"),
            store.fingerprint,
            StoreReader(store, "maps") if store.has_maps else None,
            store,
        )
    opened = open_all(_found(path), said, wanted)
    places = [(samples, row) for samples in opened for row in range(samples.n)]
    rows = unknown_rows(
        [samples.name_of(row) for samples, row in places],
        [samples.source.gathers[0] for samples, _ in places],
    )
    files = [tuple(samples.source.paths) for samples, _ in places]
    with_maps = all(samples.maps is not None for samples in opened)
    maps = PlacedReader(places, attrgetter("maps")) if with_maps else None
    gathers = PlacedReader(places, attrgetter("gathers"))
    return Inputs(rows, gathers, fingerprint_of(files), maps, files=files)


def fingerprint_of(files: Sequence[tuple[Path, ...]]) -> int:
    """CRC-32 of the files' names; whether one was changed is noted shard by shard."""
    return zlib.crc32("\n".join(str(file) for each in files for file in each).encode())


def _found(path: Path) -> Found:
    if path.is_dir():
        return find_sources(competition_part(path, "test"), with_maps=False)
    check_regular(path)
    return Found([source_of(path)], {})


def _runs(places: Sequence[tuple[Any, int]]) -> list[tuple[Any, slice]]:
    """Join consecutive rows of one thing to slices of it."""
    joined: list[tuple[Any, slice]] = []
    for thing, row in places:
        if joined and joined[-1][0] is thing and joined[-1][1].stop == row:
            joined[-1] = thing, slice(joined[-1][1].start, row + 1)
        else:
            joined.append((thing, slice(row, row + 1)))
    return joined


def catalog_rows(store: Store) -> dict[str, list[Any]]:
    """Give sample_id, family, fold and origin of a store's samples."""
    names = ("sample_id", "family", "fold", "origin")
    return {name: store.catalog[name].to_list() for name in names}


def unknown_rows(ids: list[str], files: list[Path]) -> dict[str, list[Any]]:
    """Give the catalog rows of samples of files, of no family and no fold."""
    n = len(ids)
    origin = [str(file) for file in files]
    return {"sample_id": ids, "family": ["unknown"] * n, "fold": [-1] * n, "origin": origin}
