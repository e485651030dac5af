"""The store: shards of float16 gathers and float32 maps, and one parquet catalog.

    store/store.json               what it was made from, and its catalog's checksum
    store/catalog.parquet          one row a sample; written last, so it marks a finished store
    store/shards/00000/            gathers.npy, maps.npy (either may be absent), catalog.parquet,
                                   and sources.json where it was read from files

A shard is a folder renamed into place whole: it is there and complete, or not there.
"""

from __future__ import annotations

import copy
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

from fwi.arrays import Array
from fwi.checks import check_shape
from fwi.config import as_path
from fwi.data.catalog import read_catalog, read_header
from fwi.data.summary import family_table
from fwi.files import open_array
from fwi.progress import progress_bar

DTYPES = {"gathers": np.float16, "maps": np.float32}
SHAPES = {"gathers": (None,) * 3, "maps": (None,) * 2}  # of a sample
MOST_OPEN = 64  # arrays that a store keeps mapped: each holds a file open, of which 256 are usual


class Store:
    """A finished store, opened for reading; the arrays stay on disk.

    What `gathers` and `maps` read is compared with its checksum the first time; `sample`, which
    feeds a fit, compares nothing.

    Args:
        path: the store's folder.
        made_by: the stage that makes such a store, for the error where there is none.

    Raises:
        FileNotFoundError: if there is no store, or it is not finished.
        ValueError: if its description or catalog is damaged, or they do not fit each other.
    """

    def __init__(self, path: Path, made_by: str = "fwi prepare") -> None:
        self.path = as_path("a store", path)
        catalog = read_catalog(self.path, made_by)
        # Compared with their checksums: known to all views, whichever of them compared.
        self._sound = np.zeros(len(catalog), bool)
        self._look_at(catalog, np.arange(len(catalog)))
        self._rows_of = dict(self.catalog["shard"].value_counts().iter_rows())

    def _look_at(self, catalog: pl.DataFrame, place: Array) -> None:
        self.catalog, self._place = catalog, place
        self._shard = catalog["shard"].to_numpy()
        self._row = catalog["row"].to_numpy()
        self._sums = catalog["checksum"].to_numpy()
        self._open_arrays: OrderedDict[tuple[str, int], Array] = OrderedDict()

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.catalog)

    def __str__(self) -> str:
        """Say where the store is and what it holds."""
        kinds = []
        if self._holds("gathers"):
            kinds.append(f"{len(self)} samples of {' x '.join(map(str, self.gather_shape))}")
        if self._holds("maps"):
            kinds.append(f"{len(self)} maps of {' x '.join(map(str, self.map_shape))}")
        return f"{self.path}: {', '.join(kinds)}"

    def __rich__(self) -> Table | str:
        """Lay out the families, where there are several."""
        if self.catalog["family"].n_unique() == 1:
            return str(self)
        return family_table(self.catalog, str(self))

    def __getstate__(self) -> dict[str, Any]:
        """Leave open files behind: another process opens its own."""
        return {**self.__dict__, "_open_arrays": OrderedDict()}

    def where(self, condition: pl.Expr) -> Store:
        """Give the view of the samples whose catalog row meets a condition."""
        view = copy.copy(self)
        chosen = self.catalog.select(condition).to_series().to_numpy()
        view._look_at(self.catalog.filter(chosen), self._place[chosen])
        return view

    def part(self, part: range) -> Store:
        """Give the view of a range of samples, with nothing of the others, as a worker gets it."""
        view, span = copy.copy(self), slice(part.start, part.stop)
        view._sound = self._sound[self._place[span]]
        view._look_at(self.catalog[span], np.arange(len(part)))
        # The first shard says what the others must be like.
        view._rows_of = {shard: self._rows_of[shard] for shard in {0, *view._shard.tolist()}}
        return view

    @property
    def fingerprint(self) -> int:
        """CRC-32 of the samples' names and checksums."""
        return checksum(self._sums) ^ zlib.crc32("\n".join(self.catalog["sample_id"]).encode())

    @property
    def recipe(self) -> dict[str, Any]:
        """What the store was made from."""
        recipe: dict[str, Any] = read_header(self.path / "store.json")["recipe"]
        return recipe

    @property
    def has_gathers(self) -> bool:
        """Whether the samples' gathers are there; predictions are maps alone."""
        return self._holds("gathers")

    @property
    def has_maps(self) -> bool:
        """Whether the samples' velocity maps are known."""
        return self._holds("maps")

    @cached_property
    def gather_shape(self) -> tuple[int, int, int]:
        """Shots, time samples, receivers."""
        shots, nt, receivers = self._open("gathers", 0).shape[1:]
        return shots, nt, receivers

    @cached_property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the maps."""
        nz, nx = self._open("maps", 0).shape[1:]
        return nz, nx

    def sample(self, index: int) -> tuple[Array, Array]:
        """Give gathers (S, T, R) float16 and velocity (Z, X) float32, m/s, on the disk, to copy."""
        shard, row = int(self._shard[index]), self._row[index]
        return self._open("gathers", shard)[row], self._open("maps", shard)[row]

    def gathers(self, samples: Sequence[int] | Array) -> Array:
        """Read gathers, (n, S, T, R) float16.

        Raises:
            ValueError: if one was altered on disk; it names the sample.
        """
        return self._read("gathers", samples)

    def maps(self, samples: Sequence[int] | Array) -> Array:
        """Read velocity maps, (n, Z, X) float32, m/s.

        Raises:
            ValueError: if one was altered on disk; it names the sample.
        """
        return self._read("maps", samples)

    def verify(self) -> None:
        """Compare every sample with its checksum.

        Raises:
            ValueError: if one differs; it names the sample.
        """
        with progress_bar("verify", len(self)) as advance:
            for i in range(len(self)):
                self._verify(i)
                advance()

    def _verify(self, i: int) -> None:
        shard, row = int(self._shard[i]), self._row[i]
        parts = [self._open(name, shard)[row] for name in DTYPES if self._holds(name)]
        if checksum(*parts) != self._sums[i]:
            raise ValueError(
                f"sample {self.catalog['sample_id'][i]} of {self.path} was altered on disk; "
                "make the store again with --force"
            )
        self._sound[self._place[i]] = True

    def _holds(self, name: str) -> bool:
        return (shard_folder(self.path, 0) / f"{name}.npy").exists()

    def _read(self, name: str, samples: Sequence[int] | Array) -> Array:
        for i in samples:
            if not self._sound[self._place[i]]:
                self._verify(i)
        shape = self.gather_shape if name == "gathers" else self.map_shape
        read = np.empty((len(samples), *shape), DTYPES[name])
        for place, i in enumerate(samples):  # copied at once: a view would keep its file open
            read[place] = self._open(name, int(self._shard[i]))[self._row[i]]
        return read

    def _open(self, name: str, shard: int) -> Array:
        """Map an array of a shard, closing the one that was not used for longest."""
        kept, key = self._open_arrays, (name, shard)
        if key not in kept:
            kept[key] = self._check(name, shard)
            if len(kept) > MOST_OPEN:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]

    def _check(self, name: str, shard: int) -> Array:
        array = open_array(shard_folder(self.path, shard) / f"{name}.npy")
        rows, dtype = self._rows_of[shard], np.dtype(DTYPES[name])
        of, again = f"{name} of shard {shard} of {self.path}", "make the store again with --force"
        if array.dtype != dtype or array.shape[:1] != (rows,) or not array.flags.c_contiguous:
            order = "C" if array.flags.c_contiguous else "Fortran's"
            raise ValueError(
                f"{of} must hold {rows} samples of {dtype} in C order, got {array.shape} of "
                f"{array.dtype.str} in {order} order; {again}"
            )
        like = SHAPES[name] if not shard else self._open(name, 0).shape[1:]
        check_shape(of, array, (rows, *like), again)
        return array


def shard_folder(path: Path, shard: int) -> Path:
    """Name the folder of a shard."""
    return path / "shards" / f"{shard:05d}"


def checksum(*arrays: Array) -> int:
    """CRC-32 of arrays' bytes, one after another."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).data, value)
    return value
