"""How far the machine would go with the simulator's arithmetic and memory traffic.

    python benchmarks/roofline.py

Two loops are timed beside the kernel, on one thread: one runs the update's instructions on whole
rows that never leave the first-level cache, one moves what an update moves (two fields read and
written) through the cache that a shot's wavefield lives in. The slower of the two is the ceiling.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from fwi import families
from fwi.arrays import Array
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.grid import BLOCK, Grid, aligned_zeros, make_grid
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.shot import forward
from fwi.physics.kernel.simd import REGISTER_BYTES, load, store
from fwi.physics.kernel.stencil import advance, update
from fwi.physics.kernel.windows import EPOCH

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def instructions(p: Array, d: Array, grid: Grid, blocks: int, end: int, times: int) -> None:
    """Update a few blocks of rows that stay in the first-level cache, over and over."""
    begin = np.uint64(0)
    for _ in range(times):
        for block in range(blocks):
            update(p, d, None, None, grid, block, begin, end)
            if block > 0:
                advance(p, d, False, grid, block - 1, begin, end)
        advance(p, d, False, grid, blocks - 1, begin, end)


@njit(**_OPTIONS)
def traffic(p: Array, d: Array, times: int) -> None:
    """Read and write two fields, over and over."""
    lanes, size = np.uint64(REGISTER_BYTES // p.itemsize), np.uint64(p.size)
    for _ in range(times):
        i = np.uint64(0)
        while i < size:
            value, change = load(p, i), load(d, i)
            store(p, i, value + change)
            store(d, i, change - value)
            i += lanes


def seconds(work: Callable[[], object], runs: int = 20) -> float:
    """Shortest time of some work: what the machine can do."""
    work()
    best = np.inf
    for _ in range(runs):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def updates(medium: KernelMedium, shot: int) -> tuple[int, int]:
    """Cell updates of a shot, and the most cells that are updated in one step."""
    on, off = medium.windows[shot]
    tile, nt = BLOCK * medium.grid.lanes, medium.geometry.nt
    active = [((on < n + EPOCH) & (off > n)).sum() * tile for n in range(0, nt, EPOCH)]
    return int(sum(a * min(EPOCH, nt - n * EPOCH) for n, a in enumerate(active))), int(max(active))


def main() -> None:
    """Print the kernel's rate on every family and the ceiling's."""
    lanes = REGISTER_BYTES // 4
    strip = AcquisitionGeometry(
        nz=4, nx=236, nt=1, source_x=(0.0,), receiver_x=(0.0,), sponge_width=2
    )
    small = make_grid(np.full((4, 236), 2000.0), strip, 2000.0, np.float32)
    p, d = aligned_zeros(small.size, np.float32), aligned_zeros(small.size, np.float32)
    end = np.uint64(small.columns // lanes * lanes)
    cells = small.blocks * BLOCK * int(end) * 10_000
    instruction_rate = cells / seconds(lambda: instructions(p, d, small, small.blocks, end, 10_000))
    rates, most, shares = [], [], []
    traces = np.empty(OPENFWI.gather_shape[1:], np.float32)
    for name in families.NAMES:
        velocity = families.sample(name, 1, rng=0)[0].astype(np.float64)
        medium = KernelMedium.of_map(velocity, OPENFWI, float(velocity.min()), np.float32)
        cells, peak = updates(medium, 0)
        rates.append(cells / seconds(lambda medium=medium: forward(medium, 0, traces, [])))
        most.append(peak)
        shares.append(cells / (medium.grid.rows * medium.grid.columns * OPENFWI.nt))
    size = int(np.mean(most)) // lanes * lanes
    p, d = aligned_zeros(size, np.float32), aligned_zeros(size, np.float32)
    traffic_rate = size * 1000 / seconds(lambda: traffic(p, d, 1000))
    ceiling = min(instruction_rate, traffic_rate)
    print(f"registers of {REGISTER_BYTES} bytes, fields of {8 * size / 1e3:.0f} kB, one thread")
    print(f"instructions alone   {instruction_rate / 1e9:6.2f} billion cell updates a second")
    print(f"traffic alone        {traffic_rate / 1e9:6.2f}")
    rows = [*zip(families.NAMES, rates, shares, strict=True)]
    for name, rate, share in [*rows, ("mean", np.mean(rates), np.mean(shares))]:
        print(
            f"{name:20s} {rate / 1e9:6.2f} {rate / ceiling:6.0%} of the ceiling, "
            f"{share:.0%} of the full grid's updates"
        )


if __name__ == "__main__":
    main()
