"""Predicted maps by number: of what infer or refine wrote, or of any files of maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fwi.data.inputs import Inputs
from fwi.data.map_inputs import open_map_inputs
from fwi.runs import RunFolder


def open_predictions(path: Path) -> Inputs:
    """Open predicted maps.

    Args:
        path: a store that infer or refine wrote, the run that holds one, or what else holds maps,
            see `open_map_inputs`.

    Returns:
        The maps; their origin names the path and, of a store, what predicted them. Sample and
        family are those that were predicted.

    Raises:
        FileNotFoundError: if there is nothing, or nothing to read in it.
        ValueError: if the run holds predictions and refined maps, or as `open_map_inputs` does.
        TypeError: if its values are no numbers.
    """
    inputs = open_map_inputs(_store_of(path), "fwi infer")
    if inputs.store is None:
        return inputs
    said = _maker(inputs.store.recipe)
    origin = [f"{inputs.store.path}{said}"] * len(inputs)
    return replace(inputs, rows={**inputs.rows, "origin": origin})


def _store_of(path: Path) -> Path:
    """Give the store of maps that a run holds, or the path itself."""
    run = RunFolder(path)
    found = [p for p in (run.predictions, run.refined) if (p / "store.json").exists()]
    if len(found) > 1:
        raise ValueError(
            f"{path} must hold one store of maps, got {found[0].name} and {found[1].name}; give "
            "the folder of one of them"
        )
    return found[0] if found else path


def _maker(recipe: dict[str, Any]) -> str:
    """Say what made a store of maps, as far as its recipe does: networks by their fingerprints."""
    weights, method = recipe.get("weights"), recipe.get("method")
    if isinstance(weights, list) and all(type(w) is int for w in weights):
        return " by " + ", ".join(f"{w:08x}" for w in weights)
    return f" by refine ({method:.20})" if isinstance(method, str) else ""
