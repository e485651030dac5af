"""Which device multiplies matrices, and which one runs waves."""

from __future__ import annotations

import torch

from fwi.inference.precision import choose_device

_FAST = 8, 0  # compute capability: from the A100 on, memory is fast enough for waves


def devices_of(asked: str) -> tuple[torch.device, torch.device]:
    """Choose the devices of matrices and of waves.

    Matrices gain from any NVIDIA GPU; others have no float64. Waves of a few shots gain where
    memory is fast, once their steps are compiled, which takes a minute: on an H200 a map took 16 s
    instead of 30 with waves on 16 cores beside it.

    Args:
        asked: "auto", or a device of torch.

    Raises:
        ValueError: if the device is not there.
    """
    device, processor = choose_device(asked), torch.device("cpu")
    if device.type != "cuda":
        return processor, processor
    return device, device if torch.cuda.get_device_capability(device) >= _FAST else processor
