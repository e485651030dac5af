"""Every family is spread evenly over the folds."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.data.folds import assign_folds, split
from fwi.data.store import Store
from fwi.data.writer import StoreWriter

FAMILIES = st.lists(st.sampled_from(["FlatVel_A", "Style_B", "CurveFault_A"]), max_size=60)


@given(FAMILIES, st.integers(2, 12), st.integers(0, 99))
def test_folds_of_a_family_differ_by_one_at_most(
    families: list[str], n_folds: int, seed: int
) -> None:
    folds = assign_folds(families, n_folds, seed)
    assert folds.shape == (len(families),)
    assert all(0 <= fold < n_folds for fold in folds)
    for family in set(families):
        sizes = Counter(int(f) for f, name in zip(folds, families, strict=True) if name == family)
        counts = [sizes[fold] for fold in range(n_folds)]
        assert max(counts) - min(counts) <= 1
    sizes = Counter(int(fold) for fold in folds)
    counts = [sizes[fold] for fold in range(n_folds)]
    assert max(counts) - min(counts) <= 1  # over all families too


@given(FAMILIES, st.integers(2, 12), st.integers(0, 99))
def test_folds_are_a_function_of_the_seed(families: list[str], n_folds: int, seed: int) -> None:
    assert np.array_equal(
        assign_folds(families, n_folds, seed), assign_folds(families, n_folds, seed)
    )


def test_another_seed_shuffles() -> None:
    first, second = (assign_folds(["A"] * 100, 10, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(100) % 10)


def store_of(path: Path, folds: list[int]) -> Store:
    """A store of samples in given folds."""
    n = len(folds)
    writer = StoreWriter(path, {}, 1)
    rows = {"sample_id": [str(i) for i in range(n)], "family": ["A"] * n, "fold": folds}
    writer.write(0, {**rows, "origin": ["x"] * n}, maps=np.ones((n, 6, 5)))
    return writer.finish()


@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_a_sample_of_each_family_is_enough_for_every_fold(tmp_path: Path, n_folds: int) -> None:
    folds = assign_folds([f"family {i}" for i in range(10)], n_folds, 0)
    store = store_of(tmp_path / "store", folds.tolist())
    for fold in range(n_folds):
        training, validation = split(store, fold)
        assert (len(training), len(validation)) == (10 - 10 // n_folds, 10 // n_folds)


def test_a_fold_without_samples_is_refused_with_those_that_have_some(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store", [0, 1, 1])
    with pytest.raises(ValueError, match=r"got 4, which holds 0 of the 3 .*; choose one of 0, 1$"):
        split(store, 4)
    for fold in (0, 1):
        split(store, fold)
    store = store_of(tmp_path / "one", [0])
    with pytest.raises(ValueError, match=r"got 0, which holds 1 of the 1 .* n_folds of 2 or more"):
        split(store, 0)


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="n_folds must be at least 2, got 1"):
        assign_folds(["A"], 1, 0)
