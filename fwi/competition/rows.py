"""Maps as the rows of a submission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import IO, Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.checks import warn_of_unit
from fwi.competition.conversion import as_maps
from fwi.competition.table import HEADER, VALUES, oids, rows_of
from fwi.metrics import SCORED


def write_rows(file: IO[bytes], blocks: Iterable[tuple[Sequence[str], Any]]) -> None:
    """Write the header and the rows of blocks of (ids, velocity).

    Raises:
        TypeError: if maps hold no real numbers.
        ValueError: if an id repeats or cannot be written, or maps have another shape or a value
            that is not finite.
    """
    seen: set[str] = set()
    fastest = 0.0
    file.write((",".join(HEADER) + "\n").encode())
    for ids, velocity in blocks:
        repeated = seen.intersection(ids) or {i for i, n in Counter(ids).items() if n > 1}
        if repeated:
            raise ValueError(f"ids must not repeat, got {min(repeated)!r} twice")
        seen.update(ids)
        maps = as_maps(velocity, len(ids))
        fastest = max(fastest, float(maps.max()))
        _frame(list(ids), maps).write_csv(file, include_header=False, float_precision=2)
    if seen:
        warn_of_unit("velocity", fastest)


def _frame(ids: list[str], maps: Array) -> pl.DataFrame:
    values = maps[..., SCORED].reshape(-1, len(VALUES))
    names = rows_of(ids)
    oids(names)  # refuses an empty id, and one with a line break
    frame = pl.DataFrame(np.asarray(values, np.float64), schema=VALUES)
    return frame.insert_column(0, names)
