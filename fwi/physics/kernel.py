"""The compiled time loop of one shot: the exact scheme of docs/physics.md.

The wavefield is kept as p and its last increment d = p[n] - p[n-1]:

    d <- (1 - k) d + a L p (+ source),    p <- p + d,

which is the scheme's (2 - k) p[n] - (1 - k) p[n-1] + a L p[n] with less rounding, since the
small increment is never the difference of two large numbers.

The rows go in blocks of four. A block's increments need p of two more rows on either side, so
the block above is advanced as soon as this one's increments are known: one pass over memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from fwi.physics.denormals import FLUSH_BITS, read_control, write_control
from fwi.physics.grid import BLOCK, HALO
from fwi.physics.simd import REGISTER_BYTES, load, one_back, one_on, spread, store, two_back, two_on
from fwi.physics.windows import EPOCH, find_segments, new_segments

Array = npt.NDArray[Any]

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
    "forceinline": True,  # a call with a dozen arrays costs as much as a short run of columns
}
_ENTRY = {**_OPTIONS, "forceinline": False, "cache": True}
_U = np.uint64  # signed offsets would be guarded against negative ones


@njit(inline="always")
def _bracket(before, here, after, above2, above, below, below2, sixteenth, centre):
    """3/4 of the fourth-order Laplacian at one vector of cells."""
    near = one_back(before, here) + one_on(here, after) + (above + below)
    far = two_back(before, here) + two_on(here, after) + (above2 + below2)
    return near - centre * here - sixteenth * far


@njit(inline="always")
def _finish(d, mu, image, i, j, keep, change):
    """Store one vector of increments, whose a L p is the change; j is its place in the image."""
    if mu is None:
        store(d, i, keep * load(d, i) + change)
    else:
        store(d, i, keep * (load(d, i) - change))
        store(image, j, load(image, j) + load(mu, i) * change)


@njit(**_OPTIONS)
def _update(p, d, mu, image, grid, block, begin, end):
    """Find the increments of a block's four rows, columns begin to end.

    With an adjoint field mu go the other way, given a grid of 1 / (1 - k): find what the
    increments were a step before, and add mu a L p to the image.
    """
    number = p.dtype.type
    lanes, s = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride)
    a, row_a, damped_x, inside = grid.a, grid.row_a, grid.damped_x, grid.inside
    sixteenth, centre = spread(number(1 / 16)), spread(number(3.75))
    z = _U(BLOCK) * _U(block)
    k0, k1 = spread(grid.damped_z[z]), spread(grid.damped_z[z + _U(1)])
    k2, k3 = spread(grid.damped_z[z + _U(2)]), spread(grid.damped_z[z + _U(3)])
    a0, a1, a2, a3 = row_a[z], row_a[z + _U(1)], row_a[z + _U(2)], row_a[z + _U(3)]
    i0 = (z + _U(HALO)) * s + lanes
    i1, i2, i3, x = i0 + s, i0 + _U(2) * s, i0 + _U(3) * s, begin
    b0, b1 = load(p, i0 + x - lanes), load(p, i1 + x - lanes)
    b2, b3 = load(p, i2 + x - lanes), load(p, i3 + x - lanes)
    p0, p1, p2, p3 = load(p, i0 + x), load(p, i1 + x), load(p, i2 + x), load(p, i3 + x)
    while x < end:
        y = x + lanes
        n0, n1, n2, n3 = load(p, i0 + y), load(p, i1 + y), load(p, i2 + y), load(p, i3 + y)
        u2, u1 = load(p, i0 - _U(2) * s + x), load(p, i0 - s + x)
        e1, e2 = load(p, i3 + s + x), load(p, i3 + _U(2) * s + x)
        c0 = load(a, a0 + y) * _bracket(b0, p0, n0, u2, u1, p1, p2, sixteenth, centre)
        c1 = load(a, a1 + y) * _bracket(b1, p1, n1, u1, p0, p2, p3, sixteenth, centre)
        c2 = load(a, a2 + y) * _bracket(b2, p2, n2, p0, p1, p3, e1, sixteenth, centre)
        c3 = load(a, a3 + y) * _bracket(b3, p3, n3, p1, p2, e1, e2, sixteenth, centre)
        keep, here = load(damped_x, y), load(inside, y)
        _finish(d, mu, image, i0 + x, a0 + y, keep - k0 * here, c0)
        _finish(d, mu, image, i1 + x, a1 + y, keep - k1 * here, c1)
        _finish(d, mu, image, i2 + x, a2 + y, keep - k2 * here, c2)
        _finish(d, mu, image, i3 + x, a3 + y, keep - k3 * here, c3)
        b0, b1, b2, b3, p0, p1, p2, p3, x = p0, p1, p2, p3, n0, n1, n2, n3, y


@njit(**_OPTIONS)
def _advance(p, d, back, grid, block, begin, end):
    """Add a block's increments, or take them back."""
    lanes, s = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride)
    i0 = (_U(BLOCK) * _U(block) + _U(HALO)) * s + lanes
    i1, i2, i3, x = i0 + s, i0 + _U(2) * s, i0 + _U(3) * s, begin
    sign = spread(p.dtype.type(-1 if back else 1))
    while x < end:
        store(p, i0 + x, load(p, i0 + x) + sign * load(d, i0 + x))
        store(p, i1 + x, load(p, i1 + x) + sign * load(d, i1 + x))
        store(p, i2 + x, load(p, i2 + x) + sign * load(d, i2 + x))
        store(p, i3 + x, load(p, i3 + x) + sign * load(d, i3 + x))
        x += lanes


