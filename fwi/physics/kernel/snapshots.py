"""Wavefields of shots at chosen cells, every few steps."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.loops import run_forward
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.threads import available_threads, workers
from fwi.physics.scheme.maps import squared_courant


def snapshots(
    velocity: Array,
    geometry: AcquisitionGeometry,
    vmin: float,
    signal: Array,
    cells: Array,
    steps: range,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    """Run a shot from every source, and keep its field at chosen cells.

    Args:
        velocity: one map (nz, nx), m/s.
        geometry: sources and grid; its wavelet is not used, and its time axis and receivers say
            which waves matter: those that reach a receiver before the end.
        vmin: the velocity that the sponge is made for, m/s.
        signal: b, what is added at the source in each step in place of dx^2 w, (n,), zero
            afterwards; a source adds a b there, a = (v dt / dx)^2.
        cells: rows and columns in the map, (2, cells), down to -sponge_width in the padding.
        steps: after which of them the field is kept.
        threads: shots at once; by default one for each processor of this process.
        out: what is returned, to be filled: fresh memory takes as long as the runs.

    Returns:
        p, (cells, sources, steps) float32.
    """
    medium = KernelMedium.of_map(velocity.astype(np.float64), geometry, vmin, np.dtype(np.float32))
    flat = medium.grid.flat_index(*(np.asarray(cells) + geometry.sponge_width))
    shape = len(flat), len(geometry.source_x), len(steps)
    fields = np.empty(shape, np.float32) if out is None else out
    with workers(threads or available_threads()) as pool:
        _run_all(pool, medium, signal, flat, steps, fields)
    return fields


def _run_all(
    pool: Executor, medium: KernelMedium, signal: Array, flat: Array, steps: range, fields: Array
) -> None:
    """Run every source's shot, each in one thread."""
    courant = squared_courant(medium.velocity, medium.geometry)
    shots = range(len(medium.geometry.source_x))

    def one(shot: int) -> None:
        added = np.zeros((steps[-1] + 1, 1), np.float32)
        used = min(len(signal), len(added))
        added[:used, 0] = courant[medium.source(shot)] * signal[:used]
        fields[:, shot] = _run(medium, shot, added, flat, steps).T

    list(pool.map(one, shots))


def _run(medium: KernelMedium, shot: int, added: Array, flat: Array, steps: range) -> Array:
    """Run one shot, (steps, cells)."""
    (p, d), cells = medium.fields(2), medium.source_cells(shot)
    record, kept = np.empty_like(added), np.empty((len(steps), len(flat)), np.float32)
    first = 0
    for i, step in enumerate(steps):
        window = medium.windows[shot]
        run_forward(p, d, medium.grid, window, first, step + 1, (cells, added), cells, record)
        np.take(p, flat, out=kept[i])
        first = step + 1
    return kept
