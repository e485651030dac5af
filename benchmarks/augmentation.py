"""What augmentation costs, how exact scaled velocities are, and a picture of augmented maps.

    python benchmarks/augmentation.py [docs/pictures/augmentation.png]

- The gathers of scaled maps (`velocity_scale`) beside simulated ones: of each of the ten families
  three generated maps, brought to 1,900 to 3,700 m/s so that every factor stays in 1,500 to 4,500;
  gathers rounded to float16, as stores keep them. Relative 2-norm, in the part of the record that
  is known (all of it below 1, the first 1 / alpha above), in the same part after 300 ms, and in
  the whole record, whose end is zero where it is not known.
- Processor ms a map or sample, one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import albumentations as A
import numpy as np
from matplotlib.figure import Figure

from fwi import families
from fwi.arrays import Array
from fwi.config import Choice
from fwi.data.augment import (
    GATHER_TRANSFORMS,
    AddedFault,
    AffineCrop,
    CutMix,
    ElasticWarp,
    GridWarp,
    MixUp,
    VelocityScale,
    VerticalStretch,
    augment_maps,
    gather_pipeline,
)
from fwi.data.augment.library import generators
from fwi.physics.simulator import simulate

ALPHAS = (0.8, 0.9, 1.1, 1.2)
EARLY = 300  # ms: the direct wave has passed most receivers
SHOWN = ("CurveVel_A", "FlatFault_B", "Style_A")


def scaled_errors(alpha: float, maps: Array, gathers: Array) -> Array:
    """Compare scaled gathers with simulated ones, (n, 3): known part, known and late, whole."""
    end, scale, rows = min(1000, int(1000 / alpha)), VelocityScale(alpha, p=1), []
    truth = simulate(alpha * maps)
    for velocity, recorded, true in zip(maps, gathers, truth, strict=True):
        got = scale(image=recorded, mask=velocity)["image"].astype(np.float64)
        parts = (slice(0, end), slice(EARLY, end), slice(0, 1000))
        rows.append(
            [np.linalg.norm((got - true)[:, p]) / np.linalg.norm(true[:, p]) for p in parts]
        )
    return np.array(rows)


def processor_ms(work: Callable[[], object], n: int) -> float:
    """Give processor milliseconds of one of the `n` things that work does."""
    work()
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started) / n


def draw(path: Path) -> None:
    """Draw generated maps, and what each transform makes of them."""
    transforms = (AffineCrop, VerticalStretch, ElasticWarp, GridWarp, AddedFault, CutMix, MixUp)
    figure = Figure((2 * (1 + len(transforms)), 6.4), layout="constrained")
    for row, name in zip(figure.subplots(3, 1 + len(transforms)), SHOWN, strict=True):
        other = SHOWN[(SHOWN.index(name) + 1) % 3]
        velocity, partner = (families.sample(n, 1, rng=5)[0] for n in (name, other))
        _draw_map(row[0], velocity, name)
        for axes, kind in zip(row[1:], transforms, strict=True):
            pipeline = A.Compose([kind(p=1)])
            pipeline.set_random_state(*generators(2))
            made = pipeline(image=velocity, partner=partner)["image"]
            _draw_map(axes, made, kind.__name__)
    figure.savefig(path, dpi=60)


def _draw_map(axes: object, velocity: Array, title: str) -> None:
    axes.imshow(velocity, cmap="viridis", vmin=1500, vmax=4500)
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def main() -> None:
    """Print the tables, and draw the picture where its file is given."""
    drawn = np.concatenate([families.sample(name, 3, rng=17) for name in families.NAMES])
    low, high = drawn.min((1, 2), keepdims=True), drawn.max((1, 2), keepdims=True)
    maps = 1900 + 1800 * (drawn.astype(np.float64) - low) / (high - low)
    gathers = simulate(maps).astype(np.float16)
    print("error of velocity_scale, %: median (largest) of known part; late in it; whole record")
    for alpha in ALPHAS:
        errors = 100 * scaled_errors(alpha, maps, gathers)
        said = [
            f"{m:.3f} ({w:.3f})" for m, w in zip(np.median(errors, 0), errors.max(0), strict=True)
        ]
        print(f"  alpha {alpha}: {'; '.join(said)}")
    print("processor ms")
    labels = [name for name in families.NAMES for _ in range(3)]
    cost = processor_ms(lambda: augment_maps(drawn, 300, 0, families=labels), 300)
    print(f"  augment_maps, a map: {cost:.2f}")
    for name in GATHER_TRANSFORMS:
        pipeline = gather_pipeline([Choice(name=name, options={"p": 1})])
        cost = processor_ms(
            lambda p=pipeline: [
                p(image=g, mask=m) for g, m in zip(gathers[:20], maps[:20], strict=True)
            ],
            20,
        )
        print(f"  {name}, a sample: {cost:.1f}")
    cost = processor_ms(lambda: simulate(drawn[::3], threads=1), 10)
    print(f"  fwi.simulate, a sample of five shots: {cost:.1f}")
    if sys.argv[1:]:
        draw(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
