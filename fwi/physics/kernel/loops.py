"""The compiled time loop of one shot: forward, undone beside its adjoint, with its derivative.

The rows go in blocks of four. A block's increments need p of two more rows on either side, so
the block above is advanced as soon as this one's increments are known: one pass over memory.
"""

from __future__ import annotations

from numba import njit

from fwi.compiled import kept_njit
from fwi.physics.kernel.denormals import FLUSH_BITS, read_control, write_control
from fwi.physics.kernel.simd import REGISTER_BYTES
from fwi.physics.kernel.stencil import (
    ENTRY,
    OPTIONS,
    advance,
    block_of,
    damp,
    update,
    wrap_columns,
    wrap_rows,
)
from fwi.physics.kernel.windows import EPOCH, find_segments, new_segments


@njit(**OPTIONS)
def _advance_block(p, d, back, grid, begin, end, count, block):
    """Advance a block's runs of columns, or take them back."""
    # One way out: with an early return numba counts references to every array at each call.
    for s in range(count[block]):
        advance(p, d, back, grid, block, begin[block, s], end[block, s])
    if count[block] > 0 and (begin[block, 0] == 0 or end[block, count[block] - 1] >= grid.columns):
        wrap_columns(p, grid, block)


@njit(**OPTIONS)
def _sweep(p, d, grid, runs, n, sources):
    """Take one step on the blocks' runs of columns."""
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = block_of(cells, grid)
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                update(p, d, None, None, grid, block, begin[block, s], end[block, s])
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
        if block > top:
            _advance_block(p, d, False, grid, begin, end, count, block - 1)
    if top == 0 or bottom == count.size:
        wrap_rows(p, grid)


@njit(**OPTIONS)
def _sweep_back(p, d, mu, image, undo, runs, n, sources):
    """Undo one step, and add mu a L p to the image."""
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = block_of(cells, undo)
    # Where waves cross from the last row to the first, all of p has to be what it was before.
    crossing = top == 0 or bottom == count.size
    lag = bottom - top if crossing else 1
    for block in range(top, bottom + lag):
        if block < bottom:
            _advance_block(p, d, True, undo, begin, end, count, block)
        if crossing and block == bottom - 1:
            wrap_rows(p, undo)
        done = block - lag
        if done >= top:
            if done == entry:
                for k in range(cells.size):
                    d[cells[k]] -= added[n, k]
            for s in range(count[done]):
                update(p, d, mu, image, undo, done, begin[done, s], end[done, s])


@kept_njit(**ENTRY)
def run_forward(p, d, grid, windows, first, last, sources, stations, record) -> None:
    """Take the steps first to last of one shot.

    Args:
        p: wavefield, flat in the grid's layout; changed in place.
        d: its increment, likewise.
        grid: the map's layout.
        windows: where the wavefield matters.
        first: first step.
        last: step after the last one.
        sources: flat indices of the cells that something is added to, all in one block of rows,
            and what is added, (nt, cells).
        stations: flat indices of the cells to record.
        record: their values after each step, (nt, stations), filled.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    begin, end, count = new_segments(windows)
    top, bottom = 0, 0
    lanes = REGISTER_BYTES // p.itemsize
    for n in range(first, last):
        if n == first or n % EPOCH == 0:
            top, bottom = find_segments(windows, n // EPOCH, lanes, begin, end, count)
        _sweep(p, d, grid, (begin, end, count, top, bottom), n, sources)
        for k in range(stations.size):
            record[n, k] = p[stations[k]]
    write_control(control)


@kept_njit(**ENTRY)
def run_backward(
    fields, adjoints, grid, undo, windows, first, last, sources, residuals, stations, record, image
) -> None:
    """Undo the steps last to first of one shot, with the adjoint field beside them.

    Args:
        fields: p and its increment after the last step; those before the first one afterwards.
        adjoints: mu and its increment, likewise.
        grid: the map's layout.
        undo: the layout with 1 / (1 - k) for 1 - k.
        windows: where the wavefield matters.
        first: first step.
        last: step after the last one.
        sources: those of the forward run.
        residuals: flat indices of the receivers and what the adjoint field gets there.
        stations: flat indices of the cells at which to record mu.
        record: its values, (nt, stations), filled.
        image: sum over the steps of mu a L p, in `grid.a`'s layout; added to.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    p, d = fields
    mu, increment = adjoints
    begin, end, count = new_segments(windows)
    top, bottom = 0, 0
    lanes = REGISTER_BYTES // mu.itemsize
    for n in range(last - 1, first - 1, -1):
        if n == last - 1 or n % EPOCH == EPOCH - 1:
            top, bottom = find_segments(windows, n // EPOCH, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        _sweep(mu, increment, grid, runs, n, residuals)
        for k in range(stations.size):
            record[n, k] = mu[stations[k]]
        _sweep_back(p, d, mu, image, undo, runs, n, sources)
    write_control(control)


@njit(**OPTIONS)
def _sweep_tangent(fields, grid, change, rate, runs, n, sources, tangents):
    """Take one step of a run and of its derivative."""
    p, d, tp, td = fields
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = block_of(cells, grid)
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                lo, hi = begin[block, s], end[block, s]
                update(tp, td, None, None, grid, block, lo, hi)
                update(p, td, None, None, change, block, lo, hi)
                damp(td, d, rate, grid, block, lo, hi)
                update(p, d, None, None, grid, block, lo, hi)
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
                td[cells[k]] += tangents[n, k]
        if block > top:
            _advance_block(p, d, False, grid, begin, end, count, block - 1)
            _advance_block(tp, td, False, grid, begin, end, count, block - 1)
    if top == 0 or bottom == count.size:
        wrap_rows(p, grid)
        wrap_rows(tp, grid)


@kept_njit(**ENTRY)
def run_tangent(fields, grid, change, rate, windows, sources, tangents, stations, record) -> None:
    """Take all the steps of one shot and of its directional derivative.

    Args:
        fields: p, its increment d, and the tangents of both, flat; changed in place.
        grid: the map's layout.
        change: the layout with the tangent of a for a, and no damping.
        rate: relative change of the sponge's velocity.
        windows: where the wavefield matters.
        sources: as in `run_forward`.
        tangents: tangent of what is added, (nt, cells).
        stations: flat indices of the cells to record.
        record: the tangent's values after each step, (nt, stations), filled.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    begin, end, count = new_segments(windows)
    top, bottom = 0, 0
    tp = fields[2]
    lanes = REGISTER_BYTES // tp.itemsize
    for n in range(record.shape[0]):
        if n % EPOCH == 0:
            top, bottom = find_segments(windows, n // EPOCH, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        _sweep_tangent(fields, grid, change, rate, runs, n, sources, tangents)
        for k in range(stations.size):
            record[n, k] = tp[stations[k]]
    write_control(control)
