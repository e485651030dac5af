"""Wavefields at chosen cells: compiled loops against torch operations on the whole grid."""

import numpy as np
import torch

from fwi.geometry import AcquisitionGeometry
from fwi.physics.dense import snapshots as dense
from fwi.physics.kernel.snapshots import snapshots
from fwi.physics.scheme.wavelet import ricker

GEOMETRY = AcquisitionGeometry(
    nz=20, nx=24, nt=300, sponge_width=40, source_x=(0.0, 70.0, 230.0),
    receiver_x=tuple(np.arange(0.0, 240.0, 10.0)),
)  # fmt: skip


def test_two_engines_keep_the_same_fields() -> None:
    rng, g = np.random.default_rng(0), GEOMETRY
    velocity = rng.uniform(1600, 4000, (g.nz, g.nx))
    cells = np.stack([rng.integers(-30, g.nz + 30, 200), rng.integers(-30, g.nx + 30, 200)])
    steps, signal = range(3, g.nt, 7), ricker(20.0, g.dt)
    how = g, 1600.0, signal, cells, steps
    kernel = snapshots(velocity, *how)
    whole = dense.snapshots(velocity, *how, torch.empty(kernel.shape)).numpy()
    # The kernel stops where no wave reaches a receiver before the record ends.
    away = np.hypot(
        cells[0] - g.receiver_depth_idx, (cells[1] - cells[1].clip(0, g.nx - 1))
    )[:, None]  # fmt: skip
    matters = away * g.dx / 4000 < (g.nt - np.array(steps)) * g.dt
    assert matters.mean() > 0.5
    off = np.abs(kernel - whole).max(1)[matters]
    # Rounding to float32 of some hundred steps, of fields a hundred times that in the mean.
    most = 1e-5 * np.abs(whole).max()
    assert np.abs(whole).max(1)[matters].mean() > 100 * most
    assert off.max() < most
