"""How near refinement comes: generated maps of every family, and real ones where there are any.

    python benchmarks/refine.py rows.parquet
    python benchmarks/refine.py rows.parquet --start trend --maps 2
    python benchmarks/refine.py rows.parquet --real many_CurveVel_A.npz --first 900

Gathers are simulated and rounded to float16. A map takes a minute or two, so finished rows are
kept in the file and not done again; the table at the end is of all of them. Seeds count from
77,000, which nothing here was tuned on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

import fwi
from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.openfwi import FAMILIES
from fwi.progress import progress_bar

_SEED = 77_000
_KEY = ("name", "start", "family", "seconds_allowed")


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


def judge(name: str, true: Array, start: str, family: str, seconds: float) -> dict[str, object]:
    """Refine one map, a row."""
    gathers = fwi.simulate(true[None]).astype(np.float16)
    first = None if start == "default" else start
    result = fwi.refine(gathers, first, family, seconds=seconds).samples[0]
    error = np.abs(result.velocity - true)
    return {
        "name": name,
        "start": start,
        "family": family,
        "seconds_allowed": seconds,
        "kind": result.kind,
        "start_mae": float(np.abs(result.start - true).mean()),
        "mae": float(error.mean()),
        "median": float(np.median(error)),
        "wrong": int((error > 0.5).sum()),
        "residual": result.residual,
        "converged": result.converged,
        "exact": result.exact,
        "seconds": result.seconds,
    }


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """A line for every family and start."""
    of_converged = pl.col("mae").filter(pl.col("converged")).mean()
    group = pl.col("name").str.split("/").list.first().alias("maps")
    return rows.group_by(group, "start").agg(
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
    asked = parser.parse_args()
    rows = pl.read_parquet(asked.rows) if asked.rows.exists() else pl.DataFrame()
    maps = list(
        generated(asked.families, asked.maps)
        if asked.real is None
        else real(asked.real, asked.first, asked.maps)
    )
    done = set(rows.select(_KEY).iter_rows()) if len(rows) else set()
    with progress_bar("refine", len(maps)) as advance:
        for name, true in maps:
            label = name.split("/")[0].removeprefix("many_")
            family = label if asked.known else "auto"
            if (name, asked.start, family, asked.seconds) not in done:
                row = judge(name, true, asked.start, family, asked.seconds)
                rows = pl.concat([rows, pl.DataFrame([row])]) if len(rows) else pl.DataFrame([row])
                with atomic_file(asked.rows) as temporary:
                    rows.write_parquet(temporary)
                print({key: row[key] for key in ("name", "mae", "wrong", "residual", "seconds")})
            advance(note=name)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=140):
        print(table(rows).sort("maps", "start"))


if __name__ == "__main__":
    main()
