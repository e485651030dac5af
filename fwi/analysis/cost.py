"""What each network costs: parameters, multiply-adds, and memory and speed on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch
from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fwi.analysis.multiply_adds import count_multiply_adds
from fwi.analysis.speed import conditions, gathers_shape, measure
from fwi.models import create_model, find_model, model_names
from fwi.progress import progress_bar

LARGE = 60_000_000  # parameters; with more, a step takes a CPU many seconds

_SCHEMA = {
    "model": pl.String,
    "variant": pl.String,
    "parameters_m": pl.Float64,
    "multiply_adds_g": pl.Float64,
    "memory_mb": pl.Float64,
    "forward_samples_s": pl.Float64,
    "train_samples_s": pl.Float64,
    "source": pl.String,
    "published_mae": pl.Float64,
}


_COLUMNS = {
    "model": ("model", ""),
    "variant": ("variant", ""),
    "parameters_m": ("parameters\nM", ".1f"),
    "multiply_adds_g": ("multiply-\nadds, G", ".2f"),
    "memory_mb": ("training\nMB", ".0f"),
    "forward_samples_s": ("forward\n1/s", ".1f"),
    "train_samples_s": ("training\n1/s", ".1f"),
    "published_mae": ("published\nMAE, m/s", ".1f"),
}


@dataclass(frozen=True)
class Costs:
    """What variants of networks cost.

    Attributes:
        table: a row a variant, null where nothing is known:

            - model, variant, source;
            - parameters_m: millions;
            - multiply_adds_g: billions a sample, forward, see `count_multiply_adds`;
            - memory_mb: most that training holds at once, 10^6 bytes, see
              `fwi.analysis.speed.measure`;
            - forward_samples_s, train_samples_s: samples a second, likewise;
            - published_mae: what the field reached with it, m/s, see `fwi.models.registry.Entry`.
        conditions: what speeds were measured on, if they were.
    """

    table: pl.DataFrame
    conditions: str | None = None

    def __rich__(self) -> Group:
        """Lay out what is known, without empty columns, and where the models come from."""
        known = [key for key in _COLUMNS if self.table[key].null_count() < len(self.table)]
        table = Table(box=SIMPLE, show_edge=False, padding=0)
        for key in known:
            title, form = _COLUMNS[key]
            table.add_column(title, justify="right" if form else "left", no_wrap=True)
        for row in self.table.select(known).iter_rows(named=True):
            cells = ((row[key], _COLUMNS[key][1]) for key in known)
            table.add_row(*("-" if value is None else format(value, form) for value, form in cells))
        return Group(table, *map(Text, self._notes()))

    def _notes(self) -> Iterator[str]:
        """Say where the models come from, and how they were measured."""
        sources = self.table.drop_nulls("source").unique("model", maintain_order=True)
        for model, source in sources.select("model", "source").iter_rows():
            yield f"{model}: {source}"
        if self.conditions is None:
            return
        yield f"training memory and speed: {self.conditions}"
        if self.table["memory_mb"].null_count():
            yield (
                f"-: above {LARGE // 10**6} M parameters, measured where named (fwi models NAME), "
                "or too large for the memory"
            )


def cost_table(names: Sequence[str] = (), speed: bool = True, device: str = "auto") -> Costs:
    """Say what every variant of some models costs.

    Args:
        names: registered models; all where empty.
        speed: measure memory and speed too. Among all models, variants above `LARGE` parameters
            are left out of that; they are measured where their model is named.
        device: where they are measured.

    Returns:
        The table.

    Raises:
        KeyError: if a model is unknown; it names the nearest.
    """
    for name in names:
        find_model(name)
    variants = [pair for pair in model_names() if not names or pair[0] in names]
    rows = []
    with progress_bar("models", len(variants)) as advance:
        for name, variant in variants:
            advance(0, f"{name} {variant}")
            row = _describe(name, variant)
            if speed and (names or row["parameters_m"] <= LARGE / 1e6):
                row |= measure(name, variant, device)
            rows.append(row)
            advance()
    return Costs(pl.DataFrame(rows, _SCHEMA), conditions(device) if speed else None)


def _describe(name: str, variant: str) -> dict[str, Any]:
    """Give what is known of a variant without running it."""
    entry = find_model(name)
    with torch.device("meta"):
        model = create_model(name, variant).eval()
    return {
        "model": name,
        "variant": variant,
        "parameters_m": sum(p.numel() for p in model.parameters()) / 1e6,
        "multiply_adds_g": count_multiply_adds(model, gathers_shape(model, 1)) / 1e9,
        "source": entry.source or None,
        "published_mae": entry.published.get(variant),
    }
