"""When each part of the grid matters: after a wave can be there, while it can still return.

A cell is updated from the first arrival of the source's wave until the last moment at which a
wave that leaves it still reaches a receiver before the record ends. Both are travel times, found
on a coarse grid from the eikonal equation |grad T| = 1 / v, which wraps as the grid does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fwi.arrays import Array
from fwi.compiled import kept_njit
from fwi.geometry import AcquisitionGeometry
from fwi.physics.kernel.grid import BLOCK, Grid

EPOCH = 8  # steps between two looks at the windows
MOST_SEGMENTS = 4  # runs of columns that a block of rows is cut into
# How early a window opens and how late it closes, in cells of the slowest rock, by the dtype's
# bytes: the coarse travel times' error, and what runs ahead of the fastest ray. Measured in
# tests/physics/test_windows.py.
_EARLY = {4: 5.0, 8: 20.0}
_LATE = {4: 9.0, 8: 20.0}
_ROUNDS = 8  # of four sweeps over the eikonal's grid, at most
_SETTLED = 0.5  # squares of the fastest rock that the last round may still change
_STRAIGHT = 6  # squares around a source to which rays are straight: there the sweeps err most


class Windows(NamedTuple):
    """Steps in which tiles of BLOCK rows and one vector of columns are updated.

    Attributes:
        on: first step of every tile, (blocks, tiles) int32.
        off: step after the last one.
    """

    on: Array
    off: Array


def find_windows(velocity: Array, geometry: AcquisitionGeometry, grid: Grid) -> list[Windows]:
    """Find every shot's windows on a map.

    Args:
        velocity: (nz, nx), m/s.
        geometry: sources, receivers and time axis.
        grid: the map's layout.
    """
    g, shots = geometry, len(geometry.source_x)
    z = np.repeat([g.source_depth_idx, g.receiver_depth_idx], [shots, len(g.receiver_x)])
    x = np.concatenate([g.source_idx, g.receiver_idx])
    field = np.append(np.arange(shots), np.full(len(g.receiver_x), shots))
    times = travel_times(
        _slowness(velocity, g),
        (z + g.sponge_width + 0.5) / BLOCK - 0.5,
        (x + g.sponge_width + 0.5) / BLOCK - 0.5,
        field,
    )
    times = _by_tile(times, grid)
    slowest, size = g.dx / (g.dt * velocity.min()), grid.a.itemsize
    on = (times[..., :shots] - _EARLY[size] * slowest).astype(np.int32)
    off = np.ceil(g.nt + _LATE[size] * slowest - times[..., shots]).astype(np.int32)
    return [Windows(np.ascontiguousarray(on[..., s]), off) for s in range(shots)]


def _by_tile(times: Array, grid: Grid) -> Array:
    """Earliest time in each tile, from those of squares of BLOCK cells."""
    if grid.lanes >= BLOCK:
        return np.minimum.reduceat(times, range(0, times.shape[1], grid.lanes // BLOCK), 1)
    return np.repeat(times, BLOCK // grid.lanes, 1)[:, : -(-grid.columns // grid.lanes)]


def _slowness(velocity: Array, g: AcquisitionGeometry) -> Array:
    """Steps that a wave takes through each square of BLOCK cells, (rows, columns) float32.

    The fastest cell counts: a channel narrower than a square must not be missed. What is left over
    at the end is crossed the sooner.
    """
    fastest = np.pad(velocity, g.sponge_width, "edge")
    rows, columns = fastest.shape
    for axis in (0, 1):
        fastest = np.maximum.reduceat(fastest, range(0, fastest.shape[axis], BLOCK), axis)
    slowness = (BLOCK * g.dx / g.dt / fastest).astype(np.float32)
    slowness[-1] *= ((rows - 1) % BLOCK + 1) / BLOCK
    slowness[:, -1] *= ((columns - 1) % BLOCK + 1) / BLOCK
    return slowness


@kept_njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def travel_times(slowness, z, x, field):
    """Solve |grad T| = slowness for several fields at once, on a grid that wraps.

    Args:
        slowness: time that a square takes, (rows, columns).
        z: rows of the sources, in squares.
        x: their columns.
        field: which field each one belongs to.

    Returns:
        T, (rows, columns, fields), the first arrival from the field's sources.

    Source:
        H. Zhao, A fast sweeping method for eikonal equations, Math. Comp. 74 (2005).
    """
    rows, columns = slowness.shape
    fields = field.max() + 1
    times = np.full((rows, columns, fields), np.inf, slowness.dtype)
    for source in range(z.size):
        _light(slowness, times[:, :, field[source]], z[source], x[source])
    half, two = slowness.dtype.type(0.5), slowness.dtype.type(2)
    settled = _SETTLED * slowness.min()
    for _ in range(_ROUNDS):
        change = half * 0
        for sweep in range(4):
            for i in range(rows):
                r = i if sweep & 1 else rows - 1 - i
                north, south = r - 1 if r else rows - 1, r + 1 if r + 1 < rows else 0
                for j in range(columns):
                    c = j if sweep & 2 else columns - 1 - j
                    west, east = c - 1 if c else columns - 1, c + 1 if c + 1 < columns else 0
                    h = slowness[r, c]
                    for f in range(fields):
                        a = min(times[north, c, f], times[south, c, f])
                        b = min(times[r, west, f], times[r, east, f])
                        gap = abs(a - b)
                        if gap < h:
                            t = half * (a + b + np.sqrt(two * h * h - gap * gap))
                        else:
                            t = min(a, b) + h
                        old = times[r, c, f]
                        if t < old:
                            times[r, c, f] = t
                            change = max(change, old - t)
        if change < settled:
            break
    return times


@njit(nogil=True)
def _light(slowness, times, z, x):
    """Begin a field with straight rays from one source."""
    rows, columns = slowness.shape
    middle_z, middle_x = int(np.rint(z)), int(np.rint(x))
    here = slowness[middle_z, middle_x]
    for i in range(middle_z - _STRAIGHT, middle_z + _STRAIGHT + 1):
        for j in range(middle_x - _STRAIGHT, middle_x + _STRAIGHT + 1):
            distance = np.hypot(i - z, j - x)
            if distance <= _STRAIGHT:
                r, c = i % rows, j % columns
                times[r, c] = min(times[r, c], distance * (here + slowness[r, c]) / 2)


@njit(nogil=True)
def new_segments(windows):
    """Make room for each block's runs: first columns, columns after the last ones, their count."""
    blocks = windows.on.shape[0]
    begin = np.empty((blocks, MOST_SEGMENTS), np.uint64)
    return begin, np.empty_like(begin), np.zeros(blocks, np.int64)


@njit(nogil=True)
def find_segments(windows, epoch, lanes, begin, end, count):
    """Find the runs of tiles that are updated in an epoch.

    Args:
        windows: when each tile matters.
        epoch: the steps from EPOCH * epoch on.
        lanes: columns of a tile.
        begin: first columns of each block's runs, (blocks, MOST_SEGMENTS), filled.
        end: columns after the last ones, filled.
        count: runs of each block, (blocks,), filled; of more than MOST_SEGMENTS the last ones
            are joined.

    Returns:
        The first block that has any, and the one after the last.
    """
    on, off = windows
    n, (blocks, tiles) = EPOCH * epoch, on.shape
    top, bottom = blocks, 0
    for block in range(blocks):
        runs, open_run = 0, False
        for tile in range(tiles):
            active = (on[block, tile] < n + EPOCH) & (off[block, tile] > n)
            if active:
                if not open_run and runs < MOST_SEGMENTS:
                    begin[block, runs] = tile * lanes
                    runs += 1
                end[block, runs - 1] = (tile + 1) * lanes
            open_run = active
        count[block] = runs
        if runs > 0:
            top, bottom = min(top, block), block + 1
    return top, bottom
