"""The families by name: one decorator to add one, one function to draw maps."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fwi.checks import check_whole
from fwi.openfwi import FAMILIES, SIDE
from fwi.registry import Registry

_MOST = 10_000_000  # 200 GB; more is a slip
NAMES = FAMILIES
"""The ten families in the order of the OpenFWI paper (arXiv 2111.02926)."""

Field = npt.NDArray[np.float64]
Generate = Callable[[np.random.Generator], Field]
Seed = int | np.random.SeedSequence | np.random.Generator

_families: Registry[Generate] = Registry("family")
register_family = _families.register


def check_family(family: str) -> None:
    """Refuse a name that no family has.

    Raises:
        KeyError: if it is unknown; it names the nearest.
    """
    _families[family]


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
        TypeError: If n or the seed is not an integer.
        ValueError: If n is less than 1, or the seed is negative.
    """
    generate = _families[family]
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n must be an integer, got {type(n).__name__}")
    n = check_whole("n", n, 1, _MOST)
    generator = _generator(rng)
    maps = np.empty((n, SIDE, SIDE), np.float32)
    for i in range(n):
        maps[i] = generate(generator)
    return maps


def _generator(rng: Seed) -> np.random.Generator:
    if isinstance(rng, np.random.SeedSequence | np.random.Generator):
        return np.random.default_rng(rng)
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise TypeError(
            f"rng must be a seed, a seed sequence or a generator, got {type(rng).__name__}"
        )
    if rng < 0:
        raise ValueError(f"rng must be a seed of at least 0, got {rng}")
    return np.random.default_rng(rng)
