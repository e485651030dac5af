"""What each network costs: parameters, multiply-adds, and memory and speed on this machine."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from fwi.config import TrainConfig
from fwi.geometry import OPENFWI
from fwi.labels import UNKNOWN
from fwi.models import create_model, find_model, model_names, shots_of
from fwi.models.network import SIDE
from fwi.progress import progress_bar
from fwi.training.objectives import objective_of
from fwi.training.precision import Precision, autocast, choose_device, choose_precision
from fwi.training.trainer import Callback, Trainer

BATCH = 4  # samples of every measurement
LARGE = 60_000_000  # parameters; with more, a step takes a CPU many seconds
_TIMED = 3  # batches after the one that warms up

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
        - memory_mb: most that training with `BATCH` samples holds at once, 10^6 bytes, see
            `measure`;
        - forward_samples_s, train_samples_s: samples a second, see `measure`;
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


def measure(name: str, variant: str) -> dict[str, float]:
    """Train and run a variant on this machine, as `Trainer` would, with batches of noise.

    Returns:
        memory_mb, the most that two steps hold at once: weights, gradients, AdamW's moments and
        activations; forward_samples_s and train_samples_s, by the median of a few batches after
        one that warms up.
    """
    device = choose_device()
    precision = choose_precision("auto", device)
    clock = _Clock()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        # The second step finds the moments and gradients that the first one left.
        memory = peak_memory(
            lambda: _fit(create_model(name, variant), 2, precision, device), device
        )
        model = _fit(create_model(name, variant), 1 + _TIMED, precision, device, clock)
        seconds = _time_forward(model, precision, device)
    return {
        "memory_mb": memory / 1e6,
        "forward_samples_s": BATCH / seconds,
        "train_samples_s": BATCH / clock.seconds(),
    }


def peak_memory(work: Callable[[], object], device: torch.device) -> int:
    """Tell how many bytes, at most, torch held at once of those that some work allocated.

    Args:
        work: what is run; on a CPU, it is slowed by a profiler.
        device: whose memory is watched.
    """
    gc.collect()
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    # The profiler's library reports its start and end on standard error.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    return max(accumulate(_allocations(profiler), initial=0))


def conditions() -> str:
    """Say in words what `measure` runs on."""
    device = choose_device()
    where = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"the CPU, threads: {torch.get_num_threads()}"
    )
    return f"batches of {BATCH} in {choose_precision('auto', device)} on {where}"


class _Clock(Callback):
    """Notes when each step of a fit ends."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, trainer: Trainer) -> None:
        self.times.append(_now(trainer.device))

    def seconds(self) -> float:
        """Give the median of the steps after the first."""
        return median(end - start for start, end in pairwise(self.times))


def _describe(name: str, variant: str) -> dict[str, Any]:
    """Give what is known of a variant without running it."""
    entry = find_model(name)
    with torch.device("meta"):
        model = create_model(name, variant).eval()
    return {
        "model": name,
        "variant": variant,
        "parameters_m": sum(p.numel() for p in model.parameters()) / 1e6,
        "multiply_adds_g": count_multiply_adds(model, _gathers_shape(model, 1)) / 1e9,
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


def _allocations(profiler: profile) -> list[int]:
    """List the bytes that were taken, or given back where negative, in the order of time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    memory = [event for event in events if event["name"] == "[memory]"]
    return [event["args"]["Bytes"] for event in sorted(memory, key=lambda event: event["ts"])]


def _fit(
    model: nn.Module,
    steps: int,
    precision: Precision,
    device: torch.device,
    *callbacks: Callback,
) -> nn.Module:
    gathers = torch.randn(_gathers_shape(model, BATCH)).expand(steps, -1, -1, -1, -1)
    velocity = torch.full((steps, BATCH, SIDE, SIDE), 3000.0)
    family = torch.full((steps, BATCH), UNKNOWN)
    loader: DataLoader[Any] = DataLoader(TensorDataset(gathers, velocity, family), batch_size=None)
    trainer = Trainer(
        objective_of(model), loader, TrainConfig(epochs=1), precision, device, callbacks
    )
    trainer.fit()
    return trainer.model


def _time_forward(model: nn.Module, precision: Precision, device: torch.device) -> float:
    """Give the median of a forward pass in eval, s."""
    model.eval()
    gathers = torch.randn(_gathers_shape(model, BATCH), device=device)
    times = []
    with torch.inference_mode(), autocast(precision, device):
        for _ in range(2 + _TIMED):
            model(gathers)
            times.append(_now(device))
    return median(end - start for start, end in pairwise(times[1:]))


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _gathers_shape(model: nn.Module, batch: int) -> tuple[int, int, int, int]:
    return batch, shots_of(model), OPENFWI.nt, len(OPENFWI.receiver_x)
