"""Wavefields of shots at chosen cells, every few steps, in torch operations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.dense.medium import DenseMedium
from fwi.physics.dense.steps import pays_to_compile, prepare, record_steps
from fwi.physics.scheme.maps import squared_courant


@torch.no_grad()
def snapshots(
    velocity: Array,
    geometry: AcquisitionGeometry,
    vmin: float,
    signal: Array,
    cells: Array,
    steps: range,
    out: Tensor,
) -> Tensor:
    """Run a shot from every source, all at once, and keep its field at chosen cells.

    Args:
        velocity: one map (nz, nx), m/s.
        geometry: sources and grid; its wavelet, time axis and receivers are not used.
        vmin: the velocity that the sponge is made for, m/s.
        signal: what is added at the sources (`fwi.physics.kernel.snapshots`), (n,).
        cells: rows and columns in the map, (2, cells), down to -sponge_width in the padding.
        steps: after which of them the field is kept, the first one within their distance.
        out: what is returned, to be filled, (cells, sources, steps), on the device of the run.

    Returns:
        p, (cells, sources, steps).
    """
    g = geometry
    medium = DenseMedium.of_maps(
        squared_courant(velocity[None].astype(np.float64), g), np.array([vmin]), g, out
    )
    grid = medium.a.shape[-2:]
    flat = np.ravel_multi_index(tuple(np.asarray(cells) + g.sponge_width), tuple(grid))
    places = torch.from_numpy(flat).to(out.device)
    run = prepare(record_steps, pays_to_compile(out.device))
    p, d = (out.new_zeros(1, len(g.source_x), *grid) for _ in range(2))
    for i, added in enumerate(_added(velocity, g, signal, steps, grid[1], out)):
        p, d, _ = run(p, d, medium, added)
        out[..., i] = p[0].flatten(1)[:, places].T
    return out


def _added(
    velocity: Array, g: AcquisitionGeometry, signal: Array, steps: range, columns: int, like: Tensor
) -> Tensor:
    """What the sources add to their row between two snapshots, (calls, steps, 1, S, columns).

    The first call begins before the record, at rest, so that all are of one length.
    """
    count = len(steps) * steps.step
    early, shots = steps.step - steps.start - 1, len(g.source_x)
    used = signal[: count - early]
    strength = squared_courant(velocity[g.source_depth_idx, g.source_idx].astype(np.float64), g)
    lines = like.new_zeros(count, 1, shots, columns)
    sources = torch.from_numpy(g.source_idx + g.sponge_width)
    values = torch.from_numpy(np.outer(used, strength)).to(like)
    lines[early : early + len(used), 0, torch.arange(shots), sources] = values
    return lines.unflatten(0, (len(steps), -1))
