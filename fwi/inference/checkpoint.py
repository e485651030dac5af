"""Checkpoints: a folder of safetensors weights and JSON; nothing in it can run code.

- `weights.safetensors`: what inference loads.
- `checkpoint.json`: the model's name and options, its preprocessing among them; its metrics; the
  config that trained it, and what it was trained on (`fwi.inference.description`).
- `training.safetensors`: what only a resumed run needs, raw weights, what the objective
  learned beside them, the moments of every optimizer, and the place in the fit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from fwi.files import atomic_folder, read_safetensors, settled_folder
from fwi.inference.description import Description, read_description
from fwi.models import create_model

Tensors = dict[str, torch.Tensor]
Shapes = dict[str, tuple[int, ...]]
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


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


def load_model(path: Path) -> tuple[nn.Module, Description]:
    """Rebuild a checkpoint's network, ready to predict.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if the folder is not a checkpoint, or its weights do not fit its model.
    """
    path = settled_folder(path)
    description, file = read_description(path), path / "weights.safetensors"
    # Nothing is allocated before the file is known to hold all that the network asks for.
    with torch.device("meta"):
        expected = _shapes(_build(description, path).state_dict())
    _check_shapes(expected, read_safetensors(file, _header, "checkpoint"), path)
    model = _build(description, path)
    load_weights(model, read_tensors(file), path)
    return model.eval(), description


def load_weights(model: nn.Module, weights: Tensors, path: Path) -> None:
    """Fill a network, in its own dtypes; every tensor has to fit.

    Raises:
        ValueError: if names or shapes differ, or values are no finite numbers of their kind.
    """
    state = model.state_dict()
    _check_shapes(_shapes(state), _shapes(weights), path)
    for name, tensor in weights.items():
        floating = state[name].is_floating_point()
        if floating != (tensor.dtype in _DTYPES) or tensor.is_complex():
            raise ValueError(
                f"{name} of {path} must hold {state[name].dtype}, got {tensor.dtype}; copy the "
                "checkpoint again"
            )
        if floating and not torch.isfinite(tensor).all():
            raise ValueError(
                f"{name} of {path} must be finite, got NaN or infinity; take another checkpoint"
            )
    model.load_state_dict(weights)


def _build(description: Description, path: Path) -> nn.Module:
    if "pretrained" in description.options:
        raise ValueError(f"options of {path} must not ask for other weights; leave pretrained out")
    try:
        return create_model(description.model, description.variant, **description.options)
    except (KeyError, TypeError, ValueError, OSError) as error:
        said = str(error.args[0] if error.args else error).splitlines()[0][:300]
        raise ValueError(f"the network of {path} cannot be built: {said}; update fwi") from None


def _header(file: Path) -> Shapes:
    with safe_open(file, "pt") as opened:
        return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}


def _shapes(tensors: Tensors) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _check_shapes(expected: Shapes, got: Shapes, path: Path) -> None:
    wrong = sorted(k for k in expected.keys() | got.keys() if expected.get(k) != got.get(k))
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"the weights of {path} do not fit their model: {len(wrong)} tensors differ, "
            f"{first[:80]} must be {expected.get(first, 'absent')}, got {got.get(first, 'none')}; "
            "they belong to another network"
        )


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
