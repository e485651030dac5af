"""What infer reads: a store, a folder of gathers, or one file, behind one face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.data.catalog import find_test_files, open_gathers
from fwi.data.store import Store
from fwi.files import fingerprint

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Source:
    """Gathers by number; none is read before it is asked for.

    Attributes:
        rows: sample_id, family, fold and origin of each sample, as a store's catalog has them.
        read: from a range of samples to gathers (n, S, T, R).
        fingerprint: of the samples; another one where their gathers changed.
        read_maps: from a range of samples to the true maps (n, Z, X), m/s, where they are known.
    """

    rows: dict[str, list[Any]]
    read: Callable[[range], Array]
    fingerprint: int
    read_maps: Callable[[range], Array] | None = None

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.rows["sample_id"])


def open_source(path: Path) -> Source:
    """Open what holds gathers.

    Args:
        path: a store, a folder with .npy files of (S, T, R), or one such file, which may also
            be (n, S, T, R).

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if a file is damaged or has another rank.
    """
    if (path / "store.json").exists():
        store = Store(path)
        names = ("sample_id", "family", "fold", "origin")
        rows = {name: store.catalog[name].to_list() for name in names}
        maps = store.maps if store.has_maps else None
        return Source(rows, store.gathers, store.fingerprint, maps)
    if path.is_file():
        gathers = open_gathers(path)
        n = len(gathers)
        ids = [path.stem] if n == 1 else [f"{path.stem}-{i}" for i in range(n)]
        rows = _unknown(ids, [path] * n)
        return Source(rows, lambda part: gathers[part.start : part.stop], fingerprint([path]))
    files = find_test_files(path)
    return Source(
        _unknown([file.stem for file in files], files),
        lambda part: np.stack([_one(files[i]) for i in part]),
        fingerprint(files),
    )


def _one(file: Path) -> Array:
    gathers = open_gathers(file)
    if len(gathers) != 1:
        raise ValueError(
            f"gathers of {file} must be one sample (shots, time, receivers), got {gathers.shape}; "
            "give fwi infer that file alone"
        )
    return gathers[0]


def _unknown(ids: list[str], files: list[Path]) -> dict[str, list[Any]]:
    n = len(ids)
    origin = [str(file) for file in files]
    return {"sample_id": ids, "family": ["unknown"] * n, "fold": [-1] * n, "origin": origin}
