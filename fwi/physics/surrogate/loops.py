"""The compiled time loops of the surrogate: forward, its adjoint, and with its derivative.

Every cell's increments obey d[n+1] - d[n] = v^2 (...), the source's included. Along a change dv of
the map their tangent td therefore obeys, with r = 2 dv / v and the tangents in (...),

    td[n+1] - td[n] = v^2 (...) + r (d[n+1] - d[n]),

so that e = td - r d takes the scheme's own steps, without a source. Only the advance differs,
tp <- tp + e + r d.
"""

# numba infers what its functions take.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from fwi.compiled import kept_njit
from fwi.physics.kernel.denormals import FLUSH_BITS, read_control, write_control
from fwi.physics.kernel.grid import BLOCK, HALO
from fwi.physics.kernel.simd import REGISTER_BYTES, load, store
from fwi.physics.kernel.stencil import ENTRY, OPTIONS, block_of, update
from fwi.physics.kernel.windows import EPOCH, find_segments, new_segments
from fwi.physics.surrogate.layers import absorb

_U = np.uint64  # signed offsets would be guarded against negative ones


@njit(**OPTIONS)
def _advance(p, d, grid, history, first, image, block, begin, end):
    """Add a block's increments; write them down, or add their product with those to the image."""
    lanes, s = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride)
    z = _U(BLOCK) * _U(block)
    for row in range(BLOCK):
        y = z + _U(row)
        i, j, x = (y + _U(HALO)) * s + lanes, grid.row_a[y] + lanes, begin
        while x < end:
            change = load(d, i + x)
            store(p, i + x, load(p, i + x) + change)
            if image is not None:
                product = load(history, first + i + x) * change
                store(image, j + x, load(image, j + x) + product)
            elif history.size > 0:
                store(history, first + i + x, change)
            x += lanes


@njit(**OPTIONS)
def _sweep(p, d, memory, grid, layer, runs, n, sources, history, first, image):
    """Take one step, forward or, given an image, of the adjoint field."""
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = block_of(cells, grid)
    for block in range(top, bottom + 1):
        if block < bottom:
            absorb(image, p, d, memory, grid, layer, runs, block)
            for s in range(count[block]):
                update(p, d, None, None, grid, block, begin[block, s], end[block, s])
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
        if block > top:
            for s in range(count[block - 1]):
                lo, hi = begin[block - 1, s], end[block - 1, s]
                _advance(p, d, grid, history, first, image, block - 1, lo, hi)


@kept_njit(**ENTRY)
def run_steps(
    p, d, memory, grid, layer, windows, first, last, sources, stations, record, history, image
) -> None:
    """Take the steps first to last of one shot, or those of its adjoint from last to first.

    Args:
        p: wavefield, flat in the grid's layout; changed in place. Or the adjoint's u.
        d: its increment, likewise. Or the adjoint's e.
        memory: psi and zeta along x, psi and zeta along z, likewise. Or the adjoint's X and Z.
        grid: the map's layout.
        layer: the absorbing layers.
        windows: where the wavefield matters.
        first: first step.
        last: step after the last one.
        sources: flat indices of the cells that something is added to, all in one block of rows,
            and what is added, (nt, cells).
        stations: flat indices of the cells to record.
        record: their values after each step, (nt, stations), filled.
        history: the increments of each step, flat: filled if it has any room, and read by the
            adjoint.
        image: None, or for the adjoint the sum over the steps of d e, in `grid.a`'s layout; added
            to.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    begin, end, count = new_segments(windows)
    top, bottom, epoch = 0, 0, -1
    lanes, size = REGISTER_BYTES // p.itemsize, _U(p.size)
    for k in range(last - first):
        n = first + k if image is None else last - 1 - k
        if n // EPOCH != epoch:
            epoch = n // EPOCH
            top, bottom = find_segments(windows, epoch, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        _sweep(p, d, memory, grid, layer, runs, n, sources, history, _U(n - first) * size, image)
        for r in range(stations.size):
            record[n, r] = p[stations[r]]
    write_control(control)


@njit(**OPTIONS)
def _advance_tangent(p, d, tp, e, ratio, grid, block, begin, end):
    """Add a block's increments, and their tangent, e and the ratio times them."""
    lanes, s = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride)
    z = _U(BLOCK) * _U(block)
    for row in range(BLOCK):
        y = z + _U(row)
        i, j, x = (y + _U(HALO)) * s + lanes, grid.row_a[y] + lanes, begin
        while x < end:
            change = load(d, i + x)
            store(p, i + x, load(p, i + x) + change)
            of_change = load(e, i + x) + load(ratio, j + x) * change
            store(tp, i + x, load(tp, i + x) + of_change)
            x += lanes


@njit(**OPTIONS)
def _sweep_tangent(fields, tangents, grid, layer, ratio, runs, n, sources):
    """Take one step of a run and of its derivative."""
    p, d, memory = fields
    tp, e, of_memory = tangents
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = block_of(cells, grid)
    for block in range(top, bottom + 1):
        if block < bottom:
            absorb(None, p, d, memory, grid, layer, runs, block)
            absorb(None, tp, e, of_memory, grid, layer, runs, block)
            for s in range(count[block]):
                update(p, d, None, None, grid, block, begin[block, s], end[block, s])
                update(tp, e, None, None, grid, block, begin[block, s], end[block, s])
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
        if block > top:
            for s in range(count[block - 1]):
                lo, hi = begin[block - 1, s], end[block - 1, s]
                _advance_tangent(p, d, tp, e, ratio, grid, block - 1, lo, hi)


@kept_njit(**ENTRY)
def run_tangent(fields, tangents, grid, layer, ratio, windows, sources, stations, record) -> None:
    """Take all the steps of one shot and of its directional derivative.

    Args:
        fields: p, its increment d, and the layers' memory, flat; changed in place.
        tangents: tp, e, and the memory of tp, likewise.
        grid: the map's layout.
        layer: the absorbing layers.
        ratio: 2 dv / v, in `grid.a`'s layout.
        windows: where the wavefield matters.
        sources: as in `run_steps`.
        stations: flat indices of the cells to record.
        record: the tangent's values after each step, (nt, stations), filled.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    begin, end, count = new_segments(windows)
    top, bottom = 0, 0
    tp = tangents[0]
    lanes = REGISTER_BYTES // tp.itemsize
    for n in range(record.shape[0]):
        if n % EPOCH == 0:
            top, bottom = find_segments(windows, n // EPOCH, lanes, begin, end, count)
        _sweep_tangent(
            fields, tangents, grid, layer, ratio, (begin, end, count, top, bottom), n, sources
        )
        for k in range(stations.size):
            record[n, k] = tp[stations[k]]
    write_control(control)
