"""Arrays for tensors and back: engines of either kind for maps of the other.

Copies go through the processor's memory; on the processor tensors share it with arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.physics.operator import Operator


def to_array(values: Any) -> Array:
    """Give what a tensor, an array or a list holds as an array."""
    return np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)


def to_tensor(values: Any, device: torch.device | str = "cpu") -> Tensor:
    """Give what an array or a list holds as a tensor on a device.

    It is float32 instead of float64 where the device has no float64 (Apple's mps).
    """
    # Torch takes neither arrays that run backwards nor such as cannot be written to.
    usual = np.require(values, requirements=["C", "W"])
    return usable(torch.from_numpy(usual), torch.device(device)).to(device)


def usable(values: Tensor, device: torch.device) -> Tensor:
    """Give a tensor in a dtype that a device has: mps has no float64."""
    return values.float() if device.type == "mps" and values.dtype == torch.float64 else values


class TensorOperator:
    """An operator of arrays (`fwi.physics.operator.Operator`), from tensors to tensors.

    Attributes:
        gathers: (B, S, T, R), on the device.

    Args:
        operator: of arrays.
        device: that of the maps.
    """

    def __init__(self, operator: Operator, device: torch.device) -> None:
        self._operator, self._device = operator, device
        self.gathers = to_tensor(operator.gathers, device)

    def jvp(self, direction: Tensor, vmin_direction: Any = None) -> Tensor:
        """Jacobian-vector product (`Operator.jvp`), (B, S, T, R)."""
        rates = None if vmin_direction is None else to_array(vmin_direction)
        return to_tensor(self._operator.jvp(to_array(direction), rates), self._device)

    def vjp(self, residual: Tensor) -> Tensor:
        """Vector-Jacobian product (`Operator.vjp`), (B, nz, nx)."""
        return to_tensor(self._operator.vjp(to_array(residual)), self._device)

    def vmin_vjp(self, residual: Tensor) -> Tensor:
        """Gradient with respect to the sponges' velocities (`Operator.vmin_vjp`), (B,)."""
        return to_tensor(self._operator.vmin_vjp(to_array(residual)), self._device)


class ArrayOperator:
    """An operator of tensors (`fwi.physics.operator.Operator`), from arrays to arrays.

    Attributes:
        gathers: (B, S, T, R).

    Args:
        operator: of tensors.
    """

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self.gathers = to_array(operator.gathers)

    def jvp(self, direction: Array, vmin_direction: Any = None) -> Array:
        """Jacobian-vector product (`Operator.jvp`), (B, S, T, R)."""
        rates = None if vmin_direction is None else to_tensor(vmin_direction)
        return to_array(self._operator.jvp(to_tensor(direction), rates))

    def vjp(self, residual: Array) -> Array:
        """Vector-Jacobian product (`Operator.vjp`), (B, nz, nx)."""
        return to_array(self._operator.vjp(to_tensor(residual)))

    def vmin_vjp(self, residual: Array) -> Array:
        """Gradient with respect to the sponges' velocities (`Operator.vmin_vjp`), (B,)."""
        return to_array(self._operator.vmin_vjp(to_tensor(residual)))
