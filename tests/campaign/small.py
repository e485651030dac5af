"""The smallest checkpoint and store that there are, for cases that damage a copy of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.inference.conditions import Conditions
from fwi.inference.description import Description
from fwi.models import create_model

OPTIONS = {"width": 1, "map_shape": [8, 8]}
RECORD = (40, 8)  # time samples, receivers


@cache
def weights() -> bytes:
    """The weights of the smallest network, as a file."""
    torch.manual_seed(0)
    return save(create_model("physics_unet", **OPTIONS).state_dict())


def description() -> dict[str, Any]:
    """What its JSON says, to be changed."""
    conditions = Conditions(5, *RECORD)
    whole = Description("physics_unet", "narrow", OPTIONS, epoch=1, conditions=conditions)
    return json.loads(json.dumps(asdict(whole)))


def lay(folder: Path, content: bytes | None = None, tensors: bytes | None = None) -> Path:
    """Write the checkpoint, or other contents in its place."""
    path = folder / "one"
    path.mkdir(parents=True)
    text = json.dumps(description()).encode() if content is None else content
    (path / "checkpoint.json").write_bytes(text)
    (path / "weights.safetensors").write_bytes(weights() if tensors is None else tensors)
    return path


def altered(change: Callable[[dict[str, torch.Tensor]], Any]) -> bytes:
    """Give the file of weights that something was done to."""
    state = dict(sorted(load(weights()).items()))  # safetensors gives them in any order
    change(state)
    return save(state)


def store_at(
    path: Path,
    n: int = 4,
    shots: int = 5,
    record: tuple[int, int] = RECORD,
    map_shape: tuple[int, int] = (8, 8),
    recipe: Mapping[str, Any] | None = None,
    **arrays: Any,
) -> Store:
    """Write a store of noise in two folds, or of the arrays that are given."""
    rng = np.random.default_rng(0)
    rows = {
        "sample_id": [str(i) for i in range(n)],
        "family": ["A"] * n,
        "fold": [i % 2 for i in range(n)],
        "origin": [""] * n,
    }
    parts = {
        "gathers": rng.normal(size=(n, shots, *record)),
        "maps": rng.uniform(1500, 4500, (n, *map_shape)),
    } | arrays
    writer = StoreWriter(path, recipe or {}, 1)
    writer.write(0, rows, **{k: a for k, a in parts.items() if a is not None})
    return writer.finish()
