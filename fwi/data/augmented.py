"""Shards of augmented maps and their simulated gathers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fwi.arrays import Array
from fwi.data.augment.drafts import Draft, names_of, plan, realise
from fwi.data.augment.recipes import RECIPES, MapRecipe
from fwi.data.blocks import blocks
from fwi.data.catalog import AUGMENTED
from fwi.data.shards import Shard, simulated
from fwi.execution import Shared
from fwi.geometry import AcquisitionGeometry
from fwi.progress import Advance

_PLAN = 3  # a stream of random numbers beside that of the folds


class Wanted(Protocol):
    """The part of a config's section that says which augmented maps are made."""

    @property
    def augment(self) -> float:
        """How many for each plain one."""

    @property
    def augmentation(self) -> str:
        """The name of the recipe."""

    @property
    def shard_size(self) -> int:
        """Samples a shard."""

    @property
    def seed(self) -> int:
        """Of all draws."""


@dataclass(frozen=True)
class Parents:
    """Maps that new ones are made of, none of which is read before it is asked for.

    Attributes:
        rows: sample_id, family and fold of each, at least.
        read: from a number to a map (Z, X), m/s.
        files: from a number to the files that the map is read from.
    """

    rows: dict[str, list[Any]]
    read: Callable[[int], Array]
    files: Callable[[int], tuple[Path, ...]] = lambda _: ()


def augmented_shards(
    wanted: Wanted, parents: Parents, geometry: AcquisitionGeometry, threads: int | None
) -> Iterator[Shard]:
    """Plan augmented maps, each in the fold of its parents, so that no fold knows another's.

    A mixed map is of its first parent's family; its origin names what was done, and both parents.

    Args:
        wanted: how many, by which recipe.
        parents: what they are made of.
        geometry: how they are recorded.
        threads: shots simulated at once; one for each processor by default.

    Raises:
        KeyError: if there is no such recipe; it names the nearest.
        ValueError: if not one map would be made.
    """
    recipe = RECIPES.build(wanted.augmentation)
    ids, families, folds = (parents.rows[key] for key in ("sample_id", "family", "fold"))
    n = round(wanted.augment * len(ids))
    if not n:
        raise ValueError(
            f"augment must make at least one map, got {wanted.augment:g} for each of {len(ids)}; "
            "raise it"
        )
    rng = np.random.default_rng((wanted.seed, _PLAN))
    drafts = list(plan(families, folds, n, rng, recipe))
    mark, read = _mark(ids), Shared(parents.read)
    for part in blocks(range(n), wanted.shard_size):
        chosen = drafts[part.start : part.stop]
        firsts = [draft.parents[0] for draft in chosen]
        own = [families[k] for k in firsts]
        rows = {
            "sample_id": [f"{name}-{mark}-{i:07d}" for name, i in zip(own, part, strict=True)],
            "family": own,
            "fold": [folds[k] for k in firsts],
            "origin": [_origin(draft, recipe, ids) for draft in chosen],
        }
        used = sorted({k for draft in chosen for k in draft.parents})
        files = tuple(dict.fromkeys(file for k in used for file in parents.files(k)))
        make = partial(_augmented, chosen, used, read, recipe, geometry, threads)
        yield Shard(rows, make, files)


def _mark(ids: list[str]) -> str:
    """Give a word that tells the new names from those of maps that were augmented before."""
    mark = "augmented"
    while any(f"-{mark}-" in name for name in ids):
        mark = f"re{mark}"
    return mark


def _origin(draft: Draft, recipe: MapRecipe, ids: list[str]) -> str:
    of = " and ".join(ids[k] for k in draft.parents)
    return f"{AUGMENTED}{', '.join(names_of(draft, recipe))} of {of}"


def _augmented(
    drafts: list[Draft],
    used: list[int],
    read: Shared[Callable[[int], Array]],
    recipe: MapRecipe,
    geometry: AcquisitionGeometry,
    threads: int | None,
    advance: Advance,
) -> dict[str, Array]:
    # In order, since a compressed file is read whole for the first of its maps.
    known = {k: read.value(k).astype(np.float32) for k in used}
    maps = np.stack([realise(d, [known[k] for k in d.parents], recipe) for d in drafts])
    return simulated(maps, geometry, threads, advance)
