"""Every family is spread evenly over the folds."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.data.folds import assign_folds

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


@given(FAMILIES, st.integers(2, 12), st.integers(0, 99))
def test_folds_are_a_function_of_the_seed(families: list[str], n_folds: int, seed: int) -> None:
    assert np.array_equal(
        assign_folds(families, n_folds, seed), assign_folds(families, n_folds, seed)
    )


def test_another_seed_shuffles() -> None:
    first, second = (assign_folds(["A"] * 100, 10, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(100) % 10)


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="n_folds must be at least 2, got 1"):
        assign_folds(["A"], 1, 0)
