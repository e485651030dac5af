"""Checkpoints: a folder of safetensors weights and JSON; nothing in it can run code.

- `weights.safetensors`: what inference loads.
- `checkpoint.json`: the model's name and options, its preprocessing among them; its metrics; the
  config that trained it.
- `training.safetensors`: what only a resumed run needs, raw weights, what the objective
  learned beside them, the moments of every optimizer, and the place in the fit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from fwi.files import atomic_folder, read_safetensors, settled_folder
from fwi.models import create_model

FORMAT = 1
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Description:
    """What a checkpoint's JSON says.

    Attributes:
        model: registered name.
        variant: of the model.
        options: that replaced the variant's.
        epoch: epochs that were trained.
        metrics: of the validation after that epoch.
        history: the metrics of every epoch so far.
        config: the training section of the config.
        data: the store's recipe.
        format: version of this layout.
    """

    model: str
    variant: str | None
    options: dict[str, Any]
    epoch: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


def save_checkpoint(
    path: Path, description: Description, weights: Tensors, training: Tensors | None = None
) -> None:
    """Write a checkpoint whole, replacing one of that name.

    Args:
        path: its folder.
        description: what it is.
        weights: the network's state.
        training: what a resumed run needs besides.
    """
    with atomic_folder(path) as folder:
        save_file(_plain(weights), folder / "weights.safetensors")
        if training is not None:
            save_file(_plain(training), folder / "training.safetensors")
        (folder / "checkpoint.json").write_text(json.dumps(asdict(description), indent=1))


def read_description(path: Path) -> Description:
    """Read a checkpoint's JSON.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if the folder is not one that this version reads.
    """
    file = settled_folder(path) / "checkpoint.json"
    if not file.is_file():
        raise FileNotFoundError(f"{path} is not a checkpoint: it has no checkpoint.json")
    try:
        values = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not readable JSON: {error}; copy it again") from None
    found = values.get("format") if isinstance(values, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise ValueError(f"{file} has format {found}, this version reads {FORMAT}; update fwi")
    names = {f.name for f in fields(Description)}
    if found != FORMAT or set(values) != names:
        raise ValueError(
            f"{file} must hold the keys {', '.join(sorted(names))} of a checkpoint, "
            "got something else; give the folder of a checkpoint"
        )
    return Description(**values)


def load_model(path: Path) -> tuple[nn.Module, Description]:
    """Rebuild a checkpoint's network, ready to predict.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if the folder is not a checkpoint, or its weights do not fit its model.
    """
    path = settled_folder(path)
    description = read_description(path)
    try:
        model = create_model(description.model, description.variant, **description.options)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the network of {path} cannot be built: {error.args[0]}; update fwi"
        ) from None
    load_weights(model, read_tensors(path / "weights.safetensors"), path)
    return model.eval(), description


def load_weights(model: nn.Module, weights: Tensors, path: Path) -> None:
    """Fill a network, in its own dtypes; every tensor has to fit.

    Raises:
        ValueError: if names or shapes differ.
    """
    expected = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    got = {name: tuple(t.shape) for name, t in weights.items()}
    wrong = sorted(k for k in expected.keys() | got.keys() if expected.get(k) != got.get(k))
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"the weights of {path} do not fit their model: {len(wrong)} tensors differ, "
            f"{first} must be {expected.get(first, 'absent')}, got {got.get(first, 'none')}; "
            "they belong to another network"
        )
    model.load_state_dict(weights)


def read_tensors(path: Path) -> Tensors:
    """Read a safetensors file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is another kind of file, or is cut short.
    """
    return read_safetensors(path, load_file, "checkpoint")


def ship_checkpoint(source: Path, target: Path) -> None:
    """Copy a checkpoint for a package: matrices in float16, without the history.

    Vectors (normalisation statistics, biases) keep float32, whose range they need.
    """
    weights = read_tensors(source / "weights.safetensors")
    halved = {k: t.half() if t.ndim > 1 else t for k, t in weights.items()}
    save_checkpoint(target, replace(read_description(source), history=[]), halved)


def _plain(tensors: Tensors) -> Tensors:
    return {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
