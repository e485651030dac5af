"""How near refinement comes: generated maps of every family, and real ones where there are any.

    python benchmarks/refine.py rows.parquet
    python benchmarks/refine.py rows.parquet --start trend --maps 2
    python benchmarks/refine.py rows.parquet --real many_CurveVel_A.npz --first 900
    python benchmarks/refine.py rows.parquet --device cuda --processes 7

Gathers are simulated and rounded to float16. A map takes a minute or two, so finished rows are
kept in the file and not done again; the table at the end is of all of them. Seeds count from
77,000, which nothing here was tuned on. Seconds mean something with one process, alone on the
machine.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import torch

import fwi
from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.openfwi import FAMILIES
from fwi.progress import progress_bar

_SEED = 77_000
_KEY = ("name", "start", "family", "seconds_allowed", "device")


@dataclass(frozen=True)
class Job:
    """A map to refine.

    Attributes:
        name: of the map.
        true: it, (70, 70), m/s.
        start: "default" or "trend".
        family: as refinement is told.
        seconds: allowed.
        device: of networks, matrices and waves.
        threads: of the simulator.
    """

    name: str
    true: Array
    start: str
    family: str
    seconds: float
    device: str
    threads: int

    @property
    def key(self) -> tuple[str, str, str, float, str]:
        """What its row is known by."""
        return self.name, self.start, self.family, self.seconds, self.device


def generated(families: list[str], count: int) -> Iterator[tuple[str, Array]]:
    """Draw maps, the first of every family before the second of any."""
    for i in range(count):
        for family in families:
            yield f"{family}/{_SEED + i}", fwi.families.sample(family, 1, _SEED + i)[0]


def real(path: Path, first: int, count: int) -> Iterator[tuple[str, Array]]:
    """Read real maps from an .npz file with `maps` (n, 70, 70)."""
    with np.load(path, allow_pickle=False) as file:
        maps = file["maps"]
    if first + count > len(maps):
        raise SystemExit(f"{path} must hold maps {first} to {first + count}, got {len(maps)}")
    maps = maps[first : first + count]
    for i, velocity in enumerate(maps):
        yield f"{path.stem}/{first + i}", velocity.astype(np.float32)


def judge(job: Job) -> dict[str, object]:
    """Refine one map, a row."""
    gathers = fwi.simulate(job.true[None]).astype(np.float16)
    result = fwi.refine(
        gathers, None if job.start == "default" else job.start, job.family,
        seconds=job.seconds, device=job.device, threads=job.threads,
    ).samples[0]  # fmt: skip
    error = np.abs(result.velocity - job.true)
    return {
        **dict(zip(_KEY, job.key, strict=True)),
        "kind": result.kind,
        "start_mae": float(np.abs(result.start - job.true).mean()),
        "mae": float(error.mean()),
        "median": float(np.median(error)),
        "wrong": int((error > 0.5).sum()),
        "residual": result.residual,
        "converged": result.converged,
        "exact": result.exact,
        "seconds": result.seconds,
    }


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """A line for every family, start and device."""
    of_converged = pl.col("mae").filter(pl.col("converged")).mean()
    group = pl.col("name").str.split("/").list.first().alias("maps")
    return rows.group_by(group, "start", "device").agg(
        pl.len().alias("n"),
        pl.col("start_mae").mean().round(1),
        of_converged.round(2).alias("mae of converged"),
        pl.col("mae").median().round(3).alias("median mae"),
        pl.col("converged").mean().round(2),
        pl.col("exact").mean().round(2),
        pl.col("seconds").median().round(0),
    )


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path, help="parquet file of the rows, gone on with")
    parser.add_argument("--maps", type=int, default=5, help="a family, or of --real")
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--start", default="default", choices=["default", "trend"])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--known", action="store_true", help="tell refinement the family")
    parser.add_argument("--real", type=Path, help=".npz file of real maps instead")
    parser.add_argument("--first", type=int, default=0, help="of --real")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=1, help="maps at a time")
    asked = parser.parse_args()
    rows = pl.read_parquet(asked.rows) if asked.rows.exists() else pl.DataFrame()
    done = set(rows.select(_KEY).iter_rows()) if len(rows) else set()
    jobs = [job for job in asked_for(asked) if job.key not in done]
    share = max(1, (os.cpu_count() or 1) // asked.processes)
    pool = get_context("spawn").Pool(asked.processes, torch.set_num_threads, (share,))
    with pool, progress_bar("refine", len(jobs)) as advance:
        for row in pool.imap_unordered(judge, jobs):
            rows = pl.concat([rows, pl.DataFrame([row])]) if len(rows) else pl.DataFrame([row])
            with atomic_file(asked.rows) as temporary:
                rows.write_parquet(temporary)
            print({key: row[key] for key in ("name", "mae", "wrong", "residual", "seconds")})
            advance(note=str(row["name"]))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=140):
        print(table(rows).sort("maps", "start", "device"))


def asked_for(asked: argparse.Namespace) -> Iterator[Job]:
    """Lay out the maps of a command."""
    maps = (
        generated(asked.families, asked.maps)
        if asked.real is None
        else real(asked.real, asked.first, asked.maps)
    )
    threads = max(1, (os.cpu_count() or 1) // asked.processes)
    for name, true in maps:
        family = name.split("/")[0].removeprefix("many_") if asked.known else "auto"
        yield Job(name, true, asked.start, family, asked.seconds, asked.device, threads)


if __name__ == "__main__":
    main()
