"""What a shard holds: its arrays in the store's dtypes, and its catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape
from fwi.data.catalog import CATALOG_SCHEMA
from fwi.data.store import DTYPES, SHAPES, checksum


def stored_as(
    shard: int, rows: Mapping[str, Sequence[Any]], arrays: Mapping[str, Array]
) -> tuple[dict[str, Array], pl.DataFrame]:
    """Cast arrays as a store holds them, and list their samples.

    Args:
        shard: its number.
        rows: sample_id, family, fold and origin of its samples.
        arrays: gathers (n, S, T, R) and maps (n, Z, X), or one of them.

    Returns:
        The arrays, and the shard's catalog.

    Raises:
        ValueError: if a value is not finite in the store's dtype, or shapes do not fit.
    """
    n = len(rows["sample_id"])
    with np.errstate(over="ignore"):  # what float16 cannot hold is refused below
        stored = {
            name: np.ascontiguousarray(arrays[name], DTYPES[name])
            for name in DTYPES
            if name in arrays
        }
    for name, array in stored.items():
        check_shape(f"{name} of shard {shard}", array, (n, *SHAPES[name]))
        check_finite(f"{name} of shard {shard}", array)
    sums = [checksum(*(a[i] for a in stored.values())) for i in range(n)]
    columns = {**rows, "shard": [shard] * n, "row": range(n), "checksum": sums}
    frame = pl.DataFrame({k: columns[k] for k in CATALOG_SCHEMA}, schema=CATALOG_SCHEMA)
    return stored, frame
