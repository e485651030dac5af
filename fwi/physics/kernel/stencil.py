"""One step of the scheme on a block of rows: the innermost compiled loops.

The wavefield is kept as p and its last increment d = p[n] - p[n-1]:

    d <- (1 - k) d + a L p (+ source),    p <- p + d,

which is the scheme's (2 - k) p[n] - (1 - k) p[n-1] + a L p[n] with less rounding, since the
small increment is never the difference of two large numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fwi.physics.kernel.grid import BLOCK, HALO
from fwi.physics.kernel.simd import (
    REGISTER_BYTES,
    load,
    one_back,
    one_on,
    spread,
    store,
    two_back,
    two_on,
)

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
    "_nrt": False,  # counting references to the arrays for each block takes two fifths of the time
    "forceinline": True,  # calls with so many take a twentieth
}
# What is compiled is kept beside the file of its entry, until that file changes: after an edit of
# another one that it imports, `make clean` or a touch of the entry's.
ENTRY = {**OPTIONS, "_nrt": True, "forceinline": False}
_U = np.uint64  # signed offsets would be guarded against negative ones


@njit(inline="always")
def block_of(cells, grid):
    """The block of rows that cells, all in one of them, lie in."""
    return (cells[0] // grid.stride - HALO) // BLOCK


@njit(inline="always")
def _bracket(before, here, after, above2, above, below, below2, sixteenth, centre):
    """3/4 of the fourth-order Laplacian at one vector of cells."""
    near = one_back(before, here) + one_on(here, after) + (above + below)
    far = two_back(before, here) + two_on(here, after) + (above2 + below2)
    return near - centre * here - sixteenth * far


@njit(inline="always")
def _finish(d, undo, i, keep, change):
    """Store one vector of increments, whose a L p is the change."""
    if undo:
        store(d, i, keep * (load(d, i) - change))
    else:
        store(d, i, keep * load(d, i) + change)


@njit(inline="always")
def _add(image, i, value):
    store(image, i, load(image, i) + value)


@njit(**OPTIONS)
def update(p, d, mu, image, grid, block, begin, end):
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
        undo = mu is not None
        _finish(d, undo, i0 + x, keep - k0 * here, c0)
        _finish(d, undo, i1 + x, keep - k1 * here, c1)
        _finish(d, undo, i2 + x, keep - k2 * here, c2)
        _finish(d, undo, i3 + x, keep - k3 * here, c3)
        if mu is not None:
            m0, m1 = load(mu, i0 + x) * c0, load(mu, i1 + x) * c1
            m2, m3 = load(mu, i2 + x) * c2, load(mu, i3 + x) * c3
            if a0 == a3:  # above and below the map all rows replicate one
                _add(image, a0 + y, (m0 + m1) + (m2 + m3))
            else:
                _add(image, a0 + y, m0)
                _add(image, a1 + y, m1)
                _add(image, a2 + y, m2)
                _add(image, a3 + y, m3)
        b0, b1, b2, b3, p0, p1, p2, p3, x = p0, p1, p2, p3, n0, n1, n2, n3, y


@njit(**OPTIONS)
def advance(p, d, back, grid, block, begin, end):
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


@njit(**OPTIONS)
def wrap_columns(p, grid, block):
    """Copy the two columns at either edge of a block's rows beyond the opposite edge."""
    for z in range(BLOCK * block + HALO, BLOCK * (block + 1) + HALO):
        left = z * grid.stride + REGISTER_BYTES // p.itemsize
        right = left + grid.columns
        p[left - 2], p[left - 1] = p[right - 2], p[right - 1]
        p[right], p[right + 1] = p[left], p[left + 1]


@njit(**OPTIONS)
def wrap_rows(p, grid):
    """Copy the two rows at either edge beyond the opposite edge."""
    size, bottom = HALO * grid.stride, grid.rows * grid.stride
    for i in range(size):
        p[i] = p[bottom + i]
        p[bottom + size + i] = p[size + i]


@njit(**OPTIONS)
def damp(tangent, d, rate, grid, block, begin, end):
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
