"""What a store says of itself: its description and its catalog, read with trust in neither."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import polars as pl

from fwi.files import check_regular, read_json

FORMAT = 1
CATALOG_SCHEMA = {
    "sample_id": pl.String,
    "family": pl.String,
    "fold": pl.Int32,
    "shard": pl.Int32,
    "row": pl.Int32,
    "origin": pl.String,
    "checksum": pl.UInt32,
}
AUGMENTED = "augmented: "  # with which the origin of such a sample begins
_MOST = 20_000_000  # rows: fifty times OpenFWI; a small file can promise more than fits in memory
_AGAIN = "make the store again with --force"


def read_header(file: Path) -> dict[str, Any]:
    """Read what a store is made from.

    Returns:
        Its format, n_shards and recipe, and the checksum of its catalog where it is finished.

    Raises:
        ValueError: if the file does not say, or is of another format.
    """
    try:
        found = read_json(file)
        header = {key: found[key] for key in ("format", "n_shards", "recipe")}
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{file} does not describe a store; {_AGAIN}") from None
    if header["format"] != FORMAT or type(header["format"]) is not int:
        raise ValueError(
            f"{file} must be of format {FORMAT}, got {str(header['format'])[:20]!r}; read it with "
            f"the version of fwi that wrote it, or {_AGAIN}"
        )
    shards = header["n_shards"]
    if type(shards) is not int or shards < 1 or type(header["recipe"]) is not dict:
        raise ValueError(
            f"{file} must have n_shards of 1 or more and a recipe by name, got "
            f"{str(shards)[:20]} and a {type(header['recipe']).__name__}; {_AGAIN}"
        )
    return {**header, "catalog": found.get("catalog")}


def read_catalog(path: Path, made_by: str) -> pl.DataFrame:
    """Read a store's catalog, and see that it holds together.

    Args:
        path: the store's folder.
        made_by: the stage that makes it, for the error.

    Raises:
        FileNotFoundError: if there is no store, or it is not finished.
        ValueError: if store.json or the catalog is damaged, or the catalog's rows are not those
            of whole shards, each sample once.
    """
    file, described = path / "catalog.parquet", path / "store.json"
    if not file.exists():
        state = "is not finished" if described.exists() else "does not exist"
        raise FileNotFoundError(f"the store {path} {state}; run {made_by} for it")
    header, name = read_header(described), f"the catalog of {path}"
    check_regular(file)
    # Before it is parsed: a turned bit can make polars abort the process.
    if header["catalog"] not in (None, zlib.crc32(file.read_bytes())):
        raise ValueError(f"{name} was altered on disk; {_AGAIN}")
    catalog = read_table(file, name)
    _check_columns(name, catalog)
    catalog = catalog.select(list(CATALOG_SCHEMA))
    _check_samples(name, catalog)
    _check_places(name, catalog, header["n_shards"])
    return catalog


def read_table(file: Path, name: str = "") -> pl.DataFrame:
    """Read a parquet file.

    Args:
        file: its path, in which no character means anything else.
        name: what it holds, for the error; its path by default.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not readable, or holds more rows than any store.
    """
    check_regular(file)
    try:
        rows = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
        table = pl.read_parquet(file, glob=False) if rows <= _MOST else None
    # Damaged bytes reach panics in polars, which are no Exceptions.
    except (Exception, pl.exceptions.PanicException) as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{name or file} is not readable parquet; {_AGAIN}") from None
    if table is None:
        raise ValueError(f"{name or file} must hold at most {_MOST} rows, got {rows}; {_AGAIN}")
    return table


def _check_columns(name: str, catalog: pl.DataFrame) -> None:
    missing = [column for column in CATALOG_SCHEMA if column not in catalog.columns]
    if missing:
        raise ValueError(f"{name} lacks the column {', '.join(missing)}; {_AGAIN}")
    for column, dtype in CATALOG_SCHEMA.items():
        if catalog[column].dtype != dtype:
            raise ValueError(
                f"{column} in {name} must be {dtype}, got {catalog[column].dtype}; {_AGAIN}"
            )
        nulls = catalog[column].null_count()
        if nulls:
            raise ValueError(f"{column} in {name} must be known, got {nulls} nulls; {_AGAIN}")


def _check_samples(name: str, catalog: pl.DataFrame) -> None:
    ids = catalog["sample_id"]
    if not len(ids):
        raise ValueError(f"{name} must hold samples, got 0 rows; {_AGAIN}")
    if (ids == "").any():
        raise ValueError(f"sample_id in {name} must not be empty, got ''; {_AGAIN}")
    if ids.n_unique() < len(ids):
        raise ValueError(
            f"sample_id in {name} must not repeat, got {ids.filter(ids.is_duplicated())[0]!r} more "
            f"than once; {_AGAIN}"
        )


def _check_places(name: str, catalog: pl.DataFrame, n_shards: int) -> None:
    """Refuse rows that are not 0, 1, ... of each shard: they would read other samples' arrays."""
    places = catalog.group_by("shard").agg(
        pl.col("row").min().alias("first"),
        pl.col("row").max().alias("last"),
        pl.col("row").n_unique().alias("n"),
        pl.len().alias("rows"),
    )
    wrong = places.filter((pl.col("first") != 0) | (pl.col("last") != pl.col("rows") - 1)
                          | (pl.col("n") != pl.col("rows"))).sort("shard")  # fmt: skip
    if len(wrong):
        shard, first, last, _, rows = wrong.row(0)
        raise ValueError(
            f"rows of shard {shard} in {name} must be 0 to {rows - 1}, each once, got {first} to "
            f"{last}; {_AGAIN}"
        )
    low, high = int(catalog["shard"].min()), int(catalog["shard"].max())  # type: ignore[arg-type]
    if low != 0 or high != n_shards - 1 or len(places) != n_shards:
        raise ValueError(
            f"shards in {name} must be 0 to {n_shards - 1}, got {len(places)} from {low} to {high};"
            f" {_AGAIN}"
        )
