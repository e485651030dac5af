"""The store: shards of float16 gathers and float32 maps, and one parquet catalog.

    store/store.json               what it was made from, and its shapes
    store/catalog.parquet          one row a sample; written last, so it marks a finished store
    store/shards/00000/            gathers.npy, maps.npy (either may be absent), catalog.parquet

A shard is a folder renamed into place whole: it is there and complete, or not there.
"""

from __future__ import annotations

import json
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
from fwi.data.summary import family_table
from fwi.files import open_array

FORMAT = 1
CATALOG_SCHEMA = {
    "sample_id": pl.String,
    "family": pl.String,
    "fold": pl.Int32,
    "shard": pl.Int32,
    "row": pl.Int32,
    "origin": pl.String,
    "checksum": pl.UInt32,
}
DTYPES = {"gathers": np.float16, "maps": np.float32}
MOST_OPEN = 64  # arrays that a store keeps mapped: each holds a file open, of which 256 are usual


class Store:
    """A finished store, opened for reading; the arrays stay on disk.

    Args:
        path: the store's folder.
        catalog: the rows of this view; all of the store's by default.

    Raises:
        FileNotFoundError: if there is no store, or it is not finished.
        ValueError: if the catalog lacks a column or does not fit the shards.
    """

    def __init__(self, path: Path, catalog: pl.DataFrame | None = None) -> None:
        self.path = Path(path)
        self.catalog = _read_catalog(self.path) if catalog is None else catalog
        self._shard = self.catalog["shard"].to_numpy()
        self._row = self.catalog["row"].to_numpy()
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
        return Store(self.path, self.catalog.filter(condition))

    @property
    def fingerprint(self) -> int:
        """CRC-32 of the samples' names and checksums."""
        return checksum(self.catalog["checksum"].to_numpy()) ^ zlib.crc32(
            "\n".join(self.catalog["sample_id"]).encode()
        )

    @property
    def recipe(self) -> dict[str, Any]:
        """What the store was made from."""
        recipe: dict[str, Any] = read_header(self.path / "store.json")["recipe"]
        return recipe

    @cached_property
    def _rows_needed(self) -> dict[int, int]:
        last = self.catalog.group_by("shard").agg(pl.col("row").max() + 1)
        return dict(last.iter_rows())

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
        shots, nt, receivers = self._open("gathers", int(self._shard[0])).shape[1:]
        return shots, nt, receivers

    @cached_property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the maps."""
        nz, nx = self._open("maps", int(self._shard[0])).shape[1:]
        return nz, nx

    def sample(self, index: int) -> tuple[Array, Array]:
        """Give gathers (S, T, R) float16 and velocity (Z, X) float32, m/s, on the disk, to copy."""
        shard, row = int(self._shard[index]), self._row[index]
        return self._open("gathers", shard)[row], self._open("maps", shard)[row]

    def gathers(self, samples: Sequence[int] | Array) -> Array:
        """Read gathers, (n, S, T, R) float16."""
        return self._read("gathers", samples)

    def maps(self, samples: Sequence[int] | Array) -> Array:
        """Read velocity maps, (n, Z, X) float32, m/s."""
        return self._read("maps", samples)

    def verify(self) -> None:
        """Compare every sample with its checksum.

        Raises:
            ValueError: if one differs; it names the sample.
        """
        for i, expected in enumerate(self.catalog["checksum"]):
            parts = [self._read(name, [i])[0] for name in DTYPES if self._holds(name)]
            if checksum(*parts) != expected:
                raise ValueError(
                    f"sample {self.catalog['sample_id'][i]} of {self.path} was altered on disk; "
                    "prepare the store again with --force"
                )

    def _holds(self, name: str) -> bool:
        return (shard_folder(self.path, int(self._shard[0])) / f"{name}.npy").exists()

    def _read(self, name: str, samples: Sequence[int] | Array) -> Array:
        return np.stack([self._open(name, int(self._shard[i]))[self._row[i]] for i in samples])

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
        rows = self._rows_needed[shard]
        if array.dtype != DTYPES[name] or len(array) < rows:
            raise ValueError(
                f"{name} of shard {shard} of {self.path} must hold {rows} samples of "
                f"{np.dtype(DTYPES[name])}, got {array.shape} of {array.dtype}; "
                "prepare the store again with --force"
            )
        return array


def shard_folder(path: Path, shard: int) -> Path:
    """Name the folder of a shard."""
    return path / "shards" / f"{shard:05d}"


def checksum(*arrays: Array) -> int:
    """CRC-32 of arrays' bytes, one after another."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).tobytes(), value)
    return value


def read_header(file: Path) -> dict[str, Any]:
    """Read what a store is made from.

    Raises:
        ValueError: if the file does not say.
    """
    try:
        header = json.loads(file.read_text())
        return {key: header[key] for key in ("format", "n_shards", "recipe")}
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"{file} does not describe a store; prepare it again with --force"
        ) from None


def _read_catalog(path: Path) -> pl.DataFrame:
    if not (path / "catalog.parquet").exists():
        state = "is not finished" if (path / "store.json").exists() else "does not exist"
        raise FileNotFoundError(f"the store {path} {state}; run fwi prepare for it")
    try:
        catalog = pl.read_parquet(path / "catalog.parquet")
    except pl.exceptions.PolarsError:
        raise ValueError(
            f"the catalog of {path} is not readable parquet; prepare the store again with --force"
        ) from None
    missing = [name for name in CATALOG_SCHEMA if name not in catalog.columns]
    if missing:
        raise ValueError(
            f"the catalog of {path} lacks the column {', '.join(missing)}; "
            "prepare the store again with --force"
        )
    return catalog
