"""Large matrices that are made again and again in one place of memory, on a processor or a GPU."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Room:
    """Memory by name, handed out uncleared: fresh memory costs as much as filling it.

    Args:
        device: where tensors lie unless asked otherwise.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._kept: dict[str, Tensor] = {}

    def tensor(
        self, name: str, shape: tuple[int, ...], device: torch.device | None = None
    ) -> Tensor:
        """Give a float32 tensor of a shape; what an earlier one of the name held is lost.

        Args:
            name: each stays on one device.
            shape: of the tensor.
            device: where it lies; by default the room's.
        """
        size, device = math.prod(shape), device or self.device
        if name not in self._kept or self._kept[name].numel() < size:
            # A GPU copies memory faster if the system cannot move it meanwhile.
            pinned = device.type == "cpu" != self.device.type
            self._kept[name] = torch.empty(size, device=device, pin_memory=pinned)
        return self._kept[name][:size].view(shape)
