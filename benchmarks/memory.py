"""How much memory and time stores take at scale: folders far larger than memory, many shards.

    python benchmarks/memory.py --work FOLDER [--all 65818]

- `fwi prepare` of a folder of test gathers, (5, 1000, 70) float32 each, and of pairs of files of
  500 samples, as OpenFWI has them: peak resident memory and processor seconds of a process of its
  own, at two sizes. The files are hard links to a few: what is read is real, the disk is not
  filled. Memory must not grow with the number of samples, but for their names.
- The same of as many test gathers as `--all` says, decimated by 4 so that the store fits a disk.
- Opening a store of 10,000 shards, and one of ten million samples.

What is made goes into a folder below `--work`, and is deleted as soon as it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from fwi.data.catalog import CATALOG_SCHEMA
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.families import sample
from fwi.physics.simulator import simulate
from fwi.stages import run

DISTINCT = 20  # gathers that links are to
FILE = 500  # samples of a file of pairs


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder on a disk with 12 GB")
    parser.add_argument("--all", type=int, default=0, help="test gathers of the largest run")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measured(**json.loads(args.child))))
        return
    with TemporaryDirectory(dir=args.work) as made:
        root = Path(made)
        for n in (2000, 8000):
            report(f"{n} test gathers", root, test_folder, n, 1)
        for n in (2, 8):
            report(f"{n} pairs of files of {FILE} samples", root, train_folder, n, 1)
        if args.all:
            report(f"{args.all} test gathers by 4", root, test_folder, args.all, 4)
        opened("10,000 shards of 1 sample", root / "shards", 10_000, 1)
        opened("10 million samples in 100 shards", root / "rows", 100, 100_000)


def report(
    what: str, root: Path, lay_out: Callable[[Path, int], Path], n: int, decimate: int
) -> None:
    """Prepare a folder in a process of its own."""
    with TemporaryDirectory(dir=root) as place:
        folder = lay_out(Path(place) / "folder", n)
        split = "test" if lay_out is test_folder else "train"
        settings = {"folder": str(folder), "store": f"{place}/store"}
        child({"what": "prepare", "split": split, "decimate": decimate, **settings}, what)


def child(settings: dict[str, object], what: str) -> None:
    """Run this script in a process of its own, and print what it used."""
    command = [sys.executable, __file__, "--work", ".", "--child", json.dumps(settings)]
    said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(f"{what}: {said['before']:.0f} MB before, peak {said['peak']:.0f} MB, "
          f"{said['seconds']:.1f} s of processor, {said['wall']:.1f} s", flush=True)  # fmt: skip


def measured(what: str, **settings: object) -> dict[str, float]:
    """Do one thing, and say what it used."""
    before, started, begun = peak(), time.process_time(), time.monotonic()
    if what == "prepare":
        store = settings.pop("store")
        run(None, "prepare", store=store, **{f"prepare__{k}": v for k, v in settings.items()})
    else:
        Store(Path(str(settings["store"])))
    return {
        "before": before,
        "peak": peak(),
        "seconds": time.process_time() - started,
        "wall": time.monotonic() - begun,
    }


def peak() -> float:
    """Give the largest resident set of this process so far, MB."""
    # Linux' own count: getrusage's begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def test_folder(folder: Path, n: int) -> Path:
    """Lay out a folder of test gathers, hard links to a few."""
    gathers = simulate(sample("CurveFault_A", DISTINCT, 0)).astype(np.float32)
    (folder / "test").mkdir(parents=True)
    for i in range(n):
        path = folder / "test" / f"{i:010x}.npy"
        if i < DISTINCT:
            np.save(path, gathers[i])
        else:
            os.link(folder / "test" / f"{i % DISTINCT:010x}.npy", path)
    return folder


def train_folder(folder: Path, n: int) -> Path:
    """Lay out OpenFWI's pairs of files, hard links to one."""
    maps = sample("CurveFault_A", DISTINCT, 0).astype(np.float32)
    gathers = simulate(maps).astype(np.float32)
    copies = FILE // DISTINCT
    arrays = {"data": np.tile(gathers, (copies, 1, 1, 1)), "model": np.tile(maps, (copies, 1, 1))}
    for name, array in arrays.items():
        place = folder / "CurveFault_A" / name
        place.mkdir(parents=True)
        np.save(place / f"{name}1.npy", array)
        for i in range(2, n + 1):
            os.link(place / f"{name}1.npy", place / f"{name}{i}.npy")
    return folder


def opened(what: str, path: Path, n_shards: int, size: int) -> None:
    """Open a store of many rows or shards; its arrays are empty but for the first shard's."""
    n = n_shards * size
    writer = StoreWriter(path, {}, n_shards)
    rows = {"sample_id": ["a"], "family": ["A"], "fold": [0], "origin": ["x"]}
    writer.write(0, rows, maps=np.ones((1, 70, 70)))
    ids = pl.int_range(n, dtype=pl.Int32, eager=True)
    columns = {
        "sample_id": "CurveFault_A/data1/" + ids.cast(pl.String),
        "family": pl.repeat("CurveFault_A", n, eager=True),
        "fold": ids % 10,
        "shard": ids // size,
        "row": ids % size,
        "origin": "data/" + (ids // FILE).cast(pl.String) + ".npy",
        "checksum": ids,
    }
    pl.DataFrame(columns).cast(CATALOG_SCHEMA).write_parquet(path / "catalog.parquet")
    child({"what": "open", "store": str(path)}, what)


if __name__ == "__main__":
    main()
