"""Velocity maps by number: of a store, a folder of files, or one file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from fwi.arrays import Array
from fwi.data.catalog import AUGMENTED
from fwi.data.inputs import (
    Inputs,
    PlacedReader,
    StoreReader,
    catalog_rows,
    fingerprint_of,
    unknown_rows,
)
from fwi.data.layouts import find_map_files
from fwi.data.opened import open_map_file
from fwi.data.readers import state_of
from fwi.data.store import Store
from fwi.data.walking import warn_of_left_out
from fwi.files import check_regular


def open_map_inputs(path: Path, made_by: str = "fwi prepare") -> Inputs:
    """Open what holds velocity maps, all of one size.

    Args:
        path: a store with maps, a folder of files of maps, or one such file, which may be
            (Z, X), (n, Z, X) or (n, 1, Z, X).
        made_by: the stage that makes such a store, for the error where it is not finished.

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if a file is damaged, or its maps have another rank or size.
        TypeError: if its values are no numbers.
    """
    if (path / "store.json").exists():
        store = Store(path, made_by)
        if not store.has_maps:
            raise ValueError(f"the store {path} must hold velocity maps, got gathers alone")
        rows = catalog_rows(store)
        rows["origin"] = [o if o.startswith(AUGMENTED) else str(path) for o in rows["origin"]]
        return Inputs(rows, StoreReader(store, "maps"), store.fingerprint, store=store)
    files = _map_files(path)
    counts = _count_maps(files)
    places = [(file, row) for file, n in zip(files, counts, strict=True) for row in range(n)]
    ids = [
        name if n == 1 else f"{name}/{row}"
        for name, n in zip(_names(path, files), counts, strict=True)
        for row in range(n)
    ]
    each = [(file,) for file, _ in places]
    rows = unknown_rows(ids, [file for file, _ in places])
    return Inputs(rows, PlacedReader(places, _reader), fingerprint_of(each), files=each)


def _reader(file: Path) -> Callable[[slice], Array]:
    return _opened(file, state_of(file))


@lru_cache(maxsize=1)
def _opened(file: Path, state: tuple[int, int]) -> Callable[[slice], Array]:
    return open_map_file(file)[2]


def _map_files(path: Path) -> list[Path]:
    if not path.is_dir():
        check_regular(path)
        return [path]
    files, left_out = find_map_files(path)
    warn_of_left_out(left_out)
    return files


def _names(folder: Path, files: list[Path]) -> list[str]:
    """Name files by their own names, and by their places where those are not one of a kind."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return stems
    return [file.relative_to(folder).as_posix() for file in files]


def _count_maps(files: list[Path]) -> list[int]:
    """Count the maps of each file, and see that all are of the first one's size."""
    first, counts = open_map_file(files[0])[1], []
    for file in files:
        n, shape, _ = open_map_file(file)
        if shape != first:
            raise ValueError(
                f"maps of {file} must be {first} as those of {files[0]}, got {shape}; "
                "simulate maps of one size at a time"
            )
        counts.append(n)
    return counts
