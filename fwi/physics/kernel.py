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
from fwi.physics.windows import EPOCH, MOST_SEGMENTS, find_segments

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


@njit(**_OPTIONS)
def _update(p, d, saved, grid, block, begin, end):
    """Find the increments of a block's four rows, columns begin to end; save a L p where asked."""
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
        store(d, i0 + x, (keep - k0 * here) * load(d, i0 + x) + c0)
        store(d, i1 + x, (keep - k1 * here) * load(d, i1 + x) + c1)
        store(d, i2 + x, (keep - k2 * here) * load(d, i2 + x) + c2)
        store(d, i3 + x, (keep - k3 * here) * load(d, i3 + x) + c3)
        if saved is not None:
            store(saved, i0 + x, c0)
            store(saved, i1 + x, c1)
            store(saved, i2 + x, c2)
            store(saved, i3 + x, c3)
        b0, b1, b2, b3, p0, p1, p2, p3, x = p0, p1, p2, p3, n0, n1, n2, n3, y


@njit(inline="always")
def _advance_row(p, d, saved, image, i, j):
    """Advance a vector of cells i; add its product with what was saved to the image at j."""
    value = load(p, i) + load(d, i)
    store(p, i, value)
    if saved is not None and image is not None:
        store(image, j, load(image, j) + value * load(saved, i))


@njit(**_OPTIONS)
def _advance(p, d, saved, image, grid, block, begin, end):
    """Advance a block's rows; where asked, add their product with what was saved to the image."""
    lanes, s, row_a = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride), grid.row_a
    z = _U(BLOCK) * _U(block)
    j0, j1 = row_a[z] + lanes, row_a[z + _U(1)] + lanes
    j2, j3 = row_a[z + _U(2)] + lanes, row_a[z + _U(3)] + lanes
    i0 = (z + _U(HALO)) * s + lanes
    i1, i2, i3, x = i0 + s, i0 + _U(2) * s, i0 + _U(3) * s, begin
    while x < end:
        _advance_row(p, d, saved, image, i0 + x, j0 + x)
        _advance_row(p, d, saved, image, i1 + x, j1 + x)
        _advance_row(p, d, saved, image, i2 + x, j2 + x)
        _advance_row(p, d, saved, image, i3 + x, j3 + x)
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
def _sweep(p, d, saved, image, grid, runs, entry, cells, added):
    """Take one step on the blocks' runs of columns."""
    begin, end, count, top, bottom = runs
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                # Only the forward run saves; the one that makes an image reads.
                if image is None:
                    _update(p, d, saved, grid, block, begin[block, s], end[block, s])
                else:
                    _update(p, d, None, grid, block, begin[block, s], end[block, s])
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[k]
        above = block - 1
        if above >= top and count[above] > 0:
            for s in range(count[above]):
                _advance(p, d, saved, image, grid, above, begin[above, s], end[above, s])
            if begin[above, 0] == 0 or end[above, count[above] - 1] >= _U(grid.columns):
                _wrap_columns(p, grid, above)
    if top == 0 or bottom == count.size:
        _wrap_rows(p, grid)


@njit(**_ENTRY)
def run_steps(p, d, grid, on, off, first, last, backward, shot, buffer, image) -> None:
    """Take the steps first to last, in either order, of one shot.

    Args:
        p: wavefield, flat in the grid's layout; changed in place.
        d: its increment, likewise.
        grid: the map's layout.
        on: first step of every tile (fwi.physics.windows).
        off: step after the last one.
        first: first step.
        last: step after the last one.
        backward: whether to take the last one first.
        shot: flat indices of the cells that something is added to, all in one block of rows;
            what is added, (nt, cells); flat indices of the cells to record; their values after
            each step, (nt, stations), filled.
        buffer: None, or (steps, cells of a field): each step's a L p, saved, or read where there
            is an image.
        image: None, or the sum over the steps of p times what was saved, in `grid.a`'s layout.
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    blocks, lanes = on.shape[0], REGISTER_BYTES // p.itemsize
    begin = np.empty((blocks, MOST_SEGMENTS), np.uint64)
    end, count = np.empty_like(begin), np.zeros(blocks, np.int64)
    cells, added, stations, record = shot
    entry, epoch, top, bottom = (cells[0] // grid.stride - HALO) // BLOCK, -1, 0, 0
    for i in range(last - first):
        n = last - 1 - i if backward else first + i
        if n // EPOCH != epoch:
            epoch = n // EPOCH
            top, bottom = find_segments(on, off, EPOCH * epoch, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        if buffer is None:
            _sweep(p, d, None, image, grid, runs, entry, cells, added[n])
        else:
            _sweep(p, d, buffer[n - first], image, grid, runs, entry, cells, added[n])
        for k in range(stations.size):
            record[n, k] = p[stations[k]]
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
def _sweep_tangent(p, d, tp, td, grid, change, rate, runs, entry, cells, added, tangent_added):
    """Take one step of a run and of its derivative."""
    begin, end, count, top, bottom = runs
    for block in range(top, bottom + 1):
        if block < bottom:
            for s in range(count[block]):
                lo, hi = begin[block, s], end[block, s]
                _update(tp, td, None, grid, block, lo, hi)
                _update(p, td, None, change, block, lo, hi)
                _damp(td, d, rate, grid, block, lo, hi)
                _update(p, d, None, grid, block, lo, hi)
        if block == entry:
            for k in range(cells.size):
                d[cells[k]] += added[k]
                td[cells[k]] += tangent_added[k]
        above = block - 1
        if above >= top and count[above] > 0:
            for s in range(count[above]):
                lo, hi = begin[above, s], end[above, s]
                _advance(p, d, None, None, grid, above, lo, hi)
                _advance(tp, td, None, None, grid, above, lo, hi)
            if begin[above, 0] == 0 or end[above, count[above] - 1] >= _U(grid.columns):
                _wrap_columns(p, grid, above)
                _wrap_columns(tp, grid, above)
    if top == 0 or bottom == count.size:
        _wrap_rows(p, grid)
        _wrap_rows(tp, grid)


@njit(**_ENTRY)
def run_tangent(fields, grid, change, rate, on, off, shot, tangent_added) -> None:
    """Take all the steps of one shot and of its directional derivative.

    Args:
        fields: p, its increment d, and the tangents of both, flat; changed in place.
        grid: the map's layout.
        change: the layout with the tangent of a for a, and no damping.
        rate: relative change of the sponge's velocity.
        on: first step of every tile (fwi.physics.windows).
        off: step after the last one.
        shot: as in `run_steps`; the record is that of the tangent.
        tangent_added: tangent of what is added, (nt, cells).
    """
    p, d, tp, td = fields
    cells, added, stations, record = shot
    control = read_control()
    write_control(control | FLUSH_BITS)
    blocks, lanes = on.shape[0], REGISTER_BYTES // p.itemsize
    begin = np.empty((blocks, MOST_SEGMENTS), np.uint64)
    end, count = np.empty_like(begin), np.zeros(blocks, np.int64)
    entry, top, bottom = (cells[0] // grid.stride - HALO) // BLOCK, 0, 0
    for n in range(record.shape[0]):
        if n % EPOCH == 0:
            top, bottom = find_segments(on, off, n, lanes, begin, end, count)
        runs = begin, end, count, top, bottom
        _sweep_tangent(
            p, d, tp, td, grid, change, rate, runs, entry, cells, added[n], tangent_added[n]
        )
        for k in range(stations.size):
            record[n, k] = tp[stations[k]]
    write_control(control)
