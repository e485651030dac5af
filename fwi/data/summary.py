"""What a store holds, family by family, and of which formats it came."""

from __future__ import annotations

from pathlib import PurePath

import polars as pl
from rich.table import Table

from fwi.data.catalog import AUGMENTED


def family_table(catalog: pl.DataFrame, title: str) -> Table:
    """Count the samples of each family, and the formats of the files that they were read from.

    Args:
        catalog: of the store.
        title: above the table.
    """
    counts = (
        catalog.with_columns(
            pl.col("origin").map_elements(_format, return_dtype=pl.String).alias("format")
        )
        .group_by("family", "format")
        .len()
        .sort("family", "format")
    )
    table = Table(title=title)
    table.add_column("family")
    table.add_column("samples", justify="right")
    table.add_column("from")
    for (family,), rows in counts.group_by("family", maintain_order=True):
        formats = [f"{format} {n}" for format, n in zip(rows["format"], rows["len"], strict=True)]
        alone = [str(format) for format in rows["format"]] if len(formats) == 1 else formats
        table.add_row(str(family), str(rows["len"].sum()), ", ".join(alone))
    return table


def _format(origin: str) -> str:
    """Give the end of a file's name, or what else samples come from."""
    if origin.startswith(AUGMENTED):
        return "augmented"
    return PurePath(origin).suffix.lower() or PurePath(origin).name
