"""An optimizer's state as named tensors, which a checkpoint can hold without pickling."""

from __future__ import annotations

import torch

from fwi.inference.checkpoint import Tensors

_ADAM = {"step", "exp_avg", "exp_avg_sq"}  # what it keeps of a parameter


def flatten_optimizer(optimizer: torch.optim.Optimizer, prefix: str = "optimizer") -> Tensors:
    """Name every tensor of an optimizer's state, `<prefix>.<parameter>.<name>`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Tensors, prefix: str = "optimizer"
) -> None:
    """Undo `flatten_optimizer`.

    Raises:
        ValueError: if a tensor belongs to no parameter, has another shape, or is not finite, or
            moments are missing.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}."):
            index, _, name = key.removeprefix(f"{prefix}.").partition(".")
            if not index.isdecimal() or int(index) >= len(parameters):
                raise ValueError(f"{key[:80]} belongs to no parameter")
            like = parameters[int(index)]
            _check(key, value, like)
            state.setdefault(int(index), {})[name] = _laid_out(value, like)
    if isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW):
        lacking = [i for i, kept in state.items() if not _ADAM <= kept.keys()]
        if lacking or not state:
            raise ValueError(f"the moments of {prefix}.{lacking[0] if lacking else 0} are missing")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _check(key: str, value: torch.Tensor, like: torch.Tensor) -> None:
    if value.shape != like.shape and value.numel() != 1:
        raise ValueError(f"{key} must be {tuple(like.shape)}, got {tuple(value.shape)}")
    if not value.is_floating_point() or not torch.isfinite(value).all():
        raise ValueError(f"{key} must be finite numbers, got NaN, infinity or {value.dtype}")


def _laid_out(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Give moments the memory format of their parameter.

    A file holds them row by row; optimizers that go over weights and moments in one pass take it
    for granted that both lie alike in memory.
    """
    if value.shape != like.shape:
        return value
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)
