"""Stores written shard by shard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.checks import check_finite
from fwi.data.store import (
    CATALOG_SCHEMA,
    DTYPES,
    FORMAT,
    Store,
    checksum,
    read_header,
    shard_folder,
)
from fwi.files import atomic_file, atomic_folder, remove_folder, remove_leftovers


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
            if read_header(described) != header:
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


def remove_store(path: Path) -> None:
    """Delete a folder if it is a store, finished or not; leave anything else alone."""
    if (path / "store.json").exists():
        remove_folder(path)
