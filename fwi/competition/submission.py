"""Competition submissions: write, read back, validate.

A file has the header oid_ypos,x_1,x_3,...,x_69 and a row `<oid>_y_<row>` for each of the 70 rows
of each map; only the odd columns are scored, so only they are written. Its name says whether it is
plain (.csv), gzip (.csv.gz) or zip (.zip).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.competition.conversion import as_ids, count
from fwi.competition.packing import check_ending, is_packed, pack, unpacked
from fwi.competition.rows import write_rows
from fwi.competition.table import (
    HEADER,
    VALUES,
    check_header,
    check_rows,
    check_values,
    collect,
    oids,
    row_names,
    rows_of,
    scan,
)
from fwi.config import as_path
from fwi.files import atomic_file, scratch_file
from fwi.openfwi import SIDE

_BLOCK = 512  # maps formatted at once: some 20 MB


def write(path: Path | str, ids: Sequence[str] | Array, velocity: Any) -> None:
    """Write a submission, or leave what was there if anything fails.

    Args:
        path: the file, .csv, .csv.gz or .zip.
        ids: one oid a map, without duplicates.
        velocity: (B, 70, 70) or (B, 1, 70, 70), m/s: an array, which may be memory-mapped, a
            tensor or a list.

    Raises:
        TypeError: if an id is no text, or the maps hold no real numbers.
        ValueError: if ids and maps do not match, or a value is not finite.
    """
    names, n = as_ids(ids), count(velocity)
    if len(names) != n:
        raise ValueError(f"ids must be one a map, got {len(names)} ids for {n} maps")
    starts = range(0, n, _BLOCK)
    write_blocks(path, ((names[i : i + _BLOCK], velocity[i : i + _BLOCK]) for i in starts))


def write_blocks(
    path: Path | str,
    blocks: Iterable[tuple[Sequence[str], Any]],
    sample_submission: Path | str | None = None,
) -> int:
    """Write a submission from blocks of (ids, velocity), each as in `write`.

    Args:
        path: the file, .csv, .csv.gz or .zip.
        blocks: of maps.
        sample_submission: see `validate`, which what was written passes before it gets its name.

    Returns:
        The number of rows.
    """
    path = check_ending(as_path("a submission", path))
    with atomic_file(path) as temporary:
        if not is_packed(path):
            return _write_plain(temporary, path, blocks, sample_submission)
        with scratch_file(path) as plain:
            n = _write_plain(plain, path, blocks, sample_submission)
            pack(plain, temporary, path.name)
        return n


def _write_plain(
    file: Path,
    name: Path,
    blocks: Iterable[tuple[Sequence[str], Any]],
    sample_submission: Path | str | None,
) -> int:
    with file.open("wb") as opened:
        write_rows(opened, blocks)
    return _validate(file, name, sample_submission)


def read(path: Path | str) -> tuple[list[str], Array]:
    """Read a submission back.

    Args:
        path: the file, .csv, .csv.gz or .zip.

    Returns:
        The ids in the file's order, and the scored columns (B, 70, 35) float32, m/s.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a submission whose maps stand whole and in order, with finite
            values alone.
    """
    path = as_path("a submission", path)
    with unpacked(path) as file:
        check_header(file, path)
        check_values(file, path)
        frame = collect(scan(file), path)
    ids = oids(frame[HEADER[0]], path)
    if frame[HEADER[0]].to_list() != rows_of(ids).to_list():
        raise ValueError(f"{path} must hold rows 0 to {SIDE - 1} of each map in order; write it so")
    values = frame.select(VALUES).to_numpy().astype(np.float32)
    return ids, values.reshape(len(ids), SIDE, len(VALUES))


def sample_ids(sample_submission: Path | str) -> list[str]:
    """Read the ids of a sample submission, in its order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not one: another header, or maps whose rows are not all there, each
            once.
    """
    path = as_path("a sample submission", sample_submission)
    names = _sample_rows(path)
    ids = oids(names, path)
    if not ids:
        raise ValueError(f"{path} has no rows; take the competition's sample submission")
    expected = rows_of(ids)
    missing = expected.filter(~expected.is_in(names.implode()))
    if len(missing):
        raise ValueError(f"{path} lacks {len(missing)} rows, the first is {missing[0]!r}")
    return ids


def _sample_rows(path: Path) -> pl.Series:
    with unpacked(path) as file:
        return row_names(file, path)


def validate(path: Path | str, sample_submission: Path | str | None = None) -> int:
    """Check a submission as the competition would.

    Args:
        path: the file, .csv, .csv.gz or .zip.
        sample_submission: its rows have to be there, and no others; without it every map has to
            have its 70 rows.

    Returns:
        The number of rows.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: with the first thing that is wrong: header, an id or row missing, unknown or
            doubled, a value missing or not finite.
    """
    path = as_path("a submission", path)
    with unpacked(path) as file:
        return _validate(file, path, sample_submission)


def _validate(file: Path, name: Path, sample_submission: Path | str | None) -> int:
    names = row_names(file, name)
    if sample_submission is None:
        expected = rows_of(oids(names, name))
    else:
        expected = _sample_rows(Path(sample_submission))
    check_rows(name, names, expected)
    check_values(file, name)
    return len(names)


def blocks_in_order(
    ids: Sequence[str], known: Mapping[str, int], read_maps: Callable[[list[int]], Array]
) -> Iterator[tuple[list[str], Array]]:
    """Yield blocks of (ids, velocity) in the order of `ids`.

    Args:
        ids: the order of the submission.
        known: the place of each predicted id.
        read_maps: from places to velocity (n, 70, 70).

    Raises:
        ValueError: if an id was not predicted.
    """
    missing = [i for i in ids if i not in known]
    if missing:
        raise ValueError(
            f"{len(missing)} ids of the sample submission have no prediction, the first is "
            f"{missing[0]!r}; infer the whole test folder"
        )
    for start in range(0, len(ids), _BLOCK):
        part = list(ids[start : start + _BLOCK])
        yield part, read_maps([known[i] for i in part])
