"""Maps on the padded grid, as the time steps in torch operations read them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.sponge import damping


class Medium(NamedTuple):
    """A batch of maps on the padded grid.

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


def lay_out(a: Tensor, vmin: Tensor, geometry: AcquisitionGeometry, like: Tensor) -> Medium:
    """Lay out maps, or a change of them.

    Args:
        a: 4/3 (v dt / dx)^2 of the maps, (B, nz, nx) float64.
        vmin: the velocity that each map's sponge is made for, (B,) float64, m/s.
        geometry: grid, time step, sources and receivers.
        like: a tensor of the dtype and on the device of the run.
    """
    g, width = geometry, geometry.sponge_width
    strip = torch.from_numpy(damping(1.0, g.dx, width) * g.dt)
    inward = strip.flip(0)
    k = torch.zeros(g.nz + 2 * width, g.nx + 2 * width, dtype=torch.float64)
    k[:width], k[width + g.nz :] = inward[:, None], strip[:, None]
    k[:, :width], k[:, width + g.nx :] = inward, strip
    return Medium(
        replicate(a, width).to(like),
        (vmin[:, None, None, None] * k).to(like),
        g.source_depth_idx + width,
        g.receiver_depth_idx + width,
    )


def replicate(values: Tensor, width: int) -> Tensor:
    """Repeat the edge of maps (B, nz, nx) outward: (B, 1, nz + 2 width, nx + 2 width)."""
    rows, columns = (_replicated(n, width) for n in values.shape[1:])
    return values[:, None, rows[:, None], columns]


def fold(values: Tensor, width: int) -> Tensor:
    """Transpose of `replicate`: add what replicating cells hold to the cell they replicate."""
    batch, _, *padded = values.shape
    nz, nx = (n - 2 * width for n in padded)
    rows = values.new_zeros(batch, nz, padded[1])
    rows.index_add_(1, _replicated(nz, width), values[:, 0])
    return values.new_zeros(batch, nz, nx).index_add_(2, _replicated(nx, width), rows)


def _replicated(size: int, width: int) -> Tensor:
    return torch.arange(-width, size + width).clamp(0, size - 1)
