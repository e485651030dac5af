"""A map laid out for the compiled kernel, and where its sources and receivers stand in it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.grid import Grid, aligned_zeros, make_grid, sum_flat_rows
from fwi.physics.kernel.windows import Windows, find_windows
from fwi.physics.scheme.maps import gradient_of_image, squared_courant
from fwi.physics.scheme.wavelet import source_signal

_SCRATCH = threading.local()


@dataclass(frozen=True)
class KernelMedium:
    """A map, laid out for the kernel.

    Attributes:
        velocity: (nz, nx) float64, m/s.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that the sponge is made for, m/s.
        grid: the map's layout; its dtype is that of the runs.
        windows: where each shot's wavefield matters.
    """

    velocity: Array
    geometry: AcquisitionGeometry
    vmin: float
    grid: Grid
    windows: list[Windows]

    @classmethod
    def of_map(
        cls, velocity: Array, geometry: AcquisitionGeometry, vmin: float, dtype: Any
    ) -> KernelMedium:
        """Lay out a map and find its windows."""
        grid = make_grid(velocity, geometry, vmin, dtype)
        return cls(velocity, geometry, vmin, grid, find_windows(velocity, geometry, grid))

    def source(self, shot: int) -> tuple[int, int]:
        """Row and column of a source in the map."""
        return self.geometry.source_depth_idx, int(self.geometry.source_idx[shot])

    def source_cells(self, shot: int) -> Array:
        """Flat index of a source, (1,)."""
        width, (z, x) = self.geometry.sponge_width, self.source(shot)
        return np.array([self.grid.flat_index(z + width, x + width)])

    def receiver_cells(self) -> Array:
        """Flat indices of the receivers."""
        g = self.geometry
        return self.grid.flat_index(
            g.receiver_depth_idx + g.sponge_width, g.receiver_idx + g.sponge_width
        )

    def wavelet(self) -> Array:
        """The source's signal, with zeros to the record's end, (nt, 1)."""
        return source_signal(self.geometry)[:, None]

    def sources(self, shot: int) -> tuple[Array, Array]:
        """What the kernel adds where: flat index of the source, and (v dt)^2 w, (nt, 1)."""
        strength = (self.velocity[self.source(shot)] * self.geometry.dt) ** 2
        return self.source_cells(shot), (self.wavelet() * strength).astype(self.grid.a.dtype)

    def adjoint_sources(self, residual: Array) -> tuple[Array, Array]:
        """What an adjoint run adds where: flat indices of the receivers, and a residual.

        Args:
            residual: the misfit's gradient with respect to a shot's gather, (nt, receivers).
        """
        g = self.geometry
        at_receivers = squared_courant(self.velocity[g.receiver_depth_idx, g.receiver_idx], g)
        return self.receiver_cells(), (residual * at_receivers).astype(self.grid.a.dtype, order="C")

    def gradient(self, image: Array) -> Array:
        """Gradient of an image in the layout of `Grid.a`, (nz, nx) float64."""
        g = self.geometry
        of_map = sum_flat_rows(image, self.grid, g.nz, g.sponge_width)
        return gradient_of_image(of_map, self.velocity, g)

    def fields(self, count: int) -> tuple[Array, ...]:
        """Wavefields at rest: this thread's own, until it asks again.

        Fresh memory costs a tenth of a shot, since the system clears and maps every page of it.
        """
        key = self.grid.size, self.grid.a.dtype
        kept = _SCRATCH.__dict__.get("fields", {})
        if key not in kept or len(kept[key]) < count:
            kept = {key: tuple(aligned_zeros(*key) for _ in range(count))}
            _SCRATCH.fields = kept
        for field in kept[key][:count]:
            field[:] = 0
        return kept[key][:count]
