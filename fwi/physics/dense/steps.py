"""The exact scheme of docs/physics.md as torch operations, for devices without the kernel.

All samples and shots advance together, in fields (B, S, rows, columns) of the whole grid, which
wraps around. Several steps make one pure function, so that a compiler can fuse each step into a
single pass over memory and a GPU can replay them all at once. Sources share a row, as receivers
do: what is added to a field, and what is recorded, are lines (B, S, columns) of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from fwi.physics.dense.medium import DenseMedium

STEPS = 20  # taken by one call: few calls, but a function that compiles in a minute

# Mode "reduce-overhead", and a field that stencils read is stored: the compiler would rather
# recompute the sum p + d at each of a stencil's nine cells.
_OPTIONS: dict[str, Any] = {"triton.cudagraphs": True, "realize_reads_threshold": 1}

Steps = Callable[..., tuple[Tensor, ...]]


def record_steps(p: Tensor, d: Tensor, medium: DenseMedium, added: Tensor) -> tuple[Tensor, ...]:
    """Take steps forward.

    Args:
        p: wavefield, (B, S, rows, columns).
        d: its last increment, likewise.
        medium: the maps.
        added: what the sources add to their row, (steps, B, S, columns).

    Returns:
        p and d after the steps, and the receivers' row after each, (steps, B, S, columns).
    """
    seen = []
    for line in added.unbind():
        d = _add(d - medium.k * d + _push(p, medium.a), medium.source, line)
        p = p + d
        seen.append(p[:, :, medium.receiver].clone())
    return p, d, torch.stack(seen)


def save_steps(p: Tensor, d: Tensor, medium: DenseMedium, added: Tensor) -> tuple[Tensor, ...]:
    """Take steps forward, as `record_steps` does, and return p, d and each step's a L p."""
    saved = []
    for line in added.unbind():
        saved.append(_push(p, medium.a))
        d = _add(d - medium.k * d + saved[-1], medium.source, line)
        p = p + d
    return p, d, *saved


def adjoint_steps(
    mu: Tensor, d: Tensor, image: Tensor, medium: DenseMedium, added: Tensor, saved: list[Tensor]
) -> tuple[Tensor, ...]:
    """Take steps backward with the adjoint field (fwi.physics.kernel.shot).

    Args:
        mu: adjoint field, (B, S, rows, columns).
        d: its last increment, likewise.
        image: sum over steps and shots of mu a L p, (B, 1, rows, columns).
        medium: the maps.
        added: what the receivers add to their row, (steps, B, S, columns).
        saved: a L p of each step.

    Returns:
        mu, d and the image after the steps, and the sources' row at each, (steps, B, S, columns).
    """
    seen = []
    for line, push in zip(added.flip(0).unbind(), reversed(saved), strict=True):
        d = _add(d - medium.k * d + _push(mu, medium.a), medium.receiver, line)
        mu = mu + d
        image = image + (mu * push).sum(1, keepdim=True)
        seen.append(mu[:, :, medium.source].clone())
    return mu, d, image, torch.stack(seen[::-1])


def tangent_steps(
    p: Tensor,
    d: Tensor,
    tp: Tensor,
    td: Tensor,
    medium: DenseMedium,
    change: DenseMedium,
    added: Tensor,
    of_added: Tensor,
) -> tuple[Tensor, ...]:
    """Take steps forward, of a run and of its derivative along a change of the maps.

    Args:
        p: wavefield, (B, S, rows, columns).
        d: its last increment, likewise.
        tp: tangent of p.
        td: tangent of d.
        medium: the maps.
        change: tangents of a and k.
        added: what the sources add to their row, (steps, B, S, columns).
        of_added: tangent of what they add.

    Returns:
        The four fields after the steps, and the receivers' row of tp after each.
    """
    seen = []
    for line, of_line in zip(added.unbind(), of_added.unbind(), strict=True):
        td = td - medium.k * td + _push(tp, medium.a) - change.k * d + _push(p, change.a)
        td = _add(td, medium.source, of_line)
        d = _add(d - medium.k * d + _push(p, medium.a), medium.source, line)
        p, tp = p + d, tp + td
        seen.append(tp[:, :, medium.receiver].clone())
    return p, d, tp, td, torch.stack(seen)


def pays_to_compile(device: torch.device) -> bool:
    """Say whether steps are compiled for a device unless asked otherwise."""
    return device.type == "cuda"


def prepare(steps: Steps, compiled: bool) -> Steps:
    """Give steps as they are, or compiled: on a GPU into one graph of a kernel for each step."""
    return _compile(steps) if compiled else steps


@cache
def _compile(steps: Steps) -> Steps:
    fused = torch.compile(steps, options=_OPTIONS, dynamic=False)

    def run(*fields: Any) -> tuple[Tensor, ...]:
        # A graph's next replay overwrites what this one returns.
        torch.compiler.cudagraph_mark_step_begin()
        return tuple(field.clone() for field in fused(*fields))

    return run


def _push(p: Tensor, a: Tensor) -> Tensor:
    """What the Laplacian adds to the increment, a L p."""
    near = (p.roll(1, -1) + p.roll(-1, -1)) + (p.roll(1, -2) + p.roll(-1, -2))
    far = (p.roll(2, -1) + p.roll(-2, -1)) + (p.roll(2, -2) + p.roll(-2, -2))
    return a * (near - 3.75 * p - 0.0625 * far)


def _add(d: Tensor, row: int, line: Tensor) -> Tensor:
    """Add a line to one row, as an operation on every cell: those fuse."""
    at_row = torch.arange(d.shape[2], device=d.device)[:, None] == row
    return torch.addcmul(d, at_row.to(d.dtype), line[:, :, None])
