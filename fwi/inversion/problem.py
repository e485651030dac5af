"""One sample's gathers and the operator that has to explain them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.inversion.band import Band, make_band, noise_band
from fwi.inversion.room import Room
from fwi.physics.operator import Operator
from fwi.physics.simulator import linearize, simulate


@dataclass(frozen=True)
class Problem:
    """What is observed, and how it was recorded.

    Attributes:
        observed: gathers (S, T, R) float32.
        sigma: standard deviation of their errors, likewise.
        geometry: sources, receivers, grid and time axis.
        threads: of the simulator; by default one for each processor.
        room: memory for the large arrays.
    """

    observed: Tensor
    sigma: Tensor
    geometry: AcquisitionGeometry
    threads: int | None = None
    room: Room = field(default_factory=Room, repr=False)

    def simulate(self, velocity: Tensor, vmin: float) -> Tensor:
        """Gathers of a map with a sponge of its own, (S, T, R) float32."""
        maps, sponge = self._batch(velocity, vmin)
        return simulate(maps, self.geometry, vmin=sponge, threads=self.threads)[0]

    def linearize(self, velocity: Tensor, vmin: float) -> Operator:
        """Linearise the scheme about a map."""
        maps, sponge = self._batch(velocity, vmin)
        return linearize(maps, self.geometry, vmin=sponge, threads=self.threads)

    def band(self, peak: float, damping: float | None = None) -> Band:
        """Lay out a band (`make_band`)."""
        return make_band(self.observed, self.sigma, self.geometry, peak, damping=damping)

    def noise_band(self) -> Band:
        """Lay out the band of all data by their noise (`noise_band`)."""
        return noise_band(self.observed, self.sigma, self.geometry)

    def relative(self, band: Band, velocity: Tensor, vmin: float | None = None) -> float:
        """Relative residual of a map in a band."""
        vmin = float(velocity.min()) if vmin is None else vmin
        return band.relative(band.misfit(self.simulate(velocity, vmin) - self.observed))

    def _batch(self, velocity: Tensor, vmin: float) -> tuple[Tensor, Tensor]:
        return velocity[None].float(), torch.tensor([vmin], dtype=torch.float64)


def as_tensor(values: np.ndarray) -> Tensor:
    """Give an array as a float32 tensor of its own."""
    return torch.from_numpy(np.array(values, np.float32))
