"""An optimizer's state as named tensors, which a checkpoint can hold without pickling."""

from __future__ import annotations

from typing import Any

import torch

from fwi.inference.checkpoint import Tensors

_ADAM = {"step", "exp_avg", "exp_avg_sq"}  # what it keeps of a parameter
_COUNTERS = ("step", "lookahead_step")  # what timm's keep of a group of parameters
_KINDS = {torch.bool: bool, torch.int64: int, torch.float64: float}  # of Python's own numbers


def flatten_optimizer(optimizer: torch.optim.Optimizer, prefix: str = "optimizer") -> Tensors:
    """Name all that an optimizer remembers.

    `<prefix>.<parameter>.<name>` is of a parameter, `<prefix>.group.<group>.<name>` of a group.
    Numbers of Python's own become tensors of bool, int64 or float64, and are told by that.
    """
    state = optimizer.state_dict()["state"]
    kept = {
        f"{prefix}.{index}.{name}": _packed(value)
        for index, values in state.items()
        for name, value in values.items()
    }
    counters = {
        f"{prefix}.group.{i}.{name}": _packed(group[name])
        for i, group in enumerate(optimizer.param_groups)
        for name in _COUNTERS
        if name in group
    }
    return kept | counters


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Tensors, prefix: str = "optimizer"
) -> None:
    """Undo `flatten_optimizer`.

    Raises:
        ValueError: if a tensor belongs to no parameter and no group, has another shape, or is not
            finite, or moments are missing.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    groups = optimizer.state_dict()["param_groups"]
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}.group."):
            index, name = _place(key, f"{prefix}.group.", len(groups), "group")
            _check(key, value, torch.empty(()))
            groups[index][name] = _unpacked(value)
        elif key.startswith(f"{prefix}."):
            index, name = _place(key, f"{prefix}.", len(parameters), "parameter")
            _check(key, value, parameters[index])
            state.setdefault(index, {})[name] = _unpacked(_laid_out(value, parameters[index]))
    if isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW):
        lacking = [i for i, kept in state.items() if not _ADAM <= kept.keys()]
        if lacking or not state:
            raise ValueError(f"the moments of {prefix}.{lacking[0] if lacking else 0} are missing")
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _place(key: str, prefix: str, n: int, what: str) -> tuple[int, str]:
    """Read the number of a parameter or a group, one of n, and a name from a tensor's own."""
    index, _, name = key.removeprefix(prefix).partition(".")
    if not index.isdecimal() or int(index) >= n:
        raise ValueError(f"{key[:80]} belongs to no {what}")
    return int(index), name


def _packed(value: Any) -> torch.Tensor:
    if isinstance(value, torch.Tensor):
        return value
    kind = next(dtype for dtype, python in _KINDS.items() if type(value) is python)
    return torch.tensor(value, dtype=kind)


def _unpacked(value: torch.Tensor) -> Any:
    return value.item() if value.ndim == 0 and value.dtype in _KINDS else value


def _check(key: str, value: torch.Tensor, like: torch.Tensor) -> None:
    if value.shape != like.shape and value.numel() != 1:
        raise ValueError(f"{key} must be {tuple(like.shape)}, got {tuple(value.shape)}")
    number = value.ndim == 0 and value.dtype in _KINDS
    if not (value.is_floating_point() or number) or not torch.isfinite(value).all():
        raise ValueError(f"{key} must be finite numbers, got NaN, infinity or {value.dtype}")


def _laid_out(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Give moments the memory format of their parameter.

    A file holds them row by row; optimizers that go over weights and moments in one pass take it
    for granted that both lie alike in memory.
    """
    if value.shape != like.shape:
        return value
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)
