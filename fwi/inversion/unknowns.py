"""What is solved for in place of velocity: a power of it, in which data are more nearly linear.

Steps are measured in m/s at 2,500 m/s whatever the power, so that one trust radius serves all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

REFERENCE = 2500.0  # m/s


@dataclass(frozen=True)
class Unknown:
    """q with dv / dq = (v / 2500 m/s)^power.

    Attributes:
        power: 0 velocity, 1 its logarithm, 2 slowness, 3 slowness squared.
    """

    power: int

    def slope(self, velocity: Tensor) -> Tensor:
        """Derivative dv / dq, without a unit."""
        return (velocity / REFERENCE) ** self.power

    def move(self, velocity: Tensor, step: Tensor, bounds: tuple[float, float]) -> Tensor:
        """Give the velocity a step of q away, kept within bounds, m/s."""
        low, high = bounds
        if self.power == 0:
            return (velocity + step).clamp(low, high)
        if self.power == 1:
            return (velocity * torch.exp(step / REFERENCE)).clamp(low, high)
        # v = (q / c)^(1 / (1 - power)) falls as q / c grows; a q beyond zero is beyond the bound.
        power = 1.0 - self.power
        moved = velocity**power + power * step / REFERENCE**self.power
        return moved.clamp(high**power, low**power) ** (1 / power)

    def step(self, velocity: Tensor, to: Tensor) -> Tensor:
        """Give the step of q from one velocity to another: what `move` undoes."""
        if self.power == 1:
            return REFERENCE * torch.log(to / velocity)
        power = 1.0 - self.power
        return REFERENCE**self.power * (to**power - velocity**power) / power


VELOCITY, SLOWNESS_SQUARED = Unknown(0), Unknown(3)
