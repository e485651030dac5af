"""The rows of a submission: their names, and every fault of a csv file in one sentence."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl

from fwi.metrics import SCORED
from fwi.openfwi import SIDE

VALUES = [f"x_{i}" for i in range(SIDE)[SCORED]]
HEADER = ["oid_ypos", *VALUES]


def row_names(file: Path, name: Path) -> pl.Series:
    """Read the names of a file's rows.

    Args:
        file: plain csv.
        name: what errors call it.

    Raises:
        ValueError: if it has another header, is not readable, or a row has no name or that of
            another.
    """
    check_header(file, name)
    names = collect(scan(file).select(HEADER[0]), name)[HEADER[0]]
    if names.null_count():
        place = int(names.is_null().arg_max() or 0)
        raise ValueError(f"{name} has no {HEADER[0]} in row {place + 1}; name it, or remove it")
    doubled = names.filter(names.is_duplicated())
    if len(doubled):
        raise ValueError(f"{name} has the row {doubled[0]!r} more than once; write each row once")
    return names


def oids(names: pl.Series, name: Path | None = None) -> list[str]:
    """Give the ids behind row names, each once, in order of appearance.

    Args:
        names: of rows.
        name: the file's that they are of, for the error.

    Raises:
        ValueError: if a name is not `<oid>_y_<0..69>`.
    """
    found = names.str.extract(r"^([^\r\n]+)_y_(?:[0-9]|[1-6][0-9])$")
    wrong = names.filter(found.is_null())
    if len(wrong):
        where = f" in {name}" if name else ""
        raise ValueError(f"{HEADER[0]} must read <oid>_y_<0..{SIDE - 1}>, got {wrong[0]!r}{where}")
    return found.unique(maintain_order=True).to_list()


def rows_of(ids: list[str]) -> pl.Series:
    """Name the rows of whole maps."""
    return pl.Series(HEADER[0], [f"{i}_y_{row}" for i in ids for row in range(SIDE)], pl.String)


def check_rows(name: Path, names: pl.Series, expected: pl.Series) -> None:
    """Refuse a file that lacks rows, or has others."""
    if not len(names):
        raise ValueError(f"{name} has no rows; write predictions into it")
    missing = expected.filter(~expected.is_in(names.implode()))
    if len(missing):
        raise ValueError(f"{name} lacks {len(missing)} rows, the first is {missing[0]!r}")
    unknown = names.filter(~names.is_in(expected.implode()))
    if len(unknown):
        raise ValueError(
            f"{name} has {len(unknown)} rows that the sample submission lacks, "
            f"the first is {unknown[0]!r}"
        )


def check_values(file: Path, name: Path) -> None:
    """Refuse a file in which a value is missing or not finite."""
    finite = pl.all_horizontal(pl.col(VALUES).is_finite().fill_null(False))
    bad = collect(scan(file).filter(~finite).select(HEADER[0]), name)[HEADER[0]]
    if len(bad):
        raise ValueError(f"{name} has a missing or non-finite value in row {bad[0]!r}")


def check_header(file: Path, name: Path) -> None:
    """Refuse a file that has other columns, or the competition's in another order."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        try:
            got = next(csv.reader([opened.readline(100_000)]), [])
        except csv.Error:
            got = []
    missing = [column for column in HEADER if column not in got]
    if missing:
        raise ValueError(f"{name} lacks the column {missing[0]!r}; write the competition's header")
    if got != HEADER:
        raise ValueError(f"{name} must have the columns oid_ypos, x_1 ... x_69 in order")


def scan(file: Path) -> pl.LazyFrame:
    """Open the rows of a file, whose name holds no pattern."""
    schema = dict.fromkeys(HEADER, pl.Float64) | {HEADER[0]: pl.String}
    return pl.scan_csv(file, schema=schema, glob=False)


def collect(frame: pl.LazyFrame, name: Path) -> pl.DataFrame:
    """Read what was asked for of a file."""
    try:
        return frame.collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"{name} is not a readable submission: {first}") from None
