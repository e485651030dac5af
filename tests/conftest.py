"""What several tests need: the real data where it is, small stores and networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwi.config import Config, load_config
from fwi.data.store import Store
from fwi.stages import prepare

_REAL = Path(__file__).parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real gathers and maps; a test that asks for it is skipped where it is absent."""
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
