"""One sample of OpenFWI's recording, made once, and the folders that cases lay it out in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.data.store import Store
from fwi.families import sample
from fwi.physics.simulator import simulate


@cache
def pair() -> tuple[Array, Array]:
    """Give gathers (2, 5, 1000, 70) float32 and their maps (2, 70, 70), m/s."""
    maps = sample("CurveFault_A", 2, 7)
    return simulate(maps), maps


def gathers() -> Array:
    """Give the gathers."""
    return pair()[0]


def maps() -> Array:
    """Give the maps."""
    return pair()[1]


def save(path: Path, array: Array) -> Path:
    """Write a .npy file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.save(file, array)
    return path


def lay_out(folder: Path, gathers_name: str, maps_name: str, n: int = 1) -> None:
    """Write gathers and maps under two names."""
    save(folder / gathers_name, gathers()[:n])
    save(folder / maps_name, maps()[:n])


def holds(n: int, families: set[str] | None = None, store: str = "store") -> object:
    """Give a check that a store has so many samples, of these families, that are the pair's."""

    def check(folder: Path) -> None:
        made = Store(folder / store)
        assert len(made) == n
        assert families is None or set(made.catalog["family"]) == families
        assert made.catalog["sample_id"].n_unique() == n
        assert np.array_equal(made.gathers([0])[0], gathers()[0].astype(np.float16))
        assert np.array_equal(made.maps([0])[0], maps()[0])

    return check
