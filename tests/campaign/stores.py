"""Small stores to damage."""

from __future__ import annotations

import json
import os
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.data.store import shard_folder
from fwi.data.writer import StoreWriter

RECIPE = {"seed": 1}
N = 3  # samples a shard


def contents(shard: int, names: str = "gathers maps") -> tuple[dict[str, list], dict[str, Any]]:
    """Make a shard: catalog rows; gathers (3, 2, 9, 4), maps (3, 70, 70)."""
    rng = np.random.default_rng(shard)
    rows = {
        "sample_id": [f"s{shard}-{i}" for i in range(N)],
        "family": ["FlatVel_A"] * N,
        "fold": [0, 1, shard],
        "origin": ["generated"] * N,
    }
    arrays = {
        "gathers": rng.normal(size=(N, 2, 9, 4)).astype(np.float16),
        "maps": rng.uniform(1500, 4500, (N, 70, 70)).astype(np.float32),
    }
    return rows, {name: arrays[name] for name in names.split()}


def write_store(path: Path, names: str = "gathers maps") -> Path:
    """Write a finished store of two shards."""
    writer = StoreWriter(path, RECIPE, 2)
    for shard in range(2):
        rows, arrays = contents(shard, names)
        writer.write(shard, rows, **arrays)
    return writer.finish().path


def expected_maps() -> npt.NDArray:
    """The maps of the store."""
    return np.concatenate([contents(shard)[1]["maps"] for shard in range(2)])


def altered(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    """Make a fault of a store: another catalog, with its checksum noted."""

    def damage(store: Path) -> None:
        file = store / "catalog.parquet"
        change(pl.read_parquet(file, glob=False)).write_parquet(file)
        sign(store)

    return damage


def sign(store: Path) -> None:
    """Note the checksum of a catalog as it is."""
    header = json.loads((store / "store.json").read_text())
    header["catalog"] = zlib.crc32((store / "catalog.parquet").read_bytes())
    (store / "store.json").write_text(json.dumps(header))


def described(content: bytes) -> Callable[[Path], None]:
    """Make a fault of a store: another store.json."""
    return lambda store: put(store / "store.json", content)


def of_shard(name: str, change: Callable[[Path], None], shard: int = 1) -> Callable[[Path], None]:
    """Make a fault of a store: another file of a shard."""
    return lambda store: change(shard_folder(store, shard) / name)


def put(file: Path, content: bytes) -> None:
    """Give a file other bytes."""
    file.write_bytes(content)


def cut(file: Path, length: int) -> None:
    """Shorten a file, from its end where the length is negative."""
    content = file.read_bytes()
    file.write_bytes(content[:length])


def flip(file: Path, place: int) -> None:
    """Turn a bit of a byte."""
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def grow(file: Path, size: int) -> None:
    """Make a file large without filling the disk."""
    os.truncate(file, size)


def no_file(kind: str) -> Callable[[Path], None]:
    """Put something under a file's name that is none."""

    def replace(file: Path) -> None:
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        elif kind == "socket":
            here = os.open(".", os.O_RDONLY)  # a socket's name may not be as long as a path
            os.chdir(file.parent)
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(file.name)
            os.chdir(here)
            os.close(here)
        elif kind == "link to nothing":
            file.symlink_to("nothing")
        elif kind == "link to itself":
            file.symlink_to(file.name)

    return replace
