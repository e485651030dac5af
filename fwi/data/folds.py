"""Which fold a sample is validated in, and the parts that a fold makes of a store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.data.catalog import AUGMENTED
from fwi.data.store import Store

TRAINING = -1  # the fold of samples that are learned from whichever fold validates


def assign_folds(families: Sequence[str], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Spread every family evenly and at random over the folds.

    Args:
        families: the family of each sample.
        n_folds: number of folds, at least 2.
        seed: of the shuffle.

    Returns:
        The fold of each sample, 0 to n_folds - 1; within a family, and over all, the folds' sizes
        differ by one at most.

    Raises:
        ValueError: if there are fewer than two folds.
    """
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds}")
    rng = np.random.default_rng(seed)
    names = np.asarray(families)
    folds = np.empty(len(names), np.int64)
    first = 0
    for family in np.unique(names):
        members = rng.permutation(np.flatnonzero(names == family))
        folds[members] = np.arange(first, first + len(members)) % n_folds
        first += len(members)  # else families of a sample or two would all begin in fold 0
    return folds


def split(store: Store, fold: int) -> tuple[Store, Store]:
    """Part a store into the training samples and those of the validation fold.

    Augmented samples of the fold are in neither part, lest they change what a validation means;
    where there are no others, they validate.

    Raises:
        ValueError: if either part is empty, or the store has no maps.
    """
    if not store.has_maps:
        raise ValueError(
            f"the store {store.path} must hold velocity maps, got gathers alone; "
            "prepare one from training files or generated maps"
        )
    held = store.where(pl.col("fold") == fold)
    plain = held.where(~pl.col("origin").str.starts_with(AUGMENTED))
    parts = store.where(pl.col("fold") != fold), plain if len(plain) else held
    if not len(parts[0]) or not len(parts[1]):
        known = sorted(store.catalog["fold"].unique().to_list())
        fix = (
            f"choose one of {', '.join(str(k) for k in known if k != TRAINING)}"
            if len(known) > 1
            else "learn from it beside another store, by --also"
            if known == [TRAINING]
            else "make a store of 2 samples or more, with n_folds of 2 or more"
        )
        raise ValueError(
            f"fold must leave samples on both sides, got {fold}, which holds {len(parts[1])} of "
            f"the {len(store)} samples of {store.path}; {fix}"
        )
    return parts
