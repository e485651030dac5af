"""The end of a refinement: whole regions of integers, and whether they explain every sample."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.inversion.labels import relabel
from fwi.inversion.ladder import ALONG, Kind
from fwi.inversion.plateaus import snap
from fwi.inversion.problem import Problem
from fwi.inversion.result import EXPLAINED
from fwi.inversion.rung import IsOver
from fwi.physics.simulator import simulate

_STILL_NOISE = 1.02  # of a residual: rounding a map to integers may cost as little


def is_exact(problem: Problem, velocity: Tensor, gathers: Array) -> bool:
    """Compare every sample, where gathers were rounded so that equality means something.

    The processor's kernel judges: others add up in another order.

    Args:
        problem: the sample.
        velocity: map (nz, nx), m/s.
        gathers: as they were given, (S, T, R).
    """
    if gathers.dtype != np.float16:
        return False
    again = simulate(velocity[None].float(), problem.geometry, threads=problem.threads)[0]
    return bool(np.array_equal(again.numpy().astype(np.float16), gathers))


def rounded(problem: Problem, velocity: Tensor, kind: Kind) -> Tensor:
    """Snap a layered map to regions of integers, as the data's are, where the gathers agree."""
    if kind not in ALONG:
        return velocity
    noise = problem.noise_band()
    candidates = [torch.from_numpy(snap(velocity.numpy())), velocity.round()]
    best = min(candidates, key=lambda map_: problem.relative(noise, map_))
    return best if problem.relative(noise, best) < _most(problem, velocity) else velocity


def finished(
    problem: Problem, velocity: Tensor, kind: Kind, gathers: Array, is_over: IsOver
) -> Tensor:
    """Find the value of every cell of a layered map that has come near enough for that."""

    def is_reached(map_: Array) -> bool:
        return is_exact(problem, torch.from_numpy(map_), gathers)

    whole = rounded(problem, velocity, kind)
    noise = problem.noise_band()
    near = min(problem.relative(noise, map_) for map_ in (velocity, whole)) < EXPLAINED
    if kind not in ALONG or not near or is_reached(whole.numpy()):
        return whole
    labelled, residual = relabel(problem, velocity.numpy(), is_over, is_reached)
    return torch.from_numpy(labelled) if residual < _most(problem, whole) else whole


def _most(problem: Problem, velocity: Tensor) -> float:
    """Residual that a simpler map may leave in place of this one."""
    return max(1.0, _STILL_NOISE * problem.relative(problem.noise_band(), velocity))
