"""What the absorbing layers around the map add to a block's increments, and its transpose.

In each direction x and z, with central differences D1 and D2 of fourth order in units of a cell,

    psi  <- b psi + c D1 p,
    zeta <- b zeta + c (D2 p + D1 psi),
    d    <- d + a (D2 p + D1 psi + zeta) (+ source),    p <- p + d.

Where c = 0, in the map, psi and zeta vanish and the exact scheme is left, so the layers are a
correction of the strips around it. The adjoint field u = a D and its increment e = a P obey the
transpose, with Z = c zeta and X = c psi for the adjoint memory:

    Z <- b Z + c u,    X <- b X - c D1 (u + Z),
    e <- e + a (D2 (u + Z) - D1 X) (+ residual),    u <- u + e.

What the layers add does not touch p, so a strip is done at once, before its rows are updated.

Source: Pasalic and McGarry, SEG Expanded Abstracts (2010), for the layers; the transpose is ours.
"""

# numba infers what its functions take.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fwi.arrays import Array
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
from fwi.physics.kernel.stencil import OPTIONS

_CHUNK = 4  # blocks whose layers beside the map are done at once: both fit the nearest cache
_U = np.uint64  # signed offsets would be guarded against negative ones


class Layer(NamedTuple):
    """The absorbing layers around a map, as the kernel reads them.

    Attributes:
        b_x: decay b of a step by column, in the layout of a grid's row.
        c_x: gain c, likewise, 0 in the map's columns.
        b_z: b by grid row, (rows,).
        c_z: c, likewise.
        left: column after the whole vectors that the left layer and its neighbours lie in.
        right: first column of those on the right.
        top: row after the upper layer and its neighbours.
        bottom: first row of the lower ones.
    """

    b_x: Array
    c_x: Array
    b_z: Array
    c_z: Array
    left: np.uint64
    right: np.uint64
    top: np.uint64
    bottom: np.uint64


@njit(inline="always")
def _slope(weights, less2, less, _here, more, more2):
    """D1 from a cell's four neighbours."""
    return weights[0] * (more - less) - weights[2] * (more2 - less2)


@njit(inline="always")
def _bend(weights, less2, less, here, more, more2):
    """D2 from a cell and its four neighbours."""
    return weights[1] * (less + more) - weights[2] * (less2 + more2) - weights[3] * here


@njit(inline="always")
def _along(derivative, weights, before, here, after):
    """A derivative along a row, from a vector and its two neighbours."""
    less, more = one_back(before, here), one_on(here, after)
    return derivative(weights, two_back(before, here), less, here, more, two_on(here, after))


@njit(inline="always")
def _weights(number):
    """The weights of D1 and D2, and 3/4: `grid.a` is 4/3 a."""
    return (
        spread(number(2 / 3)), spread(number(4 / 3)), spread(number(1 / 12)),
        spread(number(5 / 2)), spread(number(3 / 4)),
    )  # fmt: skip


@njit(inline="always")
def _slope_x(weights, f, i, lanes):
    """D1 of a field along a row."""
    return _along(_slope, weights, load(f, i - lanes), load(f, i), load(f, i + lanes))


@njit(inline="always")
def _bend_x(weights, f, i, lanes):
    """D2 of a field along a row."""
    return _along(_bend, weights, load(f, i - lanes), load(f, i), load(f, i + lanes))


@njit(**OPTIONS)
def _absorb_x(p, d, memory, grid, layer, first, last, begin, end):
    """Add what a layer beside the map does to the increments of rows first to last."""
    psi, zeta, b, c = memory[0], memory[1], layer.b_x, layer.c_x
    lanes, s, weights = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride), _weights(p.dtype.type)
    start = (first + _U(HALO)) * s + lanes
    for x in range(begin, end, lanes):
        keep, gain, i = load(b, lanes + x), load(c, lanes + x), start + x
        for _ in range(first, last):
            slope = _slope_x(weights, p, i, lanes)
            store(psi, i, keep * load(psi, i) + gain * slope)
            i += s
    for x in range(begin, end, lanes):
        keep, gain, i = load(b, lanes + x), load(c, lanes + x), start + x
        for z in range(first, last):
            slope = _slope_x(weights, psi, i, lanes)
            push = _bend_x(weights, p, i, lanes) + slope
            kept = keep * load(zeta, i) + gain * push
            store(zeta, i, kept)
            push = weights[4] * load(grid.a, grid.row_a[z] + lanes + x) * (slope + kept)
            store(d, i, load(d, i) + push)
            i += s


