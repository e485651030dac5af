"""How far a refined map may be from the truth: the Laplace approximation, calibrated.

About the map the objective is a quadratic (`laplace.py`), so that its curvature is the precision of
a normal distribution. But refinement ends before the minimum, and a layered map's errors are cells
on the wrong side of an interface, of which a quadratic knows nothing. With a law the step that is
left to the minimum is added, a mean taken over neighbours, for an interface may be a cell off, and
the result stretched as it was found on refined maps of known truth (benchmarks/posterior.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from torch import Tensor

from fwi.arrays import Array
from fwi.inversion.cholesky import factorize
from fwi.inversion.ladder import ALONG, PROCESSES
from fwi.inversion.laplace import quadratic
from fwi.inversion.methods.choice import CELLS
from fwi.inversion.priors import Gaussian, Reference, Variation
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.registry import nearest


@dataclass(frozen=True)
class Law:
    """Standard deviation scale * raw^power, of which raw is a mean over neighbours; m/s.

    Attributes:
        scale: what it is multiplied by.
        power: above 1 where large deviations come out too small, and small ones too large.
        around: rows and columns that the mean of squares is taken over.
    """

    scale: float
    power: float = 1.0
    around: int = 1

    def std(self, squares: Array) -> Array:
        """Standard deviations from squares of raw ones, (nz, nx)."""
        mean = uniform_filter(squares, self.around, mode="nearest")
        return self.scale * mean ** (self.power / 2)


LAWS = {
    "flat": Law(0.6, 1.5, 3),
    "layered": Law(0.6, 1.5, 3),
    "smooth": Law(1.0),
    "noisy": Law(0.8),
    "near": Law(1.0),
}


@dataclass(frozen=True)
class Posterior:
    """A normal distribution of maps.

    Attributes:
        mean: the refined map, (nz, nx) float64, m/s.
        std: of every cell, (nz, nx) float32, m/s.
        factor: of the precision A, lower triangular (cells, cells) float64, s/m, on the device of
            the problem's matrices.
        stretch: standard deviation over that of A's inverse, (nz, nx) float64.
    """

    mean: Tensor
    std: Array
    factor: Tensor
    stretch: Tensor

    def sample(self, n: int, seed: int) -> Array:
        """Draw maps, (n, nz, nx) float32, m/s, which may leave the range of velocities.

        With A = L L' the draws are the mean and L'^-1 z, stretched cell by cell.
        """
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(self.mean.numel(), n, generator=generator, dtype=torch.float64)
        off = torch.linalg.solve_triangular(self.factor.mT, z.to(self.factor), upper=True).cpu()
        return (self.mean + self.stretch * off.T.reshape(n, *self.mean.shape)).float().numpy()


def posterior(
    problem: Problem, velocity: Tensor, vmin: float, prior: Prior, law: Law | None = None
) -> Posterior:
    """Approximate the distribution of maps about a refined one.

    A map of which every sample agrees (`Refined.exact`) needs none: its standard deviation is 0.

    Args:
        problem: the sample.
        velocity: the refined map (nz, nx) float64, m/s.
        vmin: the sponge's velocity there, m/s.
        prior: what is known of the map beside the data.
        law: what calibrates the standard deviations, with the step to the minimum added; None
            leaves them as the curvature gives them.

    Raises:
        ValueError: if the map has too many cells for dense matrices.
        FloatingPointError: if neither data nor prior hold some direction.
    """
    if velocity.numel() > CELLS:
        raise ValueError(
            f"a posterior needs a map of at most {CELLS} cells, got {velocity.numel()}; "
            "take a coarser grid"
        )
    precision, gradient = quadratic(problem, velocity, vmin, prior)
    factor = factorize(precision)
    laplace = torch.cholesky_inverse(factor).diagonal().sqrt().view_as(velocity).to(velocity)
    std = laplace
    if law is not None:
        step = torch.cholesky_solve(gradient[:, None], factor).view_as(velocity).to(velocity)
        std = torch.from_numpy(law.std((laplace**2 + step**2).numpy()))
    return Posterior(velocity, std.float().numpy(), factor, std / laplace)


def calibrated(kind: str, start: Tensor) -> tuple[Prior, Law]:
    """Give the prior and the law of a kind of maps, for `posterior`.

    Args:
        kind: "flat", "layered", "smooth", "noisy" or "near".
        start: map (nz, nx), m/s, which "near" is near.

    Raises:
        KeyError: if no law was fitted for the kind.
    """
    if kind in ALONG:
        return Variation(0.5, 0.3, across=ALONG[kind]), LAWS[kind]
    if kind in PROCESSES:
        return Gaussian(PROCESSES[kind], (start.shape[0], start.shape[1])), LAWS[kind]
    if kind == "near":
        return Reference(start), LAWS[kind]
    raise KeyError(f"no law was fitted for {kind!r}; {nearest(kind, [*LAWS])}")


def coverage(true: Array, velocity: Array, std: Array) -> tuple[float, float]:
    """Shares of cells that are within one and two standard deviations of the truth.

    A normal distribution's are 0.683 and 0.954.

    Args:
        true: maps of any shape, m/s.
        velocity: refined ones, likewise.
        std: standard deviations, likewise; where it is 0, a cell counts if it is right.
    """
    error = np.abs(velocity - true)
    return float((error <= std).mean()), float((error <= 2 * std).mean())
