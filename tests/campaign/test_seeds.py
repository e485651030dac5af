"""The seeds and finds of the search (`make fuzz`) are read, or refused in one line."""

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "fuzz"
sys.path.insert(0, str(FUZZ))

from targets import TARGETS, attempt  # noqa: E402

SEEDS = sorted(path for path in (FUZZ / "seeds").rglob("*") if path.is_file())


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.parent.name}/{seed.name}")
def test_seed(seed: Path, tmp_path: Path) -> None:
    attempt(seed.parent.name, seed.read_bytes(), tmp_path)


def test_every_target_has_seeds() -> None:
    assert {seed.parent.name for seed in SEEDS} == set(TARGETS)
