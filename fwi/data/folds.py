"""Which fold a sample is validated in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def assign_folds(families: Sequence[str], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Spread every family evenly and at random over the folds.

    Args:
        families: the family of each sample.
        n_folds: number of folds, at least 2.
        seed: of the shuffle.

    Returns:
        The fold of each sample, 0 to n_folds - 1; within a family the folds' sizes differ by one
        at most.

    Raises:
        ValueError: if there are fewer than two folds.
    """
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds}")
    rng = np.random.default_rng(seed)
    names = np.asarray(families)
    folds = np.empty(len(names), np.int64)
    for family in np.unique(names):
        members = rng.permutation(np.flatnonzero(names == family))
        folds[members] = np.arange(len(members)) % n_folds
    return folds
