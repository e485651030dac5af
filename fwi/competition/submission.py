"""Competition submissions: write, read back, validate.

A file has the header oid_ypos,x_1,x_3,...,x_69 and a row `<oid>_y_<row>` for each of the 70 rows
of each map; only the odd columns are scored, so only they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape
from fwi.files import atomic_file
from fwi.metrics import SCORED
from fwi.openfwi import SIDE

VALUES = [f"x_{i}" for i in range(SIDE)[SCORED]]
HEADER = ["oid_ypos", *VALUES]
_BLOCK = 512  # maps formatted at once: some 20 MB


def write(path: Path | str, ids: Sequence[str], velocity: Array) -> None:
    """Write a submission, or leave what was there if anything fails.

    Args:
        path: the csv file.
        ids: one oid a map, without duplicates.
        velocity: (B, 70, 70) m/s; may be memory-mapped.

    Raises:
        ValueError: if ids and maps do not match, or a value is not finite.
    """
    if len(ids) != len(velocity):
        raise ValueError(f"ids must be one a map, got {len(ids)} ids for {len(velocity)} maps")
    starts = range(0, len(ids), _BLOCK)
    write_blocks(path, ((ids[i : i + _BLOCK], velocity[i : i + _BLOCK]) for i in starts))


def write_blocks(path: Path | str, blocks: Iterable[tuple[Sequence[str], Array]]) -> None:
    """Write a submission from blocks of (ids, velocity), each as in `write`."""
    seen: set[str] = set()
    with atomic_file(Path(path)) as temporary, temporary.open("wb") as file:
        file.write((",".join(HEADER) + "\n").encode())
        for ids, velocity in blocks:
            repeated = seen.intersection(ids) or _repeated(ids)
            if repeated:
                raise ValueError(f"ids must not repeat, got {min(repeated)!r} twice")
            seen.update(ids)
            _frame(ids, velocity).write_csv(file, include_header=False, float_precision=2)


def _repeated(ids: Sequence[str]) -> set[str]:
    return {i for i in ids if ids.count(i) > 1} if len(set(ids)) < len(ids) else set()


def _frame(ids: Sequence[str], velocity: Array) -> pl.DataFrame:
    check_shape("velocity", velocity, (len(ids), SIDE, SIDE))
    check_finite("velocity", velocity)
    values = np.asarray(velocity)[..., SCORED].reshape(-1, len(VALUES))
    names = pl.Series(HEADER[0], [f"{oid}_y_{row}" for oid in ids for row in range(SIDE)])
    oids(names)  # refuses an empty id, and one with a line break
    frame = pl.DataFrame(values.astype(np.float64), schema=VALUES)
    return frame.insert_column(0, names)


def read(path: Path | str) -> tuple[list[str], Array]:
    """Read a submission back.

    Args:
        path: the csv file.

    Returns:
        The ids in the file's order, and the scored columns (B, 70, 35) float32, m/s.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a submission whose maps stand whole and in order, with finite
            values alone.
    """
    _check_header(Path(path))
    _check_values(path)
    frame = _collect(path, _scan(path))
    ids = oids(frame[HEADER[0]])
    expected = [f"{oid}_y_{row}" for oid in ids for row in range(SIDE)]
    if frame[HEADER[0]].to_list() != expected:
        raise ValueError(f"{path} must hold rows 0 to {SIDE - 1} of each map in order; write it so")
    values = frame.select(VALUES).to_numpy().astype(np.float32)
    return ids, values.reshape(len(ids), SIDE, len(VALUES))


def oids(names: pl.Series) -> list[str]:
    """Give the ids behind row names, each once, in order of appearance.

    Raises:
        ValueError: if a name is not `<oid>_y_<0..69>`.
    """
    found = names.str.extract(r"^(.+)_y_(?:[0-9]|[1-6][0-9])$")
    wrong = names.filter(found.is_null())
    if len(wrong):
        raise ValueError(f"{HEADER[0]} must read <oid>_y_<0..{SIDE - 1}>, got {wrong[0]!r}")
    return found.unique(maintain_order=True).to_list()


def sample_ids(sample_submission: Path | str) -> list[str]:
    """Read the ids of a sample submission, in its order."""
    _check_header(Path(sample_submission))
    names = _collect(sample_submission, _scan(sample_submission).select(HEADER[0]))
    return oids(names[HEADER[0]])


def validate(path: Path | str, sample_submission: Path | str | None = None) -> int:
    """Check a submission as the competition would.

    Args:
        path: the csv file.
        sample_submission: its rows have to be there, and no others; without it every map has to
            have its 70 rows.

    Returns:
        The number of rows.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: with the first thing that is wrong: header, an id or row missing, unknown or
            doubled, a value missing or not finite.
    """
    _check_header(Path(path))
    if sample_submission is not None:
        _check_header(Path(sample_submission))
    names = _collect(path, _scan(path).select(HEADER[0]))[HEADER[0]]
    doubled = names.filter(names.is_duplicated())
    if len(doubled):
        raise ValueError(f"{path} has the row {doubled[0]!r} more than once; write each row once")
    _check_rows(path, names, _expected_rows(names, sample_submission))
    _check_values(path)
    return len(names)


def _expected_rows(names: pl.Series, sample_submission: Path | str | None) -> pl.Series:
    if sample_submission is not None:
        sample = _collect(sample_submission, _scan(sample_submission).select(HEADER[0]))
        return sample[HEADER[0]]
    rows = [f"{oid}_y_{row}" for oid in oids(names) for row in range(SIDE)]
    return pl.Series(HEADER[0], rows, dtype=pl.String)


def _check_rows(path: Path | str, names: pl.Series, expected: pl.Series) -> None:
    if not len(names):
        raise ValueError(f"{path} has no rows; write predictions into it")
    missing = expected.filter(~expected.is_in(names.implode()))
    if len(missing):
        raise ValueError(f"{path} lacks {len(missing)} rows, the first is {missing[0]!r}")
    unknown = names.filter(~names.is_in(expected.implode()).fill_null(False))
    if len(unknown):
        raise ValueError(
            f"{path} has {len(unknown)} rows that the sample submission lacks, "
            f"the first is {unknown[0]!r}"
        )


def _check_values(path: Path | str) -> None:
    finite = pl.all_horizontal(pl.col(VALUES).is_finite().fill_null(False))
    bad = _collect(path, _scan(path).filter(~finite).select(HEADER[0]))[HEADER[0]]
    if len(bad):
        raise ValueError(f"{path} has a missing or non-finite value in row {bad[0]!r}")


def _check_header(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    with path.open(errors="replace") as file:
        got = file.readline().strip().split(",")
    missing = [name for name in HEADER if name not in got]
    if missing:
        raise ValueError(f"{path} lacks the column {missing[0]!r}; write the competition's header")
    if got != HEADER:
        raise ValueError(f"{path} must have the columns oid_ypos, x_1 ... x_69 in order")


def _scan(path: Path | str) -> pl.LazyFrame:
    schema = dict.fromkeys(HEADER, pl.Float64) | {HEADER[0]: pl.String}
    return pl.scan_csv(path, schema=schema)


def _collect(path: Path | str, frame: pl.LazyFrame) -> pl.DataFrame:
    try:
        return frame.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"{path} is not a readable submission: {first}") from None


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
