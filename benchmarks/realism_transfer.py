"""A network's error on real maps over its error on generated ones, both by simulated gathers."""

from __future__ import annotations

import numpy as np
import polars as pl
from realism_maps import TRANSFERRED, Real, Rows, generated
from scipy.stats import bootstrap

import fwi
from fwi import families
from fwi.arrays import Array
from fwi.inference.predictor import Predictor
from fwi.metrics import absolute_errors

SOURCES = ("exact", "picture", "generated", "generated like exact")


def transfer(
    rows: Rows, family: str, version: str, maps: Real, checkpoint: tuple[str, Predictor], n: int
) -> None:
    """Predict up to n kept real maps, all pictures, and n generated maps: a row each."""
    name, predictor = checkpoint
    stacks = {
        "exact": maps.kept[:n],
        "picture": maps.pictures,
        "generated": families.sample(family, n, TRANSFERRED),
    }
    if len(maps.kept):
        stacks["generated like exact"] = generated(family, n, TRANSFERRED)
    for source, stack in stacks.items():
        if not len(stack) or (family, version, name, source, n) in rows:
            continue
        kept = ~maps.fitted if source == "picture" else np.ones(len(stack), bool)
        row = {"family": family, "generator": version, "checkpoint": name, "source": source}
        errors = absolute_errors(predictor.predict(fwi.simulate(stack)), stack)
        rows.add(
            [
                {**row, "asked": n, "number": i, "kept": bool(k), "mae": float(error)}
                for i, (k, error) in enumerate(zip(kept, errors, strict=True))
            ]
        )


def transfer_table(found: pl.DataFrame) -> pl.DataFrame:
    """A line a family and kind of real maps: errors, their ratio, and its interval."""
    lines = []
    for (family,), rows in found.group_by("family", maintain_order=True):
        errors = {source: rows.filter(source=source) for source in SOURCES}
        pairs = {
            "exact, kept": (errors["exact"], errors["generated like exact"]),
            "pictures, kept": (errors["picture"].filter("kept"), errors["generated"]),
            "pictures, all": (errors["picture"], errors["generated"]),
        }
        for name, (own, other) in pairs.items():
            if len(own):
                line = {"family": family, "real maps": name}
                lines.append(line | _ratio(own["mae"].to_numpy(), other["mae"].to_numpy()))
    return pl.DataFrame(lines)


def _ratio(own: Array, other: Array) -> dict[str, object]:
    """Give the ratio of two means, and its bootstrap interval (percentiles) where it has one."""
    line = {
        "n": len(own),
        "MAE": round(float(own.mean()), 1),
        "generated": len(other),
        "MAE ": round(float(other.mean()), 1),
        "ratio": round(float(own.mean() / other.mean()), 2),
    }
    if len(own) < 2:
        return line | {"95 %": ""}
    found = bootstrap(
        (own, other), lambda a, b, axis: a.mean(axis) / b.mean(axis), method="percentile", rng=0
    )
    return line | {"95 %": "{:.2f}-{:.2f}".format(*found.confidence_interval)}
