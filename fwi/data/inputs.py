"""What infer and simulate read: a store, a folder of files, or one file, behind one face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_float, check_shape
from fwi.data.formats import find_map_files, find_test_files, open_gathers, open_maps
from fwi.data.store import Store
from fwi.files import fingerprint


@dataclass(frozen=True)
class Inputs:
    """Gathers or maps by number; none is read before it is asked for.

    Attributes:
        rows: sample_id, family, fold and origin of each sample, as a store's catalog has them.
        read: from a range of samples to gathers (n, S, T, R), or maps (n, Z, X), m/s.
        fingerprint: of the samples; another one where what is read changed.
        read_maps: from a range of samples to the true maps (n, Z, X), m/s, where they are known.
    """

    rows: dict[str, list[Any]]
    read: Callable[[range], Array]
    fingerprint: int
    read_maps: Callable[[range], Array] | None = None

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.rows["sample_id"])

    def rows_of(self, part: range) -> dict[str, list[Any]]:
        """Give the catalog rows of a range of samples."""
        return {name: column[part.start : part.stop] for name, column in self.rows.items()}


def open_gather_inputs(path: Path) -> Inputs:
    """Open what holds gathers.

    Args:
        path: a store, a folder with .npy files of (S, T, R), or one such file, which may also
            be (n, S, T, R).

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if a file is damaged or has another rank.
    """
    if (path / "store.json").exists():
        store = Store(path)
        maps = store.maps if store.has_maps else None
        return Inputs(_rows_of(store), store.gathers, store.fingerprint, maps)
    if path.is_file():
        gathers = open_gathers(path)
        n = len(gathers)
        ids = [path.stem] if n == 1 else [f"{path.stem}-{i}" for i in range(n)]
        rows = _unknown(ids, [path] * n)
        return Inputs(rows, lambda part: gathers[part.start : part.stop], fingerprint([path]))
    files = find_test_files(path)
    return Inputs(
        _unknown([file.stem for file in files], files),
        lambda part: np.stack([_one(files[i]) for i in part]),
        fingerprint(files),
    )


def open_map_inputs(path: Path) -> Inputs:
    """Open what holds velocity maps, all of one size.

    Args:
        path: a store with maps, a folder with .npy files of maps, or one such file, which may be
            (Z, X), (n, Z, X) or (n, 1, Z, X).

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if a file is damaged, or its maps have another rank or size.
        TypeError: if its values are not floating.
    """
    if (path / "store.json").exists():
        store = Store(path)
        if not store.has_maps:
            raise ValueError(f"the store {path} must hold velocity maps, got gathers alone")
        rows = {**_rows_of(store), "origin": [str(path)] * len(store)}
        return Inputs(rows, store.maps, store.fingerprint)
    files = find_map_files(path)
    counts = _count_maps(files)
    places = [(file, row) for file, n in zip(files, counts, strict=True) for row in range(n)]
    ids = [
        file.stem if n == 1 else f"{file.stem}/{row}"
        for file, n in zip(files, counts, strict=True)
        for row in range(n)
    ]
    # One at a time, and copied: a folder may hold more files than a process may keep open.
    opened = lru_cache(maxsize=1)(open_maps)

    def read(part: range) -> Array:
        return np.stack([opened(file)[row].copy() for file, row in places[part.start : part.stop]])

    return Inputs(_unknown(ids, [file for file, _ in places]), read, fingerprint(files))


def _count_maps(files: list[Path]) -> list[int]:
    """Count the maps of each file, and see that all are of the first one's size."""
    shape, counts = open_maps(files[0]).shape[1:], []
    for file in files:
        maps = open_maps(file)
        check_shape(f"maps of {file}", maps, (None, *shape), "simulate maps of one size at a time")
        check_float(f"maps of {file}", maps)
        counts.append(len(maps))
    return counts


def _rows_of(store: Store) -> dict[str, list[Any]]:
    names = ("sample_id", "family", "fold", "origin")
    return {name: store.catalog[name].to_list() for name in names}


def _one(file: Path) -> Array:
    gathers = open_gathers(file)
    if len(gathers) != 1:
        raise ValueError(
            f"gathers of {file} must be one sample (shots, time, receivers), got {gathers.shape}; "
            "give fwi infer that file alone"
        )
    return gathers[0]


def _unknown(ids: list[str], files: list[Path]) -> dict[str, list[Any]]:
    n = len(ids)
    origin = [str(file) for file in files]
    return {"sample_id": ids, "family": ["unknown"] * n, "fold": [-1] * n, "origin": origin}
