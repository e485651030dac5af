"""How many multiplications a network does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_multiply_adds(model: nn.Module, shape: Sequence[int]) -> int:
    """Count the multiplications of convolutions and matrix products in one forward pass.

    Args:
        model: built on the meta device, which computes sizes alone.
        shape: of its only input.
    """
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), _attention_as_products(), counter:
        model(torch.empty(*shape, device="meta"))
    return counter.get_total_flops() // 2


@contextmanager
def _attention_as_products() -> Iterator[None]:
    """Run attention as matrix products; in fused kernels, a CPU's are counted as nothing."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
