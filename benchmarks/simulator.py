"""Time the simulator, beside a plain NumPy loop of the same scheme and deepwave where installed.

    python benchmarks/simulator.py

Every row is the median over several runs on the same maps, in this one process.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi.geometry import OPENFWI
from fwi.physics import families
from fwi.physics.linearize import available_threads
from fwi.physics.simulator import simulate
from fwi.physics.sponge import damping
from fwi.physics.wavelet import ricker

Array = npt.NDArray[Any]


def numpy_shot(velocity: Array, steps: int) -> Array:
    """Run the first steps of a shot over the full grid, one NumPy expression a step."""
    g = OPENFWI
    width = g.sponge_width
    a = (np.pad(velocity, width, "edge") * g.dt / g.dx) ** 2
    k = np.zeros_like(a)
    profile = (damping(float(velocity.min()), g.dx, width) * g.dt).astype(a.dtype)
    k[:width, width:-width], k[-width:, width:-width] = profile[::-1, None], profile[:, None]
    k[:, :width], k[:, -width:] = profile[::-1], profile
    z, x = g.source_depth_idx + width, int(g.source_idx[0]) + width
    wavelet = ricker(g.frequency, g.dt) * (velocity[1, 0] * g.dt) ** 2
    before, now = np.zeros_like(a), np.zeros_like(a)
    for n in range(steps):
        laplacian = -5 * now
        for axis in (0, 1):
            for shift, weight in ((1, 4 / 3), (2, -1 / 12)):
                laplacian += weight * (np.roll(now, shift, axis) + np.roll(now, -shift, axis))
        before, now = now, (2 - k) * now - (1 - k) * before + a * laplacian
        if n < len(wavelet):
            now[z, x] += wavelet[n]
    return now


def deepwave_gathers(maps: Array) -> None:
    """Simulate every map with deepwave: fourth order, a 40-cell PML, float32."""
    import deepwave
    import torch

    g, n = OPENFWI, len(maps)
    shots, receivers = len(g.source_x), len(g.receiver_x)
    sources = torch.ones(shots, 1, 2, dtype=torch.long)
    sources[:, 0, 1] = torch.from_numpy(g.source_idx)
    stations = torch.ones(shots, receivers, 2, dtype=torch.long)
    stations[:, :, 1] = torch.from_numpy(g.receiver_idx)
    wavelet = torch.zeros(shots, 1, g.nt)
    wavelet[:, 0, :147] = torch.from_numpy(ricker(g.frequency, g.dt)).float()
    for i in range(n):
        deepwave.scalar(
            torch.from_numpy(maps[i]), g.dx, g.dt, source_amplitudes=wavelet,
            source_locations=sources, receiver_locations=stations, accuracy=4, pml_width=40,
            pml_freq=g.frequency,
        )  # fmt: skip


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Time some work after one warm-up."""
    work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Print one row a variant: milliseconds a five-shot sample, and the ratio to ours."""
    maps = np.concatenate([families.sample(f, 2, 0) for f in families.NAMES])[:16]
    started = time.perf_counter()
    simulate(maps[:1])
    print(f"{platform.machine()}, {available_threads()} processors, {len(maps)} maps")
    print(f"first call, kernel from cache or compiled: {time.perf_counter() - started:.1f} s")
    rows = {
        f"fwi.simulate, {threads} threads": median_seconds(
            lambda threads=threads: simulate(maps, threads=threads), 5
        )
        / len(maps)
        for threads in sorted({1, available_threads()})
    }
    ours = min(rows.values())
    steps = 100  # the loop's steps cost alike: a tenth of one shot stands for five shots
    rows["NumPy loop"] = median_seconds(lambda: numpy_shot(maps[0], steps), 3) * 1000 / steps * 5
    try:
        rows["deepwave, PML 40"] = median_seconds(lambda: deepwave_gathers(maps), 3) / len(maps)
    except ImportError:
        print("deepwave is not installed: pip install 'fwi[benchmark]' for its row")
    for name, seconds in rows.items():
        print(f"{name:28s} {seconds * 1e3:9.1f} ms a sample {seconds / ours:7.1f} x")


if __name__ == "__main__":
    main()
