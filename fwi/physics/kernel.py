"""The compiled time loop of one shot: the exact scheme of docs/physics.md.

The wavefield is kept as p and its last increment d = p[n] - p[n-1]:

    d <- (1 - k) d + a L p (+ source),    p <- p + d,

which is the scheme's (2 - k) p[n] - (1 - k) p[n-1] + a L p[n] with less rounding, since the
small increment is never the difference of two large numbers. The squared Courant number a is
kept on the map only (a padded cell has that of the edge cell it replicates) and the damping as
one profile, so that both fields of a shot stay in a second-level cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from fwi.physics.denormals import FLUSH_BITS, read_control, write_control

_HALO = np.uint64(2)  # cells that the stencil reads beyond the grid: those of the opposite edge
# A wave in the grid runs slightly ahead of the fastest physical one; 14 cells hold what matters.
_MARGIN = 14.0
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


@njit(inline="always")
def _laplacian(p, i, stride):
    near = p[i - np.uint64(1)] + p[i + np.uint64(1)] + (p[i - stride] + p[i + stride])
    two = np.uint64(2)
    far = p[i - two] + p[i + two] + (p[i - two * stride] + p[i + two * stride])
    return p.dtype.type(4 / 3) * near - p.dtype.type(1 / 12) * far - p.dtype.type(5) * p[i]


@njit(**_OPTIONS)
def _update_side(p, d, base, lo, hi, stride, a, keep):
    """Left or right of the map: one a for the row, a damping for each column."""
    for x in range(lo, hi):
        i = base + x
        d[i] = keep[x] * d[i] + a * _laplacian(p, i, stride)


@njit(**_OPTIONS)
def _update_middle(p, d, base, lo, hi, stride, a, a_base, keep):
    """Columns of the map: one damping for the row, an a for each column."""
    for x in range(lo, hi):
        i = base + x
        d[i] = keep * d[i] + a[a_base + x] * _laplacian(p, i, stride)


@njit(**_OPTIONS)
def _advance(p, d, base, lo, hi):
    for x in range(lo, hi):
        p[base + x] += d[base + x]


@njit(**_OPTIONS)
def _reached(lo, hi, columns, radius, row, first, last):
    """Cut each row's columns [lo, hi) to the cells within radius of row, first..last.

    Distances wrap as the grid does; a row in which the radius wraps is kept whole.
    """
    for z in range(lo.size):
        dz = abs(z - row)
        dz = min(dz, lo.size - dz)
        if dz > radius:
            hi[z] = lo[z]
        else:
            half = int(np.sqrt(radius * radius - dz * dz))
            if first - half >= 0 and last + half < columns:
                lo[z] = max(lo[z], first - half)
                hi[z] = max(lo[z], min(hi[z], last + half + 1))


@njit(**_OPTIONS)
def _wrap(p, rows, columns, stride):
    """Copy every edge's two lines of cells beyond the opposite edge."""
    two, width, height = np.uint64(2), np.uint64(columns), np.uint64(rows)
    for z in range(np.uint64(2), height + two):
        left = z * stride
        right = left + width
        p[left] = p[right]
        p[left + np.uint64(1)] = p[right + np.uint64(1)]
        p[right + two] = p[left + two]
        p[right + np.uint64(3)] = p[left + np.uint64(3)]
    for x in range(two * stride):
        p[x] = p[height * stride + x]
        p[(height + two) * stride + x] = p[two * stride + x]


@njit(**_OPTIONS)
def propagate(
    courant2: npt.NDArray[Any],
    keep: npt.NDArray[Any],
    reach: float,
    source: tuple[int, int],
    injected: npt.NDArray[Any],
    receiver_z: int,
    receiver_x: npt.NDArray[np.int64],
    traces: npt.NDArray[Any],
) -> None:
    """Run one shot and record it.

    Args:
        courant2: (v dt / dx)^2 of the map, (nz, nx); its dtype is that of the run.
        keep: 1 - D dt of the sponge, outward, (width,).
        reach: cells that the fastest wave crosses in a step.
        source: row and column of the source in the map.
        injected: what the source adds at each step, (n,), n at most nt.
        receiver_z: row of the receivers.
        receiver_x: columns of the receivers, (receivers,).
        traces: the gather to fill, (nt, receivers).
    """
    control = read_control()
    write_control(control | FLUSH_BITS)
    nz, nx = courant2.shape
    width = keep.size
    rows, columns = nz + 2 * width, nx + 2 * width
    stride = np.uint64(columns + 4)
    p = np.zeros((rows + 4) * (columns + 4), courant2.dtype)
    d = np.zeros_like(p)
    a = courant2.ravel()
    left, right = np.uint64(width), np.uint64(width + nx)
    keep_x = np.ones(columns, courant2.dtype)
    for i in range(width):
        keep_x[width - 1 - i] = keep[i]
        keep_x[width + nx + i] = keep[i]
    source_z, source_x = source[0] + width, source[1] + width
    first, last = receiver_x.min() + width, receiver_x.max() + width
    nt = traces.shape[0]
    lo, hi = np.empty(rows, np.int64), np.empty(rows, np.int64)
    for n in range(nt):
        lo[:], hi[:] = 0, columns
        there = reach * n + _MARGIN
        _reached(lo, hi, columns, there, source_z, source_x, source_x)
        back = reach * (nt - 1 - n) + _MARGIN
        _reached(lo, hi, columns, back, receiver_z + width, first, last)
        for z in range(rows + 2):
            # Row z needs p of rows z - 2 .. z + 2 before the step: row z - 2 may advance after it.
            if z < rows and lo[z] < hi[z]:
                base = (np.uint64(z) + _HALO) * stride + _HALO
                begin, end = np.uint64(lo[z]), np.uint64(hi[z])
                map_z = min(max(z - width, 0), nz - 1)
                a_base = np.uint64(map_z * nx) - left  # wraps, and wraps back when x is added
                outside = max(width - 1 - z, z - width - nz)
                keep_z = keep[outside] if outside >= 0 else keep_x[left]
                a_left, a_right = courant2[map_z, 0], courant2[map_z, nx - 1]
                _update_side(p, d, base, begin, min(end, left), stride, a_left, keep_x)
                _update_middle(
                    p, d, base, max(begin, left), min(end, right), stride, a, a_base, keep_z
                )
                _update_side(p, d, base, max(begin, right), end, stride, a_right, keep_x)
                if z == source_z and n < injected.size:
                    d[base + np.uint64(source_x)] += injected[n]
            if z >= 2 and lo[z - 2] < hi[z - 2]:
                base = np.uint64(z) * stride + _HALO
                _advance(p, d, base, np.uint64(lo[z - 2]), np.uint64(hi[z - 2]))
        if there > width:
            _wrap(p, rows, columns, stride)
        base = (np.uint64(receiver_z + width) + _HALO) * stride + _HALO
        for r in range(receiver_x.size):
            traces[n, r] = p[base + np.uint64(receiver_x[r] + width)]
    write_control(control)
