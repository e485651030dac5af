"""The families by name: one decorator to add one, one function to draw maps."""

import difflib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fwi.labels import FAMILIES

SIZE = 70
"""Rows and columns of a map (10 m cells)."""

NAMES = FAMILIES
"""The ten families in the order of the OpenFWI paper (arXiv 2111.02926)."""

Field = npt.NDArray[np.float64]
Generate = Callable[[np.random.Generator], Field]
Seed = int | np.random.SeedSequence | np.random.Generator

_families: dict[str, Generate] = {}


def register_family(name: str) -> Callable[[Generate], Generate]:
    """Return a decorator that files a one-map generator under a name.

    Args:
        name: Name of the family; a name is given once.

    Returns:
        The decorator, which hands its function back unchanged.

    Raises:
        ValueError: If the name is taken.
    """
    if name in _families:
        raise ValueError(f"family {name!r} is registered already; choose another name")

    def register(generate: Generate) -> Generate:
        _families[name] = generate
        return generate

    return register


def sample(family: str, n: int, rng: Seed) -> npt.NDArray[np.float32]:
    """Draw velocity maps of one family.

    Maps are drawn one after another from one stream, so a longer draw begins
    with the maps of a shorter one of the same seed.

    Args:
        family: A registered name, such as one of `NAMES`.
        n: Number of maps, at least 1.
        rng: Seed, seed sequence or generator; a generator is advanced.

    Returns:
        P-wave velocity (n, 70, 70), m/s, depth first, float32, C-contiguous.

    Raises:
        KeyError: If no family has that name.
        TypeError: If n is not an integer.
        ValueError: If n is less than 1.
    """
    if family not in _families:
        raise KeyError(_unknown(family))
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n must be an integer, got {type(n).__name__}")
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    generate, generator = _families[family], np.random.default_rng(rng)
    maps = np.empty((n, SIZE, SIZE), np.float32)
    for i in range(n):
        maps[i] = generate(generator)
    return maps


def _unknown(family: str) -> str:
    """Say that a family is unknown, with the nearest names."""
    lowered = {name.lower(): name for name in _families}
    near = difflib.get_close_matches(str(family).lower(), lowered, n=3, cutoff=0.4)
    choices = [lowered[name] for name in near] or list(_families)
    return f"unknown family {family!r}; did you mean {', '.join(choices)}?"
