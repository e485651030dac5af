"""What several tests need: the real data where it is, small stores and networks."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

from fwi.cli import main
from fwi.config import Config, load_config
from fwi.data.store import Store
from fwi.physics.simulator import simulate
from fwi.stages import prepare

# Clocks of shared machines say nothing about the code; a failure should come back when repeated.
settings.register_profile("fwi", deadline=None, derandomize=True)
settings.load_profile("fwi")

_REAL = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the real gathers and maps; without them, tests that ask for them are skipped."""
    if not _REAL.is_dir():
        pytest.skip("the real data folder ../shared/data is absent")
    return _REAL


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A tiny experiment: 40 generated maps in 4 shards, 2 folds, one epoch."""
    root = tmp_path_factory.mktemp("small")
    return load_config(
        None,
        [
            "name=small",
            f"store={root / 'store'}",
            f"runs={root / 'runs'}",
            "prepare.n_samples=40",
            "prepare.n_folds=2",
            "prepare.shard_size=10",
            "train.epochs=1",
            "train.batch_size=4",
            "train.precision=float32",
        ],
    )


@pytest.fixture(scope="session")
def small_store(small_config: Config) -> Store:
    """The prepared store of the tiny experiment; tests only read it."""
    return prepare.run(small_config)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """A disk that takes no file beyond 100 kB: writes fail as they do where it is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command line that must fail, and give the one line that it says on standard error."""

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["fwi", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr().err.splitlines()
        assert stopped.value.code == 1
        assert len(said) == 1
        assert said[0].startswith("fwi: ")
        return said[0]

    return run


@pytest.fixture
def training_pair() -> Callable[[Path, Path], tuple[npt.NDArray, npt.NDArray]]:
    """Write a file of gathers and one of maps, three samples in the competition's shapes."""

    def write(gathers_path: Path, maps_path: Path) -> tuple[npt.NDArray, npt.NDArray]:
        rng = np.random.default_rng(len(str(gathers_path.name)))
        maps = rng.uniform(1500, 4500, (3, 1, 70, 70)).astype(np.float32)
        gathers = simulate(maps[:, 0])
        for path, array in ((gathers_path, gathers), (maps_path, maps)):
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
        return gathers, maps

    return write


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many malformed and odd inputs were tried (tests/campaign)."""
    passed = terminalreporter.stats.get("passed", [])
    n = sum("tests/campaign/" in report.nodeid for report in passed)
    terminalreporter.write_line(f"campaign of malformed and odd inputs: {n} held")
