"""The store: shards of float16 gathers and float32 maps, and one parquet catalog.

    store/store.json               what it was made from, and its shapes
    store/catalog.parquet          one row a sample; written last, so it marks a finished store
    store/shards/00000/            gathers.npy, maps.npy (either may be absent), catalog.parquet

A shard is a folder renamed into place whole: it is there and complete, or not there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.checks import check_finite
from fwi.files import atomic_file, atomic_folder, open_array, remove_folder, remove_leftovers

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


class StoreWriter:
    """Writes a store shard by shard, and goes on where an earlier writer was stopped.

    Args:
        path: the store's folder.
        recipe: all that determines the contents; a store begun with another one is refused.
        n_shards: number of shards that make the store whole.

    Raises:
        FileExistsError: if the folder holds a store of another recipe, or something else.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any], n_shards: int) -> None:
        self.path, self.n_shards = path, n_shards
        header = {"format": FORMAT, "n_shards": n_shards, "recipe": json.loads(json.dumps(recipe))}
        described = path / "store.json"
        if described.exists():
            if _read_header(described) != header:
                raise FileExistsError(
                    f"{path} holds a store made otherwise; use another folder, or --force to "
                    "replace it"
                )
        elif path.exists() and any(not p.name.startswith(".store.json.") for p in path.iterdir()):
            raise FileExistsError(f"{path} is not empty and holds no store; use another folder")
        else:
            with atomic_file(described) as temporary:
                temporary.write_text(json.dumps(header, indent=2))
        (path / "shards").mkdir(exist_ok=True)
        remove_leftovers(path / "shards")

    def missing(self) -> list[int]:
        """Numbers of the shards that are still to be written."""
        return [i for i in range(self.n_shards) if not shard_folder(self.path, i).exists()]

    def write(self, shard: int, rows: Mapping[str, Sequence[Any]], **arrays: Array) -> None:
        """Write one shard whole.

        Args:
            shard: its number.
            rows: sample_id, family, fold and origin of its samples.
            **arrays: gathers (n, S, T, R) and maps (n, Z, X), or one of them; cast to the
                store's dtypes.

        Raises:
            ValueError: if a value is not finite in the store's dtype.
        """
        with np.errstate(over="ignore"):  # what float16 cannot hold is refused below
            stored = {name: np.ascontiguousarray(a, DTYPES[name]) for name, a in arrays.items()}
        for name, array in stored.items():
            check_finite(f"{name} of shard {shard}", array)
        n = len(rows["sample_id"])
        sums = [checksum(*(a[i] for a in stored.values())) for i in range(n)]
        columns = {**rows, "shard": [shard] * n, "row": range(n), "checksum": sums}
        frame = pl.DataFrame({k: columns[k] for k in CATALOG_SCHEMA}, schema=CATALOG_SCHEMA)
        with atomic_folder(shard_folder(self.path, shard)) as folder:
            for name, array in stored.items():
                np.save(folder / f"{name}.npy", array)
            frame.write_parquet(folder / "catalog.parquet")

    def finish(self) -> Store:
        """Join the shards' catalogs into the store's, and open it."""
        parts = [
            pl.read_parquet(shard_folder(self.path, i) / "catalog.parquet")
            for i in range(self.n_shards)
        ]
        with atomic_file(self.path / "catalog.parquet") as temporary:
            pl.concat(parts).write_parquet(temporary)
        return Store(self.path)


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
        self._arrays: dict[tuple[str, int], Array] = {}

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.catalog)

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
        recipe: dict[str, Any] = _read_header(self.path / "store.json")["recipe"]
        return recipe

    @cached_property
    def has_maps(self) -> bool:
        """Whether the samples' velocity maps are known."""
        return (shard_folder(self.path, int(self._shard[0])) / "maps.npy").exists()

    @cached_property
    def gather_shape(self) -> tuple[int, int, int]:
        """Shots, time samples, receivers."""
        shots, nt, receivers = self._open("gathers", int(self._shard[0])).shape[1:]
        return shots, nt, receivers

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
            parts = [
                self._read(name, [i])[0]
                for name in DTYPES
                if (shard_folder(self.path, int(self._shard[i])) / f"{name}.npy").exists()
            ]
            if checksum(*parts) != expected:
                raise ValueError(
                    f"sample {self.catalog['sample_id'][i]} of {self.path} was altered on disk; "
                    "prepare the store again with --force"
                )

    def _read(self, name: str, samples: Sequence[int] | Array) -> Array:
        return np.stack([self._open(name, int(self._shard[i]))[self._row[i]] for i in samples])

    def _open(self, name: str, shard: int) -> Array:
        if (name, shard) not in self._arrays:
            array = open_array(shard_folder(self.path, shard) / f"{name}.npy")
            rows = int(self._row[self._shard == shard].max()) + 1
            if array.dtype != DTYPES[name] or len(array) < rows:
                raise ValueError(
                    f"{name} of shard {shard} of {self.path} must hold {rows} samples of "
                    f"{np.dtype(DTYPES[name])}, got {array.shape} of {array.dtype}; "
                    "prepare the store again with --force"
                )
            self._arrays[name, shard] = array
        return self._arrays[name, shard]


def remove_store(path: Path) -> None:
    """Delete a folder if it is a store, finished or not; leave anything else alone."""
    if (path / "store.json").exists():
        remove_folder(path)


def shard_folder(path: Path, shard: int) -> Path:
    """Name the folder of a shard."""
    return path / "shards" / f"{shard:05d}"


def checksum(*arrays: Array) -> int:
    """CRC-32 of arrays' bytes, one after another."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).tobytes(), value)
    return value


def _read_header(file: Path) -> dict[str, Any]:
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
