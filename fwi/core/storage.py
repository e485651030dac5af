"""Networks on disk: a folder of JSON and safetensors; nothing in it can run code.

- `network.json`: kinds of layers with their constructors' arguments, states of their random
  generators, the history, and the optimizer's settings.
- `weights.safetensors`: parameters and states.
- `moments.safetensors`: what the optimizer remembers, if one was saved.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from fwi.core.description import build, describe
from fwi.core.generators import describe_generators, restore_generators
from fwi.core.history import COLUMNS, Tally
from fwi.core.network import Network
from fwi.core.optimizer import Optimizer
from fwi.core.optimizers import OPTIMIZERS
from fwi.core.stored import fill_moments, fill_weights, moments, read_arrays, weights
from fwi.files import atomic_folder, settled_folder
from fwi.registry import nearest

FORMAT = 1
_KEYS = {"format", "layer", "generators", "rows", "tally", "optimizer"}
_UNFIT = (AttributeError, KeyError, TypeError, ValueError)


def save_network(path: Path, network: Network, optimizer: Optimizer | None = None) -> None:
    """Write a network whole, replacing one of that name.

    Args:
        path: its folder.
        network: with arrays of any library and device.
        optimizer: with which a later `fit` is to go on.

    Raises:
        TypeError: if a layer was made from something that JSON cannot hold.
    """
    about = {
        "format": FORMAT,
        "layer": describe(network.layer),
        "generators": describe_generators(network.layer),
        "rows": network.rows,
        "tally": network.tally.values(),
        "optimizer": None if optimizer is None else _describe_optimizer(optimizer),
    }
    with atomic_folder(path) as folder:
        save_file(weights(network.layer), folder / "weights.safetensors")
        if optimizer is not None:
            save_file(moments(optimizer), folder / "moments.safetensors")
        (folder / "network.json").write_text(json.dumps(about, indent=1))


def load_network(path: Path) -> Network:
    """Rebuild a network, its arrays NumPy's; `layer.convert` makes them another library's.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the folder is no network of this version, or its weights do not fit.
    """
    folder = settled_folder(path)
    about, arrays = _read_about(folder), read_arrays(folder / "weights.safetensors")
    try:
        network = Network(build(about["layer"]))
        restore_generators(network.layer, about["generators"])
        network.rows = [{name: row[name] for name in COLUMNS} for row in about["rows"]]
        network.tally = Tally(**about["tally"])
        fill_weights(network.layer, arrays)
    except _UNFIT as error:
        raise ValueError(f"the network of {path} cannot be rebuilt: {error.args[0]}") from error
    return network


def load_optimizer(path: Path) -> Optimizer:
    """Rebuild the optimizer that was saved with a network, its moments NumPy's.

    Raises:
        FileNotFoundError: if there is no network.
        ValueError: if no optimizer was saved, or not one of this version.
    """
    folder = settled_folder(path)
    about = _read_about(folder)["optimizer"]
    if about is None:
        raise ValueError(f"{path} must hold an optimizer, got none; save the network with one")
    arrays = read_arrays(folder / "moments.safetensors")
    try:
        optimizer = _build_optimizer(**about)
        fill_moments(optimizer, arrays)
    except _UNFIT as error:
        raise ValueError(f"the optimizer of {path} cannot be rebuilt: {error.args[0]}") from error
    return optimizer


def _describe_optimizer(optimizer: Optimizer) -> dict[str, Any]:
    kind = type(optimizer).__name__
    return {"kind": kind, "settings": optimizer.settings(), "steps": optimizer.steps}


def _build_optimizer(kind: str, settings: dict[str, float], steps: int) -> Optimizer:
    if kind not in OPTIMIZERS:
        raise KeyError(f"optimizer must be known, got {kind!r}; {nearest(kind, OPTIMIZERS)}")
    optimizer = OPTIMIZERS[kind](**settings)
    optimizer.steps = int(steps)
    return optimizer


def _read_about(folder: Path) -> dict[str, Any]:
    file = folder / "network.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} is not a saved network: it has no network.json")
    try:
        about = json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not readable JSON: {error}; copy it again") from None
    found = about.get("format") if isinstance(about, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise ValueError(f"{file} has format {found}, this version reads {FORMAT}; update fwi")
    if found != FORMAT or set(about) != _KEYS:
        raise ValueError(
            f"{file} must hold the keys {', '.join(sorted(_KEYS))} of a network, got something "
            "else; give the folder of a network"
        )
    return about
