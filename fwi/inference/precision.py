"""Which number format a network computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]


def choose_precision(asked: str, device: torch.device) -> Precision:
    """Resolve "auto": bfloat16 where the processor multiplies it natively, float32 elsewhere.

    Args:
        asked: "auto", "float32" or "bfloat16".
        device: where the network runs.

    Raises:
        ValueError: if it is none of them.
    """
    if asked not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"precision must be auto, float32 or bfloat16, got {asked!r}")
    if asked == "auto":
        return "bfloat16" if _has_bfloat16(device) else "float32"
    return "bfloat16" if asked == "bfloat16" else "float32"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Give the context in which the network's forward pass runs."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        # Before compute capability 8, T4 and P100 among them, bfloat16 is emulated and slow.
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return False


def choose_device(asked: str | torch.device = "auto") -> torch.device:
    """Resolve "auto": the first GPU, or the CPU.

    Args:
        asked: "auto", or a device of torch such as "cpu" or "cuda:1".

    Raises:
        ValueError: if torch knows no such device, or it is not there.
    """
    if isinstance(asked, str) and asked == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(0, device=device)
        if device.type == "meta":
            raise RuntimeError("meta holds no values")
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"device must be auto, cpu or a GPU that is there, got {str(asked)!r}: {first}"
        ) from None
    return device
