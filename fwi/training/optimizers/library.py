"""The optimizers of torch and timm, under timm's names; Muon, Lion, Adan, LAMB and more.

timm gives Muon to matrices and convolutions, and AdamW to what has one dimension.
"""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import Any

import timm.optim
import torch
from torch import nn

from fwi.registry import nearest
from fwi.training.optimizers.base import OPTIMIZERS

# What needs a package beside torch and timm, second derivatives, or a state that is no tensors.
_WITHOUT = ["bnb*", "fused*", "adahessian", "kron*"]
_FUSED = ("adam", "adamw", "sgd", "adagrad")  # torch's: one pass over the weights instead of ten
_OWN = ("filter_bias_and_bn", "layer_decay")  # timm's, of the groups of parameters


def make(
    name: str, model: nn.Module, lr: float, weight_decay: float, **options: Any
) -> torch.optim.Optimizer:
    """Build an optimizer of torch or timm.

    Args:
        name: timm's.
        model: whose parameters are moved.
        lr: learning rate.
        weight_decay: of all parameters, unless `filter_bias_and_bn` leaves those of one dimension
            out.
        **options: of the optimizer, or `filter_bias_and_bn` and `layer_decay`.

    Raises:
        TypeError: if an option is unknown; it names the nearest.
        ValueError: if an option's value does not fit.
    """
    known = _options_of(name)
    for option in options:
        if option not in known:
            raise TypeError(
                f"unknown option {option!r} of optimizer {name}; {nearest(option, known)}"
            )
    on = {p.device.type for p in model.parameters()}
    if name in _FUSED and on <= {"cpu", "cuda"}:
        options = {"fused": True, **options}
    given = {"lr": lr, "weight_decay": weight_decay, "filter_bias_and_bn": False, **options}
    try:
        made: torch.optim.Optimizer = timm.optim.create_optimizer_v2(model, opt=name, **given)
    except Exception as error:  # each checks its own options, in its own way
        raise ValueError(f"optimizer {name} does not take {options}: {error}") from error
    return made


def _options_of(name: str) -> list[str]:
    taken = signature(timm.optim.get_optimizer_class(name)).parameters
    return [
        *(p for p in taken if p not in ("params", "lr", "weight_decay", "args", "kwargs")),
        *_OWN,
    ]


for _name in timm.optim.list_optimizers(exclude_filters=_WITHOUT):
    OPTIMIZERS.add(_name, partial(make, _name))
