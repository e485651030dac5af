"""Stages on both engines whose processes are killed and stopped: nothing is lost, nothing stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from fwi.config import Config, MachineConfig, load_config
from fwi.data.store import Store
from fwi.execution.cluster import connected
from fwi.stages import infer, refine, simulate

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(autouse=True, scope="module")
def no_address() -> None:
    os.environ.pop("RAY_ADDRESS", None)


@pytest.fixture(scope="module")
def cluster(no_address: None) -> Iterator[None]:
    """A Ray of this machine, for what runs in this process."""
    with connected(MachineConfig(engine="ray"), networks=False):
        yield


def tree(folder: Path) -> dict[str, bytes]:
    """Give the bytes of all files below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def done(folder: Path) -> int:
    """Count the shards of a store that are there."""
    return sum(p.name.isdigit() for p in (folder / "shards").glob("*"))


def start(small_config: Config, folder: Path, engine: str) -> subprocess.Popen:
    """Start to prepare the small store in another process, and group of processes."""
    keys = {"store": folder, "machine.engine": engine, **small_config.prepare.model_dump()}
    keys = {k if k in ("store", "machine.engine") else f"prepare.{k}": v for k, v in keys.items()}
    command = [sys.executable, "-m", "fwi", "prepare"]
    for key, value in keys.items():
        command += ["--set", f"{key}={'null' if value is None else value}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, start_new_session=True, **pipes)


def wait_for(process: subprocess.Popen, folder: Path, shards: int) -> None:
    """Wait until so many shards are there."""
    deadline = time.monotonic() + 240
    while done(folder) < shards:
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def end_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Give those that do not end: Ray's agents look for their parent for a minute at most."""
    return psutil.wait_procs(processes, timeout=120)[1]


def test_a_store_whose_worker_is_killed_in_a_shard_is_the_same(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    process = start(small_config, tmp_path / "store", "ray")
    wait_for(process, tmp_path / "store", 1)
    workers = [
        p for p in psutil.Process(process.pid).children(recursive=True)
        if p.cmdline()[:1] == ["ray::perform"]
    ]  # fmt: skip
    assert workers, "no worker has a shard"
    workers[0].kill()
    said, warned = process.communicate()
    assert process.returncode == 0
    assert "raylet" not in said + warned  # no word of Ray's own
    assert tree(tmp_path / "store") == tree(small_store.path)


@pytest.mark.parametrize(("engine", "kills"), [("local", 10), ("ray", 2)])
def test_a_store_whose_driver_is_killed_at_random_is_the_same(
    small_config: Config, small_store: Store, tmp_path: Path, engine: str, kills: int
) -> None:
    rng, folder = np.random.default_rng(len(engine)), tmp_path / "store"
    for shards in np.sort(rng.integers(0, 3, kills)):
        with start(small_config, folder, engine) as process:
            wait_for(process, folder, shards)
            time.sleep(rng.uniform(0, 0.5))
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert not end_of(family)
    process = start(small_config, folder, engine)
    process.communicate()
    assert process.returncode == 0
    assert tree(folder) == tree(small_store.path)
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_ctrl_c_stops_the_workers_and_keeps_what_is_finished(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    process = start(small_config, tmp_path / "store", "ray")
    wait_for(process, tmp_path / "store", 1)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("fwi: stopped; what was finished is kept")
    assert not end_of(family)
    assert [p.name for p in tmp_path.iterdir()] == ["store"]
    kept = tree(tmp_path / "store")
    assert 1 <= done(tmp_path / "store") < 4
    whole = tree(small_store.path)
    assert all(whole[name] == content for name, content in kept.items() if "shards" in name)


@pytest.mark.usefixtures("cluster")
def test_stages_give_the_same_bytes(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    for engine in ("local", "ray"):
        own = tmp_path / engine
        config = load_config(
            small_config,
            [
                f"machine.engine={engine}", "machine.threads=1", f"store={own / 'store'}",
                f"simulate.input={small_store.path}", "simulate.shard_size=15",
                "simulate.augment=0.5",
                f"infer.input={small_store.path}", "infer.checkpoints=[default]",
                f"infer.out={own / 'maps'}", f"refine.out={own / 'refined'}",
                f"refine.input={small_store.path}", "refine.samples=1",
                "refine.seconds=0.1",  # one step is always taken
            ],
        )  # fmt: skip
        simulate.run(config)
        infer.run(config)
        refine.run(config)
    local, ray = tmp_path / "local", tmp_path / "ray"
    for part in ("store", "maps", "refined/shards", "refined/catalog.parquet"):
        assert tree(local / part) == tree(ray / part)
    assert tree(local / "refined").keys() == tree(ray / "refined").keys()
