"""Time the simulator and its gradient, beside a plain NumPy loop of the same scheme and deepwave.

    python benchmarks/simulator.py

Every figure is the median over several runs on the same sixteen maps, in this one process; what
is compiled is compiled before. benchmarks/roofline.py says how far the machine would go.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable

import numpy as np

from fwi import families
from fwi.arrays import Array
from fwi.geometry import OPENFWI
from fwi.physics.kernel.threads import available_threads
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.wavelet import ricker
from fwi.physics.simulator import linearize, simulate


def numpy_steps(velocity: Array, steps: int) -> Array:
    """Run the first steps of all five shots over the full grid, one NumPy expression a step."""
    g, width = OPENFWI, OPENFWI.sponge_width
    a = (np.pad(velocity, width, "edge") * g.dt / g.dx) ** 2
    k = np.zeros_like(a)
    profile = (damping(float(velocity.min()), g.dx, width) * g.dt).astype(a.dtype)
    k[:width, width:-width], k[-width:, width:-width] = profile[::-1, None], profile[:, None]
    k[:, :width], k[:, -width:] = profile[::-1], profile
    wavelet = ricker(g.frequency, g.dt)
    for column in g.source_idx:
        z, x = g.source_depth_idx + width, int(column) + width
        source = (wavelet * (velocity[g.source_depth_idx, column] * g.dt) ** 2).astype(a.dtype)
        before, now = np.zeros_like(a), np.zeros_like(a)
        for n in range(steps):
            laplacian = -5 * now
            for axis in (0, 1):
                for shift, weight in ((1, 4 / 3), (2, -1 / 12)):
                    laplacian += weight * (np.roll(now, shift, axis) + np.roll(now, -shift, axis))
            before, now = now, (2 - k) * now - (1 - k) * before + a * laplacian
            if n < len(source):
                now[z, x] += source[n]
    return now


def deepwave_gathers(maps: Array, residual: Array | None = None) -> None:
    """Simulate every map with deepwave: fourth order, a 40-cell PML, float32.

    Args:
        maps: (B, Z, X), m/s.
        residual: (S, R, T); where given, each map's gradient is computed too.
    """
    import deepwave
    import torch

    g = OPENFWI
    shots, receivers = len(g.source_x), len(g.receiver_x)
    sources = torch.ones(shots, 1, 2, dtype=torch.long)
    sources[:, 0, 1] = torch.from_numpy(g.source_idx)
    stations = torch.ones(shots, receivers, 2, dtype=torch.long)
    stations[:, :, 1] = torch.from_numpy(g.receiver_idx)
    wavelet = torch.zeros(shots, 1, g.nt)
    wavelet[:, 0, :147] = torch.from_numpy(ricker(g.frequency, g.dt)).float()
    for velocity in maps:
        v = torch.from_numpy(velocity).requires_grad_(residual is not None)
        gathers = deepwave.scalar(
            v, g.dx, g.dt, source_amplitudes=wavelet, source_locations=sources,
            receiver_locations=stations, accuracy=4, pml_width=40, pml_freq=g.frequency,
        )[-1]  # fmt: skip
        if residual is not None:
            gathers.backward(torch.from_numpy(residual))


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Time some work after one warm-up."""
    work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def our_rows(maps: Array, residual: Array) -> dict[str, tuple[float, float]]:
    """Seconds a sample, and seconds a sample and its gradient, by threads."""
    rows = {}
    for threads in sorted({1, available_threads()}):

        def gradient(threads: int = threads) -> None:
            linearize(maps, threads=threads).vjp(residual)

        value = median_seconds(lambda threads=threads: simulate(maps, threads=threads), 5)
        rows[f"fwi, {threads} threads"] = value / len(maps), median_seconds(gradient, 3) / len(maps)
    return rows


def peer_rows(maps: Array, residual: Array) -> dict[str, tuple[float, float]]:
    """The same of the NumPy loop (no gradient) and of deepwave where it is installed."""
    steps = 100  # all steps cost alike: a tenth of them stands for the record
    rows = {}
    for dtype in (np.float32, np.float64):
        one = maps[0].astype(dtype)
        loop = median_seconds(lambda one=one: numpy_steps(one, steps), 3) * OPENFWI.nt / steps
        rows[f"NumPy, {dtype.__name__}"] = loop, float("nan")
    try:
        value = median_seconds(lambda: deepwave_gathers(maps), 3) / len(maps)
        turned = np.ascontiguousarray(residual[0].swapaxes(1, 2))
        both = median_seconds(lambda: deepwave_gathers(maps, turned), 3) / len(maps)
        rows["deepwave, PML 40"] = value, both
    except ImportError:
        print("deepwave is not installed: pip install 'fwi[benchmark]' for its row")
    return rows


def main() -> None:
    """Print one row a variant, and its ratio to ours."""
    maps = np.concatenate([families.sample(f, 2, 0) for f in families.NAMES])[:16]
    residual = np.random.default_rng(0).standard_normal((len(maps), *OPENFWI.gather_shape))
    residual = residual.astype(np.float32)
    started = time.perf_counter()
    linearize(maps[:1]).vjp(residual[:1])
    print(f"{platform.machine()}, {available_threads()} processors, {len(maps)} maps")
    print(f"first call, kernels compiled or from the cache: {time.perf_counter() - started:.1f} s")
    ours = our_rows(maps, residual)
    best = tuple(min(row[i] for row in ours.values()) for i in (0, 1))
    print(f"{'':18s}{'ms a sample':>14s}{'ratio':>8s}{'value and gradient':>22s}{'ratio':>8s}")
    for name, row in (ours | peer_rows(maps, residual)).items():
        cells = [f"{s * 1e3:.1f}" if s == s else "-" for s in row]
        ratios = [f"{s / b:.1f}" if s == s else "" for s, b in zip(row, best, strict=True)]
        print(f"{name:18s}{cells[0]:>14s}{ratios[0]:>8s}{cells[1]:>22s}{ratios[1]:>8s}")


if __name__ == "__main__":
    main()
