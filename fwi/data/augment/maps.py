"""Given velocity maps in, new ones out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_velocity, check_whole, floating
from fwi.data.augment.drafts import names_of, plan, realise
from fwi.data.augment.recipes import MapRecipe, recipe_of
from fwi.families.registry import Seed, generator_of

_MOST = 10_000_000


class Augmented(NamedTuple):
    """New maps, and where they come from.

    Attributes:
        velocity: (n, Z, X) float32, m/s.
        parents: numbers of the one or two maps that each is made of; the family is the first's.
        transforms: names of what was done to it, in order.
    """

    velocity: Array
    parents: list[tuple[int, ...]]
    transforms: list[tuple[str, ...]]


def augment_maps(
    maps: Array,
    n: int,
    rng: Seed,
    recipe: str | MapRecipe = "default",
    *,
    families: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
) -> Augmented:
    """Make new maps of given ones; their gathers are those of `fwi.simulate`, so labels are exact.

    Args:
        maps: velocity (N, Z, X), m/s.
        n: how many to make; the given ones take turns, so that each is used as often.
        rng: seed, seed sequence or generator; a generator is advanced.
        recipe: its name, or the recipe.
        families: of the maps, by which mixing tells within from across; one by default.
        groups: such as folds: maps of two groups are never mixed; one by default.

    Returns:
        New maps, all of whose values lie in the range of their parents, and what they are made of.

    Raises:
        KeyError: if there is no such recipe; it names the nearest.
        TypeError: if maps, n or rng are of another kind.
        ValueError: if a map's value, n or a length does not fit.
    """
    velocity = floating("maps", maps)
    if velocity.ndim != 3:
        fix = "add a batch axis" if velocity.ndim == 2 else "see their axes"
        raise ValueError(f"maps must be (n, depth, line), got {velocity.shape}; {fix}")
    check_velocity(velocity, velocity.shape[1], velocity.shape[2], "maps")
    velocity = velocity.astype(np.float32)
    chosen = recipe_of(recipe)
    known = _column("families", families, len(velocity))
    apart = _column("groups", groups, len(velocity))
    n = check_whole("n", n, 1, _MOST)
    drafts = list(plan(known, apart, n, generator_of(rng), chosen))
    made = np.stack([realise(d, [velocity[i] for i in d.parents], chosen) for d in drafts])
    return Augmented(made, [d.parents for d in drafts], [names_of(d, chosen) for d in drafts])


def _column(name: str, values: Sequence[object] | None, n: int) -> list[object]:
    if values is None:
        return [0] * n
    if len(values) != n:
        raise ValueError(
            f"{name} must be as many as the {n} maps, got {len(values)}; give one a map"
        )
    return list(values)
