"""The families by name: one decorator to add one, one function to draw maps.

A family is a recipe: a frozen dataclass whose fields are its parameters, and whose instances take
a generator of random numbers and give a map. So a variant is a replacement of fields:

    thin = dataclasses.replace(families.recipe("FlatVel_A"), interfaces=(8, 12))
    maps = families.sample(thin, 500, rng=0)
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fwi.checks import check_shape, check_velocity, check_whole, floating
from fwi.openfwi import FAMILIES, SIDE
from fwi.registry import Registry

_MOST = 10_000_000  # 200 GB; more is a slip
NAMES = FAMILIES
"""The ten families in the order of the OpenFWI paper (arXiv 2111.02926)."""

Field = npt.NDArray[np.float64]
Recipe = Callable[[np.random.Generator], Field]
"""What draws one map (70, 70), m/s, depth first; those of the families are frozen dataclasses."""
Seed = int | np.random.SeedSequence | np.random.Generator

_families: Registry[Recipe] = Registry("family")
register_family = _families.register


def recipe(name: str) -> Recipe:
    """Give the recipe of a family.

    Raises:
        KeyError: if no family has that name; it names the nearest.
    """
    return _families[name]


def sample(family: str | Recipe, n: int, rng: Seed) -> npt.NDArray[np.float32]:
    """Draw velocity maps of one family.

    Maps are drawn one after another from one stream, so a longer draw begins
    with the maps of a shorter one of the same seed.

    Args:
        family: A registered name, such as one of `NAMES`, or a recipe, such as a variant of
            what `recipe` gives.
        n: Number of maps, at least 1.
        rng: Seed, seed sequence or generator; a generator is advanced.

    Returns:
        P-wave velocity (n, 70, 70), m/s, depth first, float32, C-contiguous.

    Raises:
        KeyError: If no family has that name.
        TypeError: If n or the seed is not an integer, or the family is neither name nor recipe.
        ValueError: If n is less than 1, the seed is negative, or the recipe gives what is no map.
    """
    draw = _recipe(family)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n must be an integer, got {type(n).__name__}")
    n = check_whole("n", n, 1, _MOST)
    generator = generator_of(rng)
    maps = np.empty((n, SIDE, SIDE), np.float32)
    for i in range(n):
        maps[i] = _checked(draw(generator))
    return maps


def _recipe(family: str | Recipe) -> Recipe:
    if isinstance(family, str):
        return recipe(family)
    if isinstance(family, type):
        name = family.__name__
        raise TypeError(f"family must be a name or a recipe, got the class {name}; give {name}()")
    if not callable(family):
        raise TypeError(f"family must be a name or a recipe, got {type(family).__name__}")
    return family


def _checked(velocity: Field) -> npt.NDArray[np.floating]:
    name = "what a recipe gives"
    array = floating(name, velocity)
    check_shape(name, array, (SIDE, SIDE))
    check_velocity(array[None], SIDE, SIDE, name)
    return array


def generator_of(rng: Seed) -> np.random.Generator:
    """Give a generator itself, or a new one of a seed.

    Raises:
        TypeError: if it is neither.
        ValueError: if the seed is negative.
    """
    if isinstance(rng, np.random.SeedSequence | np.random.Generator):
        return np.random.default_rng(rng)
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise TypeError(
            f"rng must be a seed, a seed sequence or a generator, got {type(rng).__name__}"
        )
    if rng < 0:
        raise ValueError(f"rng must be a seed of at least 0, got {rng}")
    return np.random.default_rng(rng)