@njit(**_OPTIONS)
def _wrap_columns(p, grid, block):
    """Copy the two columns at either edge of a block's rows beyond the opposite edge."""
    for z in range(BLOCK * block + HALO, BLOCK * (block + 1) + HALO):
        left = z * grid.stride + REGISTER_BYTES // p.itemsize
        right = left + grid.columns
        p[left - 2], p[left - 1] = p[right - 2], p[right - 1]
        p[right], p[right + 1] = p[left], p[left + 1]


@njit(**_OPTIONS)
def _wrap_rows(p, grid):
    """Copy the two rows at either edge beyond the opposite edge."""
    size, bottom = HALO * grid.stride, grid.rows * grid.stride
    p[:size] = p[bottom : bottom + size]
    p[bottom + size : bottom + 2 * size] = p[size : 2 * size]


@njit(**_OPTIONS)
def _advance_block(p, d, back, grid, runs, block):
    """Advance a block's runs of columns, or take them back."""
    begin, end, count, _, _ = runs
    if count[block] == 0:
        return
    for s in range(count[block]):
        _advance(p, d, back, grid, block, begin[block, s], end[block, s])
    if begin[block, 0] == 0 or end[block, count[block] - 1] >= _U(grid.columns):
        _wrap_columns(p, grid, block)


@njit(**_OPTIONS)
def _sweep(p, d, grid, runs, n, sources):
    """Take one step on the blocks' runs of columns."""
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = (cells[0] // grid.stride - HALO) // BLOCK
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                _update(p, d, None, None, grid, block, begin[block, s], end[block, s])
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
        if block > top:
            _advance_block(p, d, False, grid, runs, block - 1)
    if top == 0 or bottom == count.size:
        _wrap_rows(p, grid)


@njit(**_OPTIONS)
def _sweep_back(p, d, mu, image, grid, runs, n, sources):
    """Undo one step, and add mu a L p to the image."""
    begin, end, count, top, bottom = runs
    cells, added = sources
    crossing = top == 0 or bottom == count.size
    lag = bottom - top if crossing else 1  # rows that cross an edge have to be there before
    entry = (cells[0] // grid.stride - HALO) // BLOCK
    for block in range(top, bottom + lag):
        if block < bottom:
            _advance_block(p, d, True, grid, runs, block)
        if crossing and block == bottom - 1:
            _wrap_rows(p, grid)
        done = block - lag
        if done >= top:
            if done == entry:
                for k in range(cells.size):
                    d[cells[k]] -= added[n, k]
            for s in range(count[done]):
                _update(p, d, mu, image, grid, done, begin[done, s], end[done, s])


@njit(**_ENTRY)
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


@njit(**_ENTRY)
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
    lanes = REGISTER_BYTES // p.itemsize
    for n in range(last - 1, first - 1, -1):
        if n == last - 1 or n % EPOCH == EPOCH - 1:
            top, bottom = find_segments(windows, n // EPOCH, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        _sweep(mu, increment, grid, runs, n, residuals)
        for k in range(stations.size):
            record[n, k] = mu[stations[k]]
        _sweep_back(p, d, mu, image, undo, runs, n, sources)
    write_control(control)


@njit(**_OPTIONS)
def _damp(tangent, d, rate, grid, block, begin, end):
    """Add -rate k d to a tangent's increments: what more damping takes away."""
    lanes = _U(REGISTER_BYTES // d.itemsize)
    one, rates = spread(d.dtype.type(1)), spread(d.dtype.type(rate))
    for z in range(_U(BLOCK) * _U(block), _U(BLOCK) * _U(block + 1)):
        base, k = (z + _U(HALO)) * _U(grid.stride) + lanes, spread(grid.damped_z[z])
        x = begin
        while x < end:
            keep = load(grid.damped_x, x + lanes) - k * load(grid.inside, x + lanes)
            less = rates * (one - keep) * load(d, base + x)
            store(tangent, base + x, load(tangent, base + x) - less)
            x += lanes


@njit(**_OPTIONS)
def _sweep_tangent(fields, grid, change, rate, runs, n, sources, tangents):
    """Take one step of a run and of its derivative."""
    p, d, tp, td = fields
    begin, end, count, top, bottom = runs
    cells, added = sources
    entry = (cells[0] // grid.stride - HALO) // BLOCK
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                lo, hi = begin[block, s], end[block, s]
                _update(tp, td, None, None, grid, block, lo, hi)
                _update(p, td, None, None, change, block, lo, hi)
                _damp(td, d, rate, grid, block, lo, hi)
                _update(p, d, None, None, grid, block, lo, hi)
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[n, k]
                td[cells[k]] += tangents[n, k]
        if block > top:
            _advance_block(p, d, False, grid, runs, block - 1)
            _advance_block(tp, td, False, grid, runs, block - 1)
    if top == 0 or bottom == count.size:
        _wrap_rows(p, grid)
        _wrap_rows(tp, grid)


@njit(**_ENTRY)
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
