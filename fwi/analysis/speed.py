"""How fast and how large a network is on this machine, training and running."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from fwi.config import TrainConfig
from fwi.data.batch import Batch
from fwi.data.loader import FixedBatches
from fwi.geometry import OPENFWI
from fwi.inference.precision import Precision, autocast, choose_device, choose_precision
from fwi.models import create_model, shots_of
from fwi.openfwi import SIDE, UNKNOWN
from fwi.training.objectives import create_objective
from fwi.training.recipe import recipe_of
from fwi.training.trainer import Callback, Trainer

_BATCH = {"cpu": 4, "cuda": 32}  # samples of every measurement; fewer leave a GPU idle
_TIMED = 3  # batches after the one that warms up


@dataclass(frozen=True)
class _Bench:
    """What every measurement runs on, and with how many samples at once."""

    device: torch.device
    precision: Precision
    batch: int


def _bench(asked: str) -> _Bench:
    device = choose_device(asked)
    return _Bench(device, choose_precision("auto", device), _BATCH[device.type])


def measure(name: str, variant: str, device: str = "auto") -> dict[str, float]:
    """Train and run a variant on this machine, as `Trainer` would, with batches of noise.

    Returns:
        memory_mb, the most that two steps hold at once: weights, gradients, AdamW's moments and
        activations; forward_samples_s and train_samples_s, by the median of a few batches after
        one that warms up. Nothing, where a GPU's memory is too small.
    """
    bench, clock = _bench(device), _Clock()
    with torch.random.fork_rng([bench.device] if bench.device.type == "cuda" else []):
        try:
            # The second step finds the moments and gradients that the first one left.
            memory = peak_memory(lambda: _fit(create_model(name, variant), 2, bench), bench.device)
            model = _fit(create_model(name, variant), 1 + _TIMED, bench, clock)
            seconds = _time_forward(model, bench)
        except torch.OutOfMemoryError:
            return {}
    return {
        "memory_mb": memory / 1e6,
        "forward_samples_s": bench.batch / seconds,
        "train_samples_s": bench.batch / clock.seconds(),
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


def conditions(device: str = "auto") -> str:
    """Say in words what `measure` runs on."""
    bench = _bench(device)
    where = (
        torch.cuda.get_device_name(bench.device)
        if bench.device.type == "cuda"
        else f"the CPU, threads: {torch.get_num_threads()}"
    )
    return f"batches of {bench.batch} in {bench.precision} on {where}"


class _Clock(Callback):
    """Notes when each step of a fit ends."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, trainer: Trainer) -> None:
        self.times.append(_now(trainer.device))

    def seconds(self) -> float:
        """Give the median of the steps after the first."""
        return median(end - start for start, end in pairwise(self.times))


def _allocations(profiler: profile) -> list[int]:
    """List the bytes that were taken, or given back where negative, in the order of time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    memory = [event for event in events if event["name"] == "[memory]"]
    return [event["args"]["Bytes"] for event in sorted(memory, key=lambda event: event["ts"])]


def _fit(model: nn.Module, steps: int, bench: _Bench, *callbacks: Callback) -> nn.Module:
    batch = Batch(
        torch.randn(gathers_shape(model, bench.batch)),
        torch.full((bench.batch, SIDE, SIDE), 3000.0),
        torch.full((bench.batch,), UNKNOWN),
        torch.ones(bench.batch),
    )
    objective = create_objective(model).to(bench.device)
    recipe = recipe_of(TrainConfig(), objective.model, steps, bench.device)
    loader = FixedBatches([batch] * steps)
    Trainer(objective, loader, recipe, epochs=1, device=bench.device, callbacks=callbacks).fit()
    return objective.model


def _time_forward(model: nn.Module, bench: _Bench) -> float:
    """Give the median of a forward pass in eval, s."""
    model.eval()
    gathers = torch.randn(gathers_shape(model, bench.batch), device=bench.device)
    times = []
    with torch.inference_mode(), autocast(bench.precision, bench.device):
        for _ in range(2 + _TIMED):
            model(gathers)
            times.append(_now(bench.device))
    return median(end - start for start, end in pairwise(times[1:]))


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def gathers_shape(model: nn.Module, batch: int) -> tuple[int, int, int, int]:
    """Give the shape of the gathers (B, S, T, R) that a model takes."""
    return batch, shots_of(model), OPENFWI.nt, len(OPENFWI.receiver_x)
