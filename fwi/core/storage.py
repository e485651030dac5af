"""Networks on disk: a folder of JSON and safetensors; nothing in it can run code.

- `network.json`: kinds of layers with their constructors' arguments, states of their random
  generators, the history, and the optimizer's settings.
- `weights.safetensors`: parameters and states.
- `moments.safetensors`: what the optimizer remembers, if one was saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from fwi.core.arrays import count
from fwi.core.description import build, describe
from fwi.core.generators import describe_generators, restore_generators
from fwi.core.history import COLUMNS, Tally, frame
from fwi.core.initialisers import hollow
from fwi.core.network import Network
from fwi.core.optimizer import Optimizer
from fwi.core.optimizers import OPTIMIZERS
from fwi.core.stored import (
    check_moments,
    check_weights,
    fill_moments,
    fill_weights,
    moments,
    read_arrays,
    read_shapes,
    weights,
)
from fwi.files import atomic_folder, settled_folder
from fwi.registry import nearest

FORMAT = 1
_KEYS = {"format", "layer", "generators", "rows", "tally", "optimizer"}
_LONGEST = 64 << 20  # bytes of JSON: a hundred thousand epochs and more


def save_network(path: Path, network: Network, optimizer: Optimizer | None = None) -> None:
    """Write a network whole, replacing one of that name.

    Args:
        path: its folder.
        network: with arrays of any library and device.
        optimizer: with which a later `fit` is to go on.

    Raises:
        TypeError: if it is no network, a layer was made from something that JSON cannot hold, or
            the optimizer is not one of OPTIMIZERS, by whose name it is found again.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}; make one of it")
    about = {
        "format": FORMAT,
        "layer": describe(network.layer),
        "generators": describe_generators(network.layer),
        "rows": network.rows,
        "tally": network.tally.values(),
        "optimizer": None if optimizer is None else _describe_optimizer(optimizer),
    }
    with atomic_folder(Path(path).expanduser()) as folder:
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
    folder = settled_folder(Path(path).expanduser())
    about, file = _read_about(folder), folder / "weights.safetensors"
    shapes = read_shapes(file)
    with _rebuilding(f"the network of {path}"):
        with hollow():
            network = Network(build(about["layer"]))
        restore_generators(network.layer, about["generators"])
        network.rows = [{name: row[name] for name in COLUMNS} for row in about["rows"]]
        frame(network.rows)
        network.tally = Tally(**about["tally"])
        check_weights(network.layer, shapes)
    fill_weights(network.layer, read_arrays(file))
    return network


def load_optimizer(path: Path) -> Optimizer:
    """Rebuild the optimizer that was saved with a network, its moments NumPy's.

    Raises:
        FileNotFoundError: if there is no network.
        ValueError: if no optimizer was saved, or not one of this version.
    """
    folder = settled_folder(Path(path).expanduser())
    about = _read_about(folder)["optimizer"]
    if about is None:
        raise ValueError(f"{path} must hold an optimizer, got none; save the network with one")
    file = folder / "moments.safetensors"
    shapes, parameters = read_shapes(file), read_shapes(folder / "weights.safetensors")
    with _rebuilding(f"the optimizer of {path}"):
        optimizer = _build_optimizer(**about)
        check_moments(optimizer, shapes, parameters)
    fill_moments(optimizer, read_arrays(file))
    return optimizer


@contextmanager
def _rebuilding(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a damaged description makes constructors raise anything
        said = " ".join(str(error.args[0] if error.args else error).split())
        said = said or type(error).__name__
        raise ValueError(f"{what} cannot be rebuilt: {said}; copy it again") from error


def _describe_optimizer(optimizer: Optimizer) -> dict[str, Any]:
    kind = type(optimizer).__name__
    if OPTIMIZERS.get(kind) is not type(optimizer):
        raise TypeError(
            f"optimizer must be one of {', '.join(OPTIMIZERS)} to be saved, got {kind}; "
            "enter its class in OPTIMIZERS"
        )
    return {"kind": kind, "settings": optimizer.settings(), "steps": optimizer.steps}


def _build_optimizer(kind: str, settings: dict[str, float], steps: int) -> Optimizer:
    if kind not in OPTIMIZERS:
        raise KeyError(f"optimizer must be known, got {kind!r}; {nearest(kind, OPTIMIZERS)}")
    optimizer = OPTIMIZERS[kind](**settings)
    optimizer.steps = count("steps", steps, 0)
    return optimizer


def _read_about(folder: Path) -> dict[str, Any]:
    file = folder / "network.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} is not a saved network: it has no network.json")
    if file.stat().st_size > _LONGEST:
        raise ValueError(
            f"{file} must be at most {_LONGEST >> 20} MiB, got {file.stat().st_size} bytes; "
            "give the folder of a network"
        )
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
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
