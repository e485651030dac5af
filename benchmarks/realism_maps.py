"""Real and generated maps of the realism report, and the rows that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi import families
from fwi.arrays import Array
from fwi.files import atomic_file

# Seeds by purpose; generators were tuned on none of them.
POOLED, DESCRIBED, LEARNT, ASKED, TRANSFERRED, SHOWN = range(91_000, 97_000, 1000)
LAYERS = {"FlatFault_A": 4}  # of all exact real maps; the family has 2, 3 and 4
_COLOURS = 255  # steps between a map's extremes in a picture


@dataclass(frozen=True)
class Real:
    """Real maps of a family, (n, 70, 70) each, m/s; what is known of them.

    Attributes:
        seen: exact ones that generators may have been fitted to: the first half.
        kept: exact ones that nothing was fitted to: the second half.
        pictures: recovered from pictures and figures, values within 0.5 % of the map's range.
        fitted: which pictures generators may have been fitted to, (n,) bool: all but odd numbers.
    """

    seen: Array
    kept: Array
    pictures: Array
    fitted: Array


def real(folder: Path, family: str) -> Real:
    """Read the real maps of a family."""
    exact = np.empty((0, 70, 70), np.float32)
    if (file := folder / f"many_{family}.npz").exists():
        with np.load(file, allow_pickle=False) as arrays:
            exact = arrays["maps"]
    seen, kept = np.split(exact, [len(exact) // 2])
    pictures: list[Array] = []
    if (file := folder / "pictures.npz").exists():
        with np.load(file, allow_pickle=False) as arrays:
            pictures = list(arrays[family]) if family in arrays.files else []
    fitted = [i % 2 == 0 for i in range(len(pictures))]
    if (figure := folder / f"{family}.npy").exists():
        pictures, fitted = [*pictures, np.load(figure, allow_pickle=False)], [*fitted, True]
    stack = np.array(pictures, np.float32).reshape(-1, 70, 70)
    return Real(seen, kept, stack, np.array(fitted, bool))


def generated(family: str, n: int, seed: int) -> Array:
    """Draw n maps as the exact real ones are: of four layers where all of those have four."""
    recipe: Any = families.recipe(family)
    if family in LAYERS:
        recipe = replace(recipe, layers=(LAYERS[family],))
    return families.sample(recipe, n, seed)


def painted(maps: Array) -> Array:
    """Round maps to the 256 colours of a picture, each between its own extremes."""
    low, high = (end(maps, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
    step = np.maximum(high - low, 1e-6) / _COLOURS
    return (low + np.rint((maps - low) / step) * step).astype(np.float32)


def version(family: str) -> str:
    """Name the generator of a family by what it draws: rows of another one are done anew."""
    return blake2b(families.sample(family, 8, 0).tobytes(), digest_size=4).hexdigest()


class Rows:
    """Rows that are done, in a parquet file.

    Args:
        path: of the file, written anew with every row.
        key: columns that a row is known by.
    """

    def __init__(self, path: Path, *key: str) -> None:
        self.path, self.key = path, key
        self.table = pl.read_parquet(path) if path.exists() else pl.DataFrame()

    def __contains__(self, key: tuple) -> bool:
        """Whether a row of this key is there."""
        return bool(len(self.table)) and key in set(self.table.select(self.key).iter_rows())

    def add(self, rows: list[dict[str, object]]) -> None:
        """Add rows, and write the file."""
        new = pl.DataFrame(rows)
        self.table = pl.concat([self.table, new]) if len(self.table) else new
        with atomic_file(self.path) as temporary:
            self.table.write_parquet(temporary)

    def of(self, versions: dict[str, str]) -> pl.DataFrame:
        """Give the rows of these generators, by family."""
        pairs = pl.DataFrame({"family": list(versions), "generator": list(versions.values())})
        return pairs.join(self.table, on=("family", "generator"), maintain_order="left_right")
