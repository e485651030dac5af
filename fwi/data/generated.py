"""Shards of generated maps and their simulated gathers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from fwi import families
from fwi.arrays import Array
from fwi.config import PrepareConfig
from fwi.data.augmented import Parents, augmented_shards
from fwi.data.blocks import blocks
from fwi.data.fold_rules import spread
from fwi.data.shards import Shard, simulated
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.progress import Advance

_PARENTS = 2**32 - 1  # a stream of random numbers that no shard has


def generated_shards(prepare: PrepareConfig, threads: int | None) -> Iterator[Shard]:
    """Plan a store of generated maps: families in turn, so that every shard and fold holds all.

    Args:
        prepare: reads `families`, `n_samples`, `shard_size`, `seed`, how samples are spread over
            folds, and how maps are augmented.
        threads: shots simulated at once; one for each processor by default.

    Raises:
        KeyError: if there is no such augmentation.
        ValueError: if it makes no map.
    """
    known = prepare.families or list(families.NAMES)
    names = [known[i % len(known)] for i in range(prepare.n_samples)]
    folds = spread(prepare, names, ["generated"] * len(names))
    plain = range(len(names) if prepare.plain else 0)
    for shard, part in enumerate(blocks(plain, prepare.shard_size)):
        chosen = [names[i] for i in part]
        rows: dict[str, list[Any]] = {
            "sample_id": [f"{names[i]}-{prepare.seed}-{i:07d}" for i in part],
            "family": chosen,
            "fold": [folds[i] for i in part],
            "origin": ["generated"] * len(part),
        }
        seed = np.random.SeedSequence(prepare.seed, spawn_key=(shard,))
        yield Shard(rows, partial(_sampled, chosen, seed, threads))
    if prepare.augment:
        parents = Parents(
            {
                "sample_id": [
                    f"{name}-{prepare.seed}-parent-{i:07d}" for i, name in enumerate(names)
                ],
                "family": names,
                "fold": folds,
            },
            partial(_parent, names, prepare.seed),
        )
        yield from augmented_shards(prepare, parents, OPENFWI_SIX_SHOTS, threads)


def _parent(names: list[str], seed: int, i: int) -> Array:
    """Draw a map to be augmented: not one of the store, whose shards are drawn whole."""
    return families.sample(names[i], 1, np.random.SeedSequence(seed, spawn_key=(_PARENTS, i)))[0]


def _sampled(
    names: list[str], seed: np.random.SeedSequence, threads: int | None, advance: Advance
) -> dict[str, Array]:
    maps = np.empty((len(names), OPENFWI.nz, OPENFWI.nx), np.float32)
    labels = np.asarray(names)
    distinct = sorted(set(names))
    for family, child in zip(distinct, seed.spawn(len(distinct)), strict=True):
        members = np.flatnonzero(labels == family)
        maps[members] = families.sample(family, len(members), child)
    return simulated(maps, OPENFWI_SIX_SHOTS, threads, advance)