@njit(**OPTIONS)
def _absorb_x_back(u, e, memory, grid, layer, first, last, begin, end):
    """Transpose of `_absorb_x`."""
    chi, zeta, b, c = memory[0], memory[1], layer.b_x, layer.c_x
    lanes, s, weights = _U(REGISTER_BYTES // u.itemsize), _U(grid.stride), _weights(u.dtype.type)
    start = (first + _U(HALO)) * s + lanes
    for x in range(begin, end, lanes):
        keep, gain, i = load(b, lanes + x), load(c, lanes + x), start + x
        for _ in range(first, last):
            store(zeta, i, keep * load(zeta, i) + gain * load(u, i))
            i += s
    for x in range(begin, end, lanes):
        keep, gain, i = load(b, lanes + x), load(c, lanes + x), start + x
        for _ in range(first, last):
            slope = _slope_x(weights, u, i, lanes) + _slope_x(weights, zeta, i, lanes)
            store(chi, i, keep * load(chi, i) - gain * slope)
            i += s
    for x in range(begin, end, lanes):
        i = start + x
        for z in range(first, last):
            push = _bend_x(weights, zeta, i, lanes) - _slope_x(weights, chi, i, lanes)
            push = weights[4] * load(grid.a, grid.row_a[z] + lanes + x) * push
            store(e, i, load(e, i) + push)
            i += s


@njit(**OPTIONS)
def _absorb_z(p, d, memory, grid, layer, first, last, begin, end):
    """Add what a layer above or below the map does to the increments of rows first to last.

    A vector of columns is followed down the rows: the row q that psi is found in is two ahead of
    the row of zeta and d.
    """
    psi, zeta, b, c = memory[2], memory[3], layer.b_z, layer.c_z
    lanes, s, weights = _U(REGISTER_BYTES // p.itemsize), _U(grid.stride), _weights(p.dtype.type)
    two, x = _U(2) * s, begin
    while x < end:
        i = (first + _U(HALO)) * s + lanes + x
        p2, p3, p4, p5 = load(p, i - two), load(p, i - s), load(p, i), load(p, i + s)
        zero = p2 - p2
        p0, p1, s0, s1, s2, s3 = zero, zero, zero, zero, zero, zero
        for q in range(first, last + _U(2)):
            p6, s4 = zero, zero
            if q < last:
                p6 = load(p, i + two)
                slope = _slope(weights, p2, p3, p4, p5, p6)
                s4 = spread(b[q]) * load(psi, i) + spread(c[q]) * slope
                store(psi, i, s4)
            if q >= first + _U(2):
                z, r = q - _U(2), i - two
                slope = _slope(weights, s0, s1, s2, s3, s4)
                push = _bend(weights, p0, p1, p2, p3, p4) + slope
                kept = spread(b[z]) * load(zeta, r) + spread(c[z]) * push
                store(zeta, r, kept)
                push = weights[4] * load(grid.a, grid.row_a[z] + lanes + x) * (slope + kept)
                store(d, r, load(d, r) + push)
            p0, p1, p2, p3, p4, p5, s0, s1, s2, s3 = p1, p2, p3, p4, p5, p6, s1, s2, s3, s4
            i += s
        x += lanes


@njit(**OPTIONS)
def _absorb_z_back(u, e, memory, grid, layer, first, last, begin, end):
    """Transpose of `_absorb_z`: Z is found two rows ahead of X, and X two ahead of e."""
    chi, zeta, b, c = memory[2], memory[3], layer.b_z, layer.c_z
    lanes, s, weights = _U(REGISTER_BYTES // u.itemsize), _U(grid.stride), _weights(u.dtype.type)
    two, x = _U(2) * s, begin
    while x < end:
        i = (first + _U(HALO)) * s + lanes + x
        z4, z5 = load(zeta, i - two), load(zeta, i - s)
        y4, y5 = z4 + load(u, i - two), z5 + load(u, i - s)
        zero = y4 - y4
        z0, z1, z2, z3, y2, y3 = zero, zero, zero, zero, zero, zero
        x0, x1, x2, x3 = zero, zero, zero, zero
        for q in range(first, last + _U(4)):
            z6, y6, x4 = zero, zero, zero
            if q < last:
                here = load(u, i)
                z6 = spread(b[q]) * load(zeta, i) + spread(c[q]) * here
                y6 = z6 + here
                store(zeta, i, z6)
            if q >= first + _U(2) and q < last + _U(2):
                r, k = q - _U(2), i - two
                slope = _slope(weights, y2, y3, y4, y5, y6)
                x4 = spread(b[r]) * load(chi, k) - spread(c[r]) * slope
                store(chi, k, x4)
            if q >= first + _U(4):
                r, k = q - _U(4), i - two - two
                push = _bend(weights, z0, z1, z2, z3, z4) - _slope(weights, x0, x1, x2, x3, x4)
                push = weights[4] * load(grid.a, grid.row_a[r] + lanes + x) * push
                store(e, k, load(e, k) + push)
            z0, z1, z2, z3, z4, z5, y2, y3, y4, y5 = z1, z2, z3, z4, z5, z6, y3, y4, y5, y6
            x0, x1, x2, x3 = x1, x2, x3, x4
            i += s
        x += lanes


@njit(**OPTIONS)
def _reach(runs, first, last):
    """The columns in which the blocks first to last have any run."""
    begin, end, count, _, _ = runs
    lo, hi = ~_U(0), _U(0)
    for block in range(first, last):
        if count[block] > 0:
            lo, hi = min(lo, begin[block, 0]), max(hi, end[block, count[block] - 1])
    return lo, hi


@njit(**OPTIONS)
def absorb(image, p, d, memory, grid, layer, runs, block):
    """Add what the layers do to the increments of the next rows, before they are updated.

    Given an image, p and d are the adjoint's u and e, and the layers' transpose is added.
    """
    top, bottom = runs[3], runs[4]
    if (block - top) % _CHUNK == 0:
        last = min(block + _CHUNK, bottom)
        rows = _U(BLOCK) * _U(block), min(_U(BLOCK) * _U(last), _U(grid.rows))
        lo, hi = _reach(runs, block, last)
        for begin, end in ((lo, min(hi, layer.left)), (max(lo, layer.right), hi)):
            if begin < end:
                if image is None:
                    _absorb_x(p, d, memory, grid, layer, rows[0], rows[1], begin, end)
                else:
                    _absorb_x_back(p, d, memory, grid, layer, rows[0], rows[1], begin, end)
    for first, last in ((_U(0), layer.top), (layer.bottom, _U(grid.rows))):
        blocks = int(first) // BLOCK, (int(last) + BLOCK - 1) // BLOCK
        if block == max(blocks[0], top):
            lo, hi = _reach(runs, blocks[0], blocks[1])
            if image is None:
                _absorb_z(p, d, memory, grid, layer, first, last, lo, hi)
            else:
                _absorb_z_back(p, d, memory, grid, layer, first, last, lo, hi)
