"""Recipes: which transforms make a new velocity map of one map, or of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fwi.checks import check_number
from fwi.data.augment.displaced import AddedFault, VerticalStretch
from fwi.data.augment.library import A
from fwi.data.augment.mixing import CutMix, Mixing, MixUp
from fwi.data.augment.warps import AffineCrop, ElasticWarp, GridWarp
from fwi.registry import Registry


@dataclass(frozen=True)
class MapRecipe:
    """How a new map is made of one map, or of two.

    Attributes:
        transforms: in their order, each drawn by its own p; where none is but a flip, which would
            only repeat what training does anyway, one of the others is, in proportion to p.
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
        weights = np.array([self.transforms[i].p * _counts(self.transforms[i]) for i in open_to])
        if not weights.any():
            raise ValueError(
                "the recipe only mixes maps, got a fold or group with a single one; give more "
                "maps, or use fewer folds or another recipe"
            )
        chosen = {i for i in open_to if rng.random() < self.transforms[i].p}
        if not any(_counts(self.transforms[i]) for i in chosen):
            chosen.add(int(rng.choice(open_to, p=weights / weights.sum())))
        return tuple(sorted(chosen))

    def mixes(self, chosen: Sequence[int]) -> bool:
        """Tell whether one of the chosen transforms needs a second map."""
        return any(_mixes(self.transforms[i]) for i in chosen)


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


def recipe_of(recipe: str | MapRecipe) -> MapRecipe:
    """Give the recipe of a name, or the recipe itself.

    Raises:
        KeyError: if there is no such recipe; it names the nearest.
    """
    return recipe if isinstance(recipe, MapRecipe) else RECIPES.build(recipe)


def _warps() -> tuple[A.BasicTransform, ...]:
    return AffineCrop(p=0.4), VerticalStretch(p=0.25), ElasticWarp(p=0.25), GridWarp(p=0.25)


def _mixes(transform: A.BasicTransform) -> bool:
    return isinstance(transform, Mixing)


def _counts(transform: A.BasicTransform) -> bool:
    return not isinstance(transform, A.HorizontalFlip)
