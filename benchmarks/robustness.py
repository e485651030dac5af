"""What refinement makes of gathers that are not what it was told, and whether it says so.

    python benchmarks/robustness.py rows.parquet

One generated map of each family named (seed 77,000), its gathers rounded to float16, and then:
white noise of 30, 20 and 10 dB below them, five dead receivers, clipped direct waves, a wavelet of
14 Hz where 15 are assumed, a start beyond all velocities. Rows that are done are kept.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

import fwi
from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.geometry import OPENFWI
from fwi.inversion.posterior import coverage
from fwi.progress import progress_bar

_SEED = 77_000
_DEAD = [5, 6, 30, 44, 69]
_TROUBLES = ("none", "30 dB", "20 dB", "10 dB", "dead", "clipped", "14 Hz", "start")


def troubled(true: Array, trouble: str) -> Array:
    """Simulate a map's gathers (1, S, T, R) float16, and spoil them."""
    geometry = replace(OPENFWI, frequency=14.0) if trouble == "14 Hz" else OPENFWI
    gathers = fwi.simulate(true[None], geometry).astype(np.float64)
    if trouble.endswith("dB"):
        level = np.sqrt(np.mean(gathers**2)) * 10 ** (-float(trouble[:2]) / 20)
        gathers += level * np.random.default_rng(_SEED).standard_normal(gathers.shape)
    if trouble == "dead":
        gathers[..., _DEAD] = 0
    if trouble == "clipped":
        limit = 0.5 * np.abs(gathers).max()
        gathers = gathers.clip(-limit, limit)
    return gathers.astype(np.float16)


def judge(family: str, trouble: str, seconds: float) -> dict[str, object]:
    """Refine one spoilt sample, a row."""
    true = fwi.families.sample(family, 1, _SEED)[0]
    gathers = troubled(true, trouble)
    start = np.full_like(true[None], 9000.0) if trouble == "start" else None
    result = fwi.refine(gathers, start, seconds=seconds).samples[0]
    error = np.abs(result.velocity - true)
    std = np.full_like(error, np.nan) if result.std is None else result.std
    one, two = coverage(true, result.velocity, std)
    return {
        "family": family,
        "trouble": trouble,
        "start_mae": float(np.abs(result.start - true).mean()),
        "mae": float(error.mean()),
        "std": float(std.mean()),
        "inside_one": one,
        "inside_two": two,
        "residual": result.residual,
        "converged": result.converged,
        "notes": "; ".join(result.notes),
        "seconds": result.seconds,
    }


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=Path, help="parquet file of the rows, gone on with")
    parser.add_argument("--families", nargs="*", default=["CurveVel_A", "Style_A"])
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    rows = pl.read_parquet(asked.rows) if asked.rows.exists() else pl.DataFrame()
    done = set(rows.select("family", "trouble").iter_rows()) if len(rows) else set()
    cases = [(f, trouble) for trouble in _TROUBLES for f in asked.families]
    with progress_bar("robustness", len(cases), len(done)) as advance:
        for case in cases:
            if case not in done:
                row = pl.DataFrame([judge(*case, asked.seconds)])
                rows = pl.concat([rows, row]) if len(rows) else row
                with atomic_file(asked.rows) as temporary:
                    rows.write_parquet(temporary)
                advance(note=" ".join(case))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=180, fmt_str_lengths=80):
        print(rows.sort("family"))


if __name__ == "__main__":
    main()
