"""Recipes that make new velocity maps of given ones, and the maps that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_number, check_velocity, check_whole, floating
from fwi.data.augment.library import A, generators
from fwi.data.augment.mixing import CutMix, Mixing, MixUp
from fwi.data.augment.warps import AddedFault, AffineCrop, ElasticWarp, GridWarp, VerticalStretch
from fwi.registry import Registry

_MOST = 10_000_000
Seed = int | np.random.SeedSequence | np.random.Generator


@dataclass(frozen=True)
class MapRecipe:
    """How a new map is made of one map, or of two.

    Attributes:
        transforms: in their order, each drawn by its own p; the whole is drawn again until one is
            there that is more than a flip, which would only repeat what training does anyway.
        across: probability that a second map may be of any family, not only of the first one's.

    Raises:
        ValueError: if no transform but a flip is ever drawn.
    """

    transforms: tuple[A.BasicTransform, ...]
    across: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a recipe that changes nothing."""
        check_number("across", self.across, 0.0, 1.0)
        if not any(t.p > 0 and _counts(t) for t in self.transforms):
            raise ValueError(
                "a recipe must have a transform other than a flip with p above 0, got "
                f"{[type(t).__name__ for t in self.transforms]}; add one"
            )

    def draw(self, rng: np.random.Generator, alone: bool) -> tuple[int, ...]:
        """Choose transforms, by their places.

        Args:
            rng: source of randomness.
            alone: whether there is no second map to mix with.

        Raises:
            ValueError: if the recipe only mixes, and there is none.
        """
        open_to = [i for i, t in enumerate(self.transforms) if not (alone and _mixes(t))]
        if not any(_counts(self.transforms[i]) and self.transforms[i].p > 0 for i in open_to):
            raise ValueError(
                "the recipe only mixes maps, got a fold or group with a single one; give more "
                "maps, or use fewer folds or another recipe"
            )
        while True:
            chosen = tuple(i for i in open_to if rng.random() < self.transforms[i].p)
            if any(_counts(self.transforms[i]) for i in chosen):
                return chosen

    def mixes(self, chosen: Sequence[int]) -> bool:
        """Tell whether one of the chosen transforms needs a second map."""
        return any(_mixes(self.transforms[i]) for i in chosen)


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


RECIPES: Registry[Callable[[], MapRecipe]] = Registry("recipe of augmentation")


@RECIPES.register("default")
def default() -> MapRecipe:
    """Mix two maps in a third of the cases, warp, fault and flip."""
    mixing = (MixUp(p=0.2), CutMix(p=0.2))
    return MapRecipe((*mixing, *_warps(), AddedFault(p=0.3), A.HorizontalFlip(p=0.5)))


@RECIPES.register("warp")
def warp() -> MapRecipe:
    """Warp, fault and flip one map: layers stay layers, and no velocity is new."""
    return MapRecipe((*_warps(), AddedFault(p=0.3), A.HorizontalFlip(p=0.5)))


@RECIPES.register("mix")
def mix() -> MapRecipe:
    """Mix two maps, and nothing else."""
    return MapRecipe((MixUp(p=0.5), CutMix(p=0.5)))


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
    chosen = RECIPES.build(recipe) if isinstance(recipe, str) else recipe
    known = _column("families", families, len(velocity))
    apart = _column("groups", groups, len(velocity))
    n = check_whole("n", n, 1, _MOST)
    drafts = list(plan(known, apart, n, _generator(rng), chosen))
    made = np.stack([realise(d, [velocity[i] for i in d.parents], chosen) for d in drafts])
    return Augmented(made, [d.parents for d in drafts], [names_of(d, chosen) for d in drafts])


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


def _warps() -> tuple[A.BasicTransform, ...]:
    return AffineCrop(p=0.4), VerticalStretch(p=0.25), ElasticWarp(p=0.25), GridWarp(p=0.25)


def _mixes(transform: A.BasicTransform) -> bool:
    return isinstance(transform, Mixing)


def _counts(transform: A.BasicTransform) -> bool:
    return not isinstance(transform, A.HorizontalFlip)


def _other(rng: np.random.Generator, known: Sequence[int], but: int) -> int | None:
    """Draw one of several numbers other than one of them; None where there is none."""
    if len(known) < 2:
        return None
    chosen = known[int(rng.integers(len(known) - 1))]
    return chosen if chosen != but else known[-1]


def _column(name: str, values: Sequence[object] | None, n: int) -> list[object]:
    if values is None:
        return [0] * n
    if len(values) != n:
        raise ValueError(f"{name} must be as many as the {n} maps, got {len(values)}")
    return list(values)


def _generator(rng: Seed) -> np.random.Generator:
    if not isinstance(rng, np.random.SeedSequence | np.random.Generator):
        rng = check_whole("rng", rng, 0, 2**63)
    return np.random.default_rng(rng)
