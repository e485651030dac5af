"""Samples in batches: in order, or shuffled so that any epoch can be taken up in its middle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, check_array, count

Indices = npt.NDArray[np.int64]


def in_order(x: Array, batch_size: int) -> Iterator[Array]:
    """Cut (N, ...) into slices of at most batch_size samples."""
    check_samples(x, x, batch_size)
    for start in range(0, x.shape[0], batch_size):
        yield x[start : start + batch_size]


def shuffled(n: int, batch_size: int, seed: int, epoch: int, seen: int = 0) -> list[Indices]:
    """Cut an epoch's permutation, a function of seed and epoch alone, into batches.

    Args:
        n: samples.
        batch_size: at most so many a batch.
        seed: of the run, at least 0.
        epoch: from 0.
        seen: samples of this epoch's permutation that an interrupted run has had.

    Returns:
        The indices of each batch that is left. A single sample at the end joins the batch before:
        alone it has no variance, which batch normalisation divides by.

    Raises:
        TypeError: if a number is not whole.
        ValueError: if one is negative, or more samples were seen than there are.
    """
    if count("seen", seen, 0) > count("n", n, 0):
        raise ValueError(
            f"x must hold the {seen} samples that this epoch has had, got {n}; "
            "go on with those of the last call"
        )
    count("seed", seed, 0), count("epoch", epoch, 0)
    order = np.random.default_rng((seed, epoch)).permutation(n)
    starts = [seen + batch_size * i for i in range(steps_in_epoch(n - seen, batch_size))]
    return [order[start:end] for start, end in pairwise([*starts, n])]


def steps_in_epoch(n: int, batch_size: int) -> int:
    """Count the batches of `shuffled`, which is what a schedule of a whole run multiplies.

    Raises:
        TypeError: if a number is not whole.
        ValueError: if there is less than no sample, or the batch size is below 1.
    """
    n, batch_size = count("n", n, 0), count("batch_size", batch_size)
    single = batch_size > 1 and n > 1 and n % batch_size == 1
    return math.ceil(n / batch_size) - single


def take(x: Array, indices: Indices) -> Array:
    """Give the samples (B, ...) of (N, ...) at some indices, where x is."""
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(indices, device=device(x)), axis=0)


def check_samples(x: Array, y: Array, batch_size: int) -> None:
    """Refuse what are no samples, samples without targets, no samples, and empty batches.

    Raises:
        TypeError: if x or y is no array, they are of two libraries, or the batch size not whole.
        ValueError: if x and y differ in length or are empty, or the batch size is below 1.
    """
    check_array("x", x)
    check_array("y", y, like=x)
    n, targets = (int(a.shape[0]) if a.ndim else 0 for a in (x, y))
    if n == targets == 0:
        raise ValueError("x must hold a sample or more, got none; give some")
    if n != targets:
        raise ValueError(
            f"x and y must hold the same number of samples, at least 1, got {n} and {targets}; "
            "give one target for each sample"
        )
    count("batch_size", batch_size)
