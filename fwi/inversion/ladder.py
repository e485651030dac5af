"""In which bands a map is refined, and what it is drawn to on the way.

Every rung's first step is exact to the quadratic, so that a band needs one Jacobian or two, and
what decides is how the prior is sharpened from one to the next: total variation first, along the
curve that the map's layers are seen to share, then powers below one, in whose many minima the map
is by then in the right one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from fwi.inversion.curves import curve_of
from fwi.inversion.levels import levels, shares
from fwi.inversion.priors import Gaussian, Nothing, Reference, Regions, Variation
from fwi.inversion.priors.base import Prior
from fwi.inversion.rung import Rung
from fwi.inversion.unknowns import VELOCITY

Kind = Literal["flat", "layered", "smooth", "noisy", "near", "free"]

KINDS: dict[str, Kind] = {
    "FlatVel_A": "flat", "FlatVel_B": "flat",
    "CurveVel_A": "layered", "CurveVel_B": "layered",
    "FlatFault_A": "layered", "FlatFault_B": "layered",
    "CurveFault_A": "layered", "CurveFault_B": "layered",
    "Style_A": "smooth", "Style_B": "noisy",
}  # fmt: skip

# What each kind of map is drawn to: a process, or steps, by the weight of differences along a row.
PROCESSES = {"smooth": "style_a", "noisy": "style_b"}
ALONG = {"flat": 30.0, "layered": 1.0}
# eps in m/s, p, and tolerance of the steps that sharpen. The prior leads, and the data only in the
# end: with a tolerance of 0.6, 1 and 2 a map of steep layers was 26, 19 and 16 m/s off after nine
# steps, all else alike.
_SHARPER = (
    (10, 1.0, 2.0), (5, 0.8, 2.0), (4, 0.6, 2.0), (3, 0.5, 2.0), (2, 0.5, 2.0),
    (1, 0.4, 2.0), (1, 0.4, 1.0), (1, 0.3, 1.0),
)  # fmt: skip
# m/s of cells about their region's value; again, about that of a map whose cells were decided.
SETTLING = (20.0, 10.0, 5.0, 3.0, 2.0, 1.0), *((5.0, 2.0, 1.0),) * 4
# Share of the wavelet's frequency, weight of differences along the layers, eps in m/s, steps a
# build, tolerance, builds; twice where a curve found anew brings more. With a weight of 10 a curve
# that is not known yet holds the map back.
_LAYERS = (
    (0.2, 1.0, 30.0, 2, 0.5, 4),
    (1 / 3, 3.0, 30.0, 2, 0.5, 2), (1 / 3, 3.0, 30.0, 2, 0.5, 2),
    (0.43, 3.0, 30.0, 2, 0.3, 2), (8 / 15, 3.0, 30.0, 2, 0.3, 2),
    (0.73, 3.0, 25.0, 1, 0.3, 3), (1.0, 3.0, 20.0, 1, 0.3, 3), (1.0, 3.0, 20.0, 1, 0.3, 3),
)  # fmt: skip
_BAD_START = 0.3  # relative residual at 2 Hz: starts of 0.13 still find the way


# From the name of a process and a grid to what maps are drawn to.
Smooth = Callable[[str, tuple[int, int]], Prior]


def squares(process: str, grid: tuple[int, int]) -> Prior:
    """Stand for any process where its matrix has no room: squares of neighbours' differences.

    Differences of 60 m/s are about what the processes give neighbours: 53 to 70 m/s, 114 the noisy
    one.
    """
    return Variation(1.0, 2.0, scale=60.0)


def rescue(start: Tensor, smooth: Smooth = Gaussian) -> list[Rung]:
    """A gentler beginning for starts that explain not even the lowest frequencies.

    The record is damped at first, so that early arrivals lead; the prior is a smooth process of
    slowness squared, in which averages keep what 2 Hz see of a map.
    """
    prior = (smooth("low", _grid(start)),) * 2

    def rung(peak: float, builds: int, goal: float, damping: float | None = None) -> Rung:
        return Rung(peak, prior, damping, builds=builds, goal=goal, tolerance=0.5, sponge_std=5.0)

    return [
        rung(2.0, 2, 0.008, damping=0.10),
        rung(2.5, 2, 0.01, damping=0.25),
        rung(2.0, 4, 0.02),
        rung(3.0, 3, 0.01),
        rung(4.0, 2, 0.006),
    ]


def is_lost(residual: float) -> bool:
    """Say whether a start needs `rescue`, by its relative residual at 2 Hz."""
    return residual > _BAD_START


def approach(kind: Kind, start: Tensor, frequency: float, smooth: Smooth = Gaussian) -> list[Rung]:
    """From a start to a map that explains all frequencies, still rounded at its edges.

    The data count far more than the prior here: of three maps of steep layers all came further in
    fewer steps than with twice the tolerance.
    """
    if kind == "layered":
        return [
            Rung(
                share * frequency, (Variation(eps, 1.0, across=across),) * turns,
                tolerance=tolerance, builds=builds, follows=True,
            )
            for share, across, eps, turns, tolerance, builds in _LAYERS
        ]  # fmt: skip
    low, middle = frequency / 3, frequency * 8 / 15
    first, second = (_first(kind, start, eps, smooth) for eps in (30.0, 20.0))
    return [
        Rung(low, (first, first), goal=0.004, tolerance=0.5, builds=4),
        Rung(middle, (first, first), tolerance=0.3, builds=2),
        Rung(frequency, (second,), goal=0.004, tolerance=0.3, builds=6),
    ]


def followed(rung: Rung, velocity: Tensor) -> Rung:
    """Bring the variation of a rung that asks for it to the curve of a map's layers."""
    if not rung.follows:
        return rung
    curve = torch.from_numpy(curve_of(velocity.numpy()))
    return replace(
        rung,
        priors=tuple(
            replace(prior, curve=curve) if isinstance(prior, Variation) else prior
            for prior in rung.priors
        ),
    )


