"""Stores whose making is killed again and again, byte for byte beside one that was left alone.

For each engine `fwi prepare` is started, killed by SIGKILL, and started again: every second time
when a random number of shards is done, else while it starts. After the last kill it is left to
finish. What it writes is compared with the
store of an uninterrupted run on the local engine. Stopped, this goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

ENGINES = ("local", "ray")
SAMPLE_SECONDS = 0.03  # of one processor, roughly: moments are spread over a shard's time
MARK = "FWI_KILLS"  # in the environment of all processes of a run
START_SECONDS = 6.0  # in which Python, and Ray, start
PATIENCE = 120.0  # s, in which processes must end that outlive a killed one


class Plan(NamedTuple):
    """What is made, and how often it is killed."""

    folder: Path
    samples: int
    shard_size: int
    kills: int
    seed: int

    def command(self, name: str, engine: str) -> list[str]:
        """Give the command that makes a store."""
        keys = {
            "store": self.folder / name,
            "prepare.n_samples": self.samples,
            "prepare.shard_size": self.shard_size,
            "prepare.seed": self.seed,
            "machine.engine": engine,
        }
        settings = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
        return [sys.executable, "-m", "fwi", "prepare", *settings]

    def done(self, name: str) -> int:
        """Count the shards of a store that are there."""
        return sum(p.name.isdigit() for p in (self.folder / name / "shards").glob("*"))


def marked(mark: str) -> list[psutil.Process]:
    """Find the processes of a run that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def killed(plan: Plan, engine: str, shards: int, pause: float) -> dict[str, float]:
    """Start a run, kill it so many seconds after so many shards are done, and look after it.

    Raises:
        RuntimeError: if it ended by itself, or one of its processes outlives it for two minutes.
    """
    mark = secrets.token_hex(8)
    before = plan.done(engine)
    with subprocess.Popen(
        plan.command(engine, engine), env={**os.environ, MARK: mark}, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        while plan.done(engine) < shards and process.poll() is None:
            time.sleep(0.01)
        time.sleep(pause)
        if process.poll() is not None:
            raise RuntimeError(f"{engine} ended by itself, status {process.returncode}")
        process.kill()
    started = time.monotonic()
    while left := marked(mark):
        if time.monotonic() - started > PATIENCE:
            raise RuntimeError(f"{engine} left processes: {[p.name() for p in left]}")
        time.sleep(0.05)
    outlived = time.monotonic() - started
    return {"before": before, "after": plan.done(engine), "outlived": outlived}


def moments(plan: Plan, engine: str) -> list[tuple[int, float]]:
    """Draw when it is killed: shards that are done, and seconds after that."""
    rng = np.random.default_rng([plan.seed, ENGINES.index(engine)])
    n_shards = -(-plan.samples // plan.shard_size)
    shards = np.sort(rng.integers(0, max(1, n_shards * 2 // 3), plan.kills))
    shards[::2] = 0  # at the start
    longest = np.where(shards, plan.shard_size * SAMPLE_SECONDS, START_SECONDS)
    pauses = rng.uniform(0, longest)
    return [(int(n), float(pause)) for n, pause in zip(shards, pauses, strict=True)]


def tree(folder: Path) -> set[Path]:
    """Name the files below a folder, and the folders that are empty."""
    return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() or not any(p.iterdir())}


def differing(folder: Path, reference: Path) -> list[str]:
    """Name the files that are not in both folders with the same bytes."""
    ours, theirs = tree(folder), tree(reference)
    unequal = (
        f for f in ours & theirs if (folder / f).read_bytes() != (reference / f).read_bytes()
    )
    return sorted(map(str, (ours ^ theirs) | set(unequal)))


def trial(plan: Plan, engine: str) -> list[dict[str, float]]:
    """Kill an engine's runs as often as planned, and let the last one finish."""
    note = plan.folder / f"{engine}.json"
    rows = json.loads(note.read_text()) if note.exists() else []
    for shards, pause in moments(plan, engine)[len(rows) :]:
        rows.append(killed(plan, engine, shards, pause))
        note.write_text(json.dumps(rows))
        said = "{before} to {after} shards, {outlived:.2f} s until the last process ended"
        print(f"{engine}, kill {len(rows)}: {said.format(**rows[-1])}", flush=True)
    subprocess.run(plan.command(engine, engine), check=True, stdout=subprocess.DEVNULL)
    return rows


def main() -> None:
    """Make the stores, kill, finish, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--shard-size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("data/kills"))
    parser.add_argument("--engine", choices=ENGINES, action="append", dest="engines")
    asked = parser.parse_args()
    plan = Plan(asked.folder, asked.samples, asked.shard_size, asked.kills, asked.seed)
    plan.folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(plan.command("reference", "local"), check=True, stdout=subprocess.DEVNULL)
    table = Table(title=f"{plan.samples} samples in shards of {plan.shard_size}, seed {plan.seed}")
    for column in ("engine", "kills", "shards done at them", "outlived, s", "files", "differing"):
        table.add_column(column)
    wrong: list[str] = []
    for engine in asked.engines or ENGINES:
        rows = trial(plan, engine)
        folder = plan.folder / engine
        different = differing(folder, plan.folder / "reference")
        wrong += different + [p.name for p in plan.folder.glob(".*")]
        done = " ".join(f"{row['after']:.0f}" for row in rows)
        longest = max((row["outlived"] for row in rows), default=0.0)
        cells = (len(rows), done, f"{longest:.2f}", len(tree(folder)), len(different))
        table.add_row(engine, *map(str, cells))
    Console(width=120).print(table)
    if wrong:
        raise SystemExit(f"they differ: {wrong[:10]}")


if __name__ == "__main__":
    main()
