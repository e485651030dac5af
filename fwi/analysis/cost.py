"""What each network costs: parameters, multiply-adds, and memory and speed on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fwi.analysis.speed import gathers_shape, measure
from fwi.models import create_model, find_model, model_names
from fwi.progress import progress_bar

LARGE = 60_000_000  # parameters; with more, a step takes a CPU many seconds

_SCHEMA = {
    "model": pl.String,
    "variant": pl.String,
    "parameters_m": pl.Float64,
    "multiply_adds_g": pl.Float64,
    "memory_mb": pl.Float64,
    "forward_samples_s": pl.Float64,
    "train_samples_s": pl.Float64,
    "source": pl.String,
    "published_mae": pl.Float64,
}


def complexity_table(names: Sequence[str] = (), speed: bool = True) -> pl.DataFrame:
    """Say what every variant of some models costs.

    Args:
        names: registered models; all where empty.
        speed: measure memory and speed too. Among all models, variants above `LARGE` parameters
            are left out of that; they are measured where their model is named.

    Returns:
        A row a variant, null where nothing is known:

        - model, variant, source;
        - parameters_m: millions;
        - multiply_adds_g: billions a sample, forward, see `count_multiply_adds`;
        - memory_mb: most that training holds at once, 10^6 bytes, see
            `fwi.analysis.speed.measure`;
        - forward_samples_s, train_samples_s: samples a second, likewise;
        - published_mae: what the field reached with it, m/s, see `fwi.models.registry.Entry`.

    Raises:
        KeyError: if a model is unknown; it names the nearest.
    """
    for name in names:
        find_model(name)
    variants = [pair for pair in model_names() if not names or pair[0] in names]
    rows = []
    with progress_bar("models", len(variants)) as advance:
        for name, variant in variants:
            advance(0, f"{name} {variant}")
            row = _describe(name, variant)
            if speed and (names or row["parameters_m"] <= LARGE / 1e6):
                row |= measure(name, variant)
            rows.append(row)
            advance()
    return pl.DataFrame(rows, _SCHEMA)


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


def _describe(name: str, variant: str) -> dict[str, Any]:
    """Give what is known of a variant without running it."""
    entry = find_model(name)
    with torch.device("meta"):
        model = create_model(name, variant).eval()
    return {
        "model": name,
        "variant": variant,
        "parameters_m": sum(p.numel() for p in model.parameters()) / 1e6,
        "multiply_adds_g": count_multiply_adds(model, gathers_shape(model, 1)) / 1e9,
        "source": entry.source or None,
        "published_mae": entry.published.get(variant),
    }


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