def finish(kind: Kind, start: Tensor, frequency: float, smooth: Smooth = Gaussian) -> list[Rung]:
    """From there to the noise."""
    if kind not in ALONG:
        prior = (_first(kind, start, 0.0, smooth),)
        fit = Rung(frequency, prior, goal=0.0, builds=8, stagnation=0.95, unknown=VELOCITY)
        return [fit, replace(fit, by_noise=True, tolerance=1.0, builds=16)]
    along = ALONG[kind]
    return [
        Rung(
            frequency, (Variation(eps, p, across=along),), goal=0.0, tolerance=tolerance,
            follows=kind == "layered",
        )
        for eps, p, tolerance in _SHARPER
    ]  # fmt: skip


def settle(velocity: Tensor, std: float, frequency: float) -> Rung:
    """Draw a layered map, which explains its gathers, to the values of its regions.

    What the data hold of a map to its last digit is many orders weaker than what they hold of its
    shape: all data count by their known errors, and more iterations are worth their time.
    """
    map_ = velocity.numpy()
    prior = Regions(torch.from_numpy(shares(map_, levels(map_, std), std)), std)
    return Rung(frequency, (prior,), goal=0.0, tolerance=1.0, iterations=10, by_noise=True)


def _first(kind: Kind, start: Tensor, eps: float, smooth: Smooth) -> Prior:
    """What maps of a kind are drawn to at first; a start (nz, nx), m/s, is what "near" is near."""
    if kind in PROCESSES:
        return smooth(PROCESSES[kind], _grid(start))
    if kind in ALONG:
        return Variation(eps, 1.0, across=ALONG[kind])
    return Reference(start) if kind == "near" else Nothing()


def _grid(map_: Tensor) -> tuple[int, int]:
    return map_.shape[0], map_.shape[1]
