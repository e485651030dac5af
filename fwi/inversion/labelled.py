"""A map of labels, and the misfit about it: cells that may change, values that may shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.inversion.band import EXACT, noise_band
from fwi.inversion.jacobian import thinned_rows
from fwi.inversion.methods.dense import rows_at
from fwi.inversion.objective import look
from fwi.inversion.problem import Problem
from fwi.inversion.rung import State

OWN = -1  # the label of a cell that keeps what it was
_SHIFT = 3.0  # m/s of a value


@dataclass(frozen=True)
class Labelled:
    """A map of labels.

    Attributes:
        smooth: what it was, (nz, nx), m/s.
        values: of the regions, (regions,), m/s.
        labels: their numbers, (nz, nx); -1 where a cell keeps what it was.
    """

    smooth: Array
    values: Array
    labels: Array

    @property
    def velocity(self) -> Array:
        """The map (nz, nx), m/s."""
        return np.where(self.labels == OWN, self.smooth, self.values[self.labels])


def equations(problem: Problem, here: Labelled, places: Array) -> tuple[Array, Array, Array]:
    """The misfit's curvature and slope by some cells, the values solved for.

    Returns:
        (n, n), (n,), and what gives the values' shifts: a column for each cell, and one that
        stands alone, (regions, n + 1).
    """
    velocity, n = here.velocity, len(places)
    band = noise_band(problem.observed, problem.sigma, problem.geometry, EXACT)
    at = look(problem, band, State(torch.from_numpy(velocity), float(velocity.min())))
    rows, every = rows_at(problem, band, at, whole=True)
    columns = _columns(rows.flatten(1), here.labels.ravel(), places, len(here.values))
    slowest = here.labels.flat[velocity.argmin()]
    if slowest != OWN:  # its value is the sponge's too
        columns[n + slowest] += thinned_rows(band, at.by_sponge, every).flatten().to(columns)
    left = at.linear.gathers[0] - problem.observed
    residual = thinned_rows(band, left, every).flatten().to(columns)
    matrix, slope = (product.cpu().numpy() for product in (columns @ columns.T, columns @ residual))
    own = matrix[n:, n:] + np.eye(len(here.values)) / _SHIFT**2
    solved = np.linalg.solve(own, np.column_stack([matrix[n:, :n], slope[n:]]))
    coupling = matrix[:n, n:]
    return matrix[:n, :n] - coupling @ solved[:, :n], slope[:n] - coupling @ solved[:, -1], solved


def _columns(rows: Tensor, labels: Array, places: Array, regions: int) -> Tensor:
    """J by some cells and by every region's value, transposed, float64: sums are exact enough."""
    of_regions = [
        rows[torch.from_numpy(np.flatnonzero(labels == region))].double().sum(0)
        for region in range(regions)
    ]
    return torch.cat([rows[torch.from_numpy(places)].double(), torch.stack(of_regions)])


def linear_change(velocity: Array, target: Array) -> Array:
    """Change of the velocity that is to the data, linear in slowness squared, what a jump is."""
    return 0.5 * velocity**3 * (velocity**-2.0 - target**-2.0)
