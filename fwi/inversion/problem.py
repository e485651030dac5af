"""One sample's gathers and the operator that has to explain them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.inversion.band import Band, make_band, noise_band
from fwi.inversion.room import Room
from fwi.physics.operator import Operator
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import max_stable_velocity
from fwi.physics.simulator import linearize, simulate

_LOWEST, _HIGHEST = 0.85, 1.1  # of the bounds
BOUNDS = 1470.0, 4550.0  # m/s: a little beyond the OpenFWI data's


@dataclass(frozen=True)
class Problem:
    """What is observed, and how it was recorded; maps are the processor's, wherever waves run.

    Attributes:
        observed: gathers (S, T, R) float32, on the device that runs waves.
        sigma: standard deviation of their errors, likewise.
        geometry: sources, receivers, grid and time axis.
        threads: of the simulator; by default one for each processor.
        room: memory for the large matrices, on the device that multiplies them.
        bounds: smallest and largest velocity of a map, m/s.
        memory: most MB of wavefields that a linearisation keeps; small grids take far less.
    """

    observed: Tensor
    sigma: Tensor
    geometry: AcquisitionGeometry
    threads: int | None = None
    room: Room = field(default_factory=Room, repr=False)
    bounds: tuple[float, float] = BOUNDS
    memory: float = 4000.0

    @cached_property
    def limits(self) -> tuple[float, float]:
        """What a step may not go beyond, m/s: a little more than the bounds, and stable."""
        g, (low, high) = self.geometry, self.bounds
        damped = float(damping(high, g.dx, g.sponge_width).max()) * g.dt
        stable = 0.999 * max_stable_velocity(g.dx, g.dt, damped)
        return _LOWEST * low, min(_HIGHEST * high, stable)

    def simulate(self, velocity: Tensor, vmin: float) -> Tensor:
        """Gathers of a map with a sponge of its own, (S, T, R) float32."""
        maps, sponge = self._batch(velocity, vmin)
        return simulate(maps, self.geometry, vmin=sponge, threads=self.threads)[0]

    def linearize(self, velocity: Tensor, vmin: float) -> Operator:
        """Linearise the scheme about a map."""
        maps, sponge = self._batch(velocity, vmin)
        return linearize(maps, self.geometry, vmin=sponge, threads=self.threads, memory=self.memory)

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
        maps = velocity[None].float().to(self.observed.device)
        return maps, torch.tensor([vmin], dtype=torch.float64)


def as_tensor(values: np.ndarray) -> Tensor:
    """Give an array as a float32 tensor of its own."""
    return torch.from_numpy(np.array(values, np.float32))
