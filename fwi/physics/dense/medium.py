"""Maps on the padded grid, as the time steps in torch operations read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.padding import replicate, sum_replicas
from fwi.physics.scheme.sponge import step_damping


class DenseMedium(NamedTuple):
    """A batch of maps on the padded grid, or a change of them.

    Attributes:
        a: 4/3 (v dt / dx)^2, (B, 1, rows, columns). 4/3 is the stencil's largest weight, taken
            out of it.
        k: damping of a step, (B, 1, rows, columns).
        source: row of the sources.
        receiver: row of the receivers.
    """

    a: Tensor
    k: Tensor
    source: int
    receiver: int

    @classmethod
    def of_maps(
        cls, courant2: Array, vmin: Array, geometry: AcquisitionGeometry, like: Tensor
    ) -> DenseMedium:
        """Lay out maps, or a change of them.

        Args:
            courant2: (v dt / dx)^2 of the maps, (B, nz, nx) float64.
            vmin: the velocity that each map's sponge is made for, (B,) float64, m/s.
            geometry: grid, time step, sources and receivers.
            like: a tensor of the dtype and on the device of the run.
        """
        g, width = geometry, geometry.sponge_width
        by_row, by_column = step_damping(1.0, g)
        k = np.tile(by_column, (len(by_row), 1))
        k[:, width:-width] = by_row[:, None]
        a = replicate(replicate(4 / 3 * courant2, width, axis=1), width, axis=2)
        return cls(
            torch.from_numpy(a[:, None]).to(like),
            torch.from_numpy(vmin[:, None, None, None] * k).to(like),
            g.source_depth_idx + width,
            g.receiver_depth_idx + width,
        )


def image_of_maps(image: Tensor, width: int) -> Array:
    """Transpose of replicating: sum an image (B, 1, rows, columns) to (B, nz, nx) float64."""
    padded = image[:, 0].cpu().double().numpy()
    return sum_replicas(sum_replicas(padded, width, axis=1), width, axis=2)
