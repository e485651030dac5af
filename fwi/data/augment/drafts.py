"""New velocity maps, planned before they are made: of which maps, and by which transforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.data.augment.library import generators
from fwi.data.augment.recipes import MapRecipe


class Draft(NamedTuple):
    """A new map before it is made.

    Attributes:
        parents: numbers of the one or two maps that it is made of.
        transforms: places of the recipe's transforms.
        seed: of what they draw.
    """

    parents: tuple[int, ...]
    transforms: tuple[int, ...]
    seed: int


def plan(
    families: Sequence[object],
    groups: Sequence[object],
    n: int,
    rng: np.random.Generator,
    recipe: MapRecipe,
) -> Iterator[Draft]:
    """Choose parents and transforms of `n` new maps; both parents are of one group."""
    everyone = members(groups)
    kin = members(list(zip(groups, families, strict=True)))
    turns = rng.permutation(len(groups))
    for i in range(n):
        first = int(turns[i % len(turns)])
        group = groups[first]
        yield draw_draft(rng, first, everyone[group], kin[group, families[first]], recipe)


def draw_draft(
    rng: np.random.Generator,
    first: int,
    everyone: Sequence[int],
    kin: Sequence[int],
    recipe: MapRecipe,
) -> Draft:
    """Choose what is done to a map, and with which other one it is mixed, if with any.

    Args:
        rng: source of randomness.
        first: number of the map.
        everyone: numbers of those that it may be mixed with, and its own.
        kin: those of its family, and its own.
        recipe: what may be done.
    """
    second = _other(rng, everyone if rng.random() < recipe.across else kin, first)
    chosen = recipe.draw(rng, alone=second is None)
    parents = (first, second) if second is not None and recipe.mixes(chosen) else (first,)
    return Draft(parents, chosen, int(rng.integers(2**63)))


def realise(draft: Draft, parents: Sequence[Array], recipe: MapRecipe) -> Array:
    """Make a planned map of its parents' (Z, X) float32 maps."""
    data = {"image": np.ascontiguousarray(parents[0]), "partner": parents[-1]}
    state = generators(draft.seed)
    for place in draft.transforms:
        transform = recipe.transforms[place]
        transform.set_random_state(*state)
        data = transform(force_apply=True, **data)
    return data["image"]


def names_of(draft: Draft, recipe: MapRecipe) -> tuple[str, ...]:
    """Name what is done to a planned map."""
    return tuple(type(recipe.transforms[i]).__name__ for i in draft.transforms)


def members(labels: Sequence[object]) -> dict[object, list[int]]:
    """List the places of each label."""
    found: dict[object, list[int]] = {}
    for i, label in enumerate(labels):
        found.setdefault(label, []).append(i)
    return found


def _other(rng: np.random.Generator, known: Sequence[int], but: int) -> int | None:
    """Draw one of several numbers other than one of them; None where there is none."""
    if len(known) < 2:
        return None
    chosen = known[int(rng.integers(len(known) - 1))]
    return chosen if chosen != but else known[-1]
