"""How far the surrogate is from the exact simulator on every family, and how much faster.

    python benchmarks/surrogate.py

Three maps of each family that its constants were not chosen on, five shots, one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fwi import families
from fwi.arrays import Array
from fwi.physics.simulator import linearize, simulate

_SEED = 200
_LATE = 300  # samples: what comes after is mostly reflections


def difference(gathers: Array, exact: Array) -> Array:
    """Relative L2 difference of each sample, (B,)."""
    axes = (1, 2, 3)
    return np.sqrt(((gathers - exact) ** 2).sum(axes) / (exact**2).sum(axes))


def seconds(work: Callable[[], object]) -> float:
    """Shortest of a few runs after a warm-up."""
    work()
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    """Print a row for each family: differences, and milliseconds a sample of both."""
    print(
        "| family | whole gather | after 300 ms | ms, surrogate | exact | with gradient | exact |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in families.NAMES:
        maps = families.sample(name, 3, rng=_SEED)
        exact, gathers = simulate(maps), simulate(maps, engine="surrogate")
        whole = difference(gathers, exact)
        late = difference(gathers[:, :, _LATE:], exact[:, :, _LATE:])
        work: tuple[Callable[[], object], ...] = (
            lambda maps=maps: simulate(maps, engine="surrogate", threads=1),
            lambda maps=maps: simulate(maps, threads=1),
            lambda maps=maps, r=exact: linearize(maps, engine="surrogate", threads=1).vjp(r),
            lambda maps=maps, r=exact: linearize(maps, threads=1).vjp(r),
        )
        cells = [f"{x.mean():.1%} (up to {x.max():.1%})" for x in (whole, late)]
        cells += [f"{seconds(w) / len(maps) * 1e3:.0f}" for w in work]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
