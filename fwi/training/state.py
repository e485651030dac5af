"""An optimizer's state as named tensors, which a checkpoint can hold without pickling."""

from __future__ import annotations

import torch

from fwi.inference.checkpoint import Tensors


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
    """Undo `flatten_optimizer`."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}."):
            index, name = key.removeprefix(f"{prefix}.").split(".", 1)
            like = parameters[int(index)]
            state.setdefault(int(index), {})[name] = _laid_out(value, like)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _laid_out(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Give moments the memory format of their parameter.

    A file holds them row by row; optimizers that go over weights and moments in one pass take it
    for granted that both lie alike in memory.
    """
    if value.shape != like.shape:
        return value
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)
