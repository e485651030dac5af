"""A map appearing band by band: one picture of a refinement on its way.

    python benchmarks/bands.py docs/pictures/bands.png

A generated map, gathers rounded to float16, the shipped network's map as start: what every band
leaves behind, from the lowest to the settled map, with the mean absolute error.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fwi
from fwi.arrays import Array
from fwi.inversion.rung import Progress

_STAGES = 8  # maps between the start and the truth, at most


def ways(gathers: Array) -> tuple[list[tuple[str, Array]], Array]:
    """Refine one sample: titles and maps where bands end, and the start."""
    seen: list[Progress] = []
    result = fwi.refine(gathers, watch=lambda _, progress: seen.append(progress)).samples[0]
    ends = [one for one, after in pairwise(seen) if _band(one) != _band(after)]
    stages = [(_band(one), one.state.velocity.numpy()) for one in ends]
    last = "exact" if result.exact else f"residual {result.residual:.2f}"
    return [*stages[-_STAGES + 1 :], (last, result.velocity)], result.start


def _band(progress: Progress) -> str:
    return "by the noise" if progress.by_noise else f"{progress.peak:.1f} Hz"


def draw(path: Path, maps: list[tuple[str, Array]], true: Array) -> None:
    """Draw maps in a row, their errors below their names."""
    figure = Figure(figsize=(2.1 * len(maps), 2.9), layout="constrained")
    for axes, (title, velocity) in zip(figure.subplots(1, len(maps)), maps, strict=True):
        image = axes.imshow(velocity, cmap="viridis", vmin=true.min(), vmax=true.max())
        axes.set_title(f"{title}\n{np.abs(velocity - true).mean():.1f} m/s", fontsize=9)
        axes.set_axis_off()
    figure.colorbar(image, ax=figure.axes, label="m/s", shrink=0.7)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Refine, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--family", default="CurveVel_B")
    parser.add_argument("--seed", type=int, default=3100)
    parser.add_argument("--number", type=int, default=8, help="of the seed's maps")
    asked = parser.parse_args()
    true = fwi.families.sample(asked.family, asked.number + 1, asked.seed)[asked.number]
    stages, start = ways(fwi.simulate(true[None]).astype(np.float16))
    draw(asked.picture, [("start", start), *stages, ("truth", true)], true)


if __name__ == "__main__":
    main()
