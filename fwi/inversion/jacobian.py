"""The dense Jacobian of one sample's gathers in a band, and its Gram matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.band import Band
from fwi.inversion.green import Green
from fwi.inversion.padding import corners
from fwi.inversion.room import Room
from fwi.physics.operator import Operator

_WAVES = 2.5  # receivers a wavelength
# Columns made at once: their products fit in a processor's second-level cache.
_CELLS = {"cpu": 32, "cuda": 490}


def gram(rows: Tensor, room: Room, blocks: int = 5) -> Tensor:
    """J^T J of columns laid out as rows, (cells, cells): only blocks below the diagonal are made.

    Products are of bfloat16 where the processor has such units, of TF32 on a GPU that has: twice
    as fast, 1e-3 off, and as good before conjugate gradients.

    Args:
        rows: J^T, (cells, ...).
        room: memory for the result.
        blocks: into which the cells are cut.
    """
    with _bfloat16_products():
        return _gram(rows.flatten(1), room, blocks)


@contextmanager
def _bfloat16_products() -> Iterator[None]:
    """Let torch's products of float32 matrices round to bfloat16 or TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _gram(columns: Tensor, room: Room, blocks: int) -> Tensor:
    size = len(columns)
    product = room.tensor("gram", (size, size))
    ends = [round(i * size / blocks) for i in range(blocks + 1)]
    for i in range(blocks):
        for j in range(i + 1):
            here, there = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
            torch.mm(columns[here], columns[there].T, out=product[here, there])
            if j < i:
                product[there, here] = product[here, there].T
    return product


def jacobian(
    linear: Operator,
    green: Green,
    geometry: AcquisitionGeometry,
    band: Band,
    room: Room,
    every: int = 1,
) -> Tensor:
    """W F J of a map's cells by reciprocity, transposed: a column of J is a row here.

    Interior columns agree with `jvp` to the sampling's error; those of the edge sum over a thinned
    padding; corners, which stand for a quadrant, are products with the exact Jacobian.

    Args:
        linear: the scheme linearised about the map alone.
        green: the stations' fields in it.
        geometry: sources, receivers, grid and time axis.
        band: filter and weights.
        room: memory for the result.
        every: take each so-manieth receiver.

    Returns:
        (nz nx, S, R', T') float32 on the room's device, of the band's `times`, scaled so that the
        Gram matrix is the Hessian of `Band.misfit` in the limit of all receivers.
    """
    receivers = np.arange(0, len(geometry.receiver_x), every)
    share = math.sqrt(len(geometry.receiver_x) / len(receivers))
    waves = _rows(green, geometry, band).to(room.device)
    bins, weights = len(waves) // 2, share * band.row_weights[..., receivers]
    weights = weights.transpose(1, 2).contiguous().to(room.device)
    cells = geometry.nz * geometry.nx
    result = room.tensor("jacobian", (cells, *weights.shape))
    extra = _by_home(green, bins, receivers)
    at_once = _CELLS[room.device.type]
    for first in range(0, cells, at_once):
        chunk = slice(first, min(first + at_once, cells))
        back, to = green.legs(chunk, bins, receivers)
        product = back[:, :, None] * to[:, None]
        for home in range(chunk.start, chunk.stop):
            if home in extra:
                product[home - first] += extra[home]
        product *= green.scale[chunk, None, None, None]
        rows = torch.view_as_real(product).flatten(-2) @ waves
        torch.mul(rows, weights, out=result[chunk])
    for corner in corners(geometry):
        result[corner] = thinned_rows(band, exact_column(linear, geometry, corner), every)
    return result


def thinned_rows(band: Band, data: Tensor, every: int) -> Tensor:
    """Data (S, T, R) as the rows of `jacobian` have them, (S, R', T')."""
    rows = band.rows(data)
    kept = rows[:, ::every]
    return math.sqrt(rows.shape[1] / kept.shape[1]) * kept


def receiver_spacing(geometry: AcquisitionGeometry, slowest: float, band: Band) -> int:
    """Each so-manieth receiver that is enough for a band: waves along the line stay sampled.

    Fewer save time and cost iterations: at 10 Hz every second one leaves 0.22 of the gradient
    after two, every third 0.43, all 0.07.
    """
    highest = band.sampled / geometry.dt
    apart = abs(float(np.diff(geometry.receiver_idx).mean())) if len(geometry.receiver_x) > 1 else 1
    return max(1, int(slowest / (_WAVES * highest * geometry.dx * apart)))


def exact_column(linear: Operator, geometry: AcquisitionGeometry, cell: int) -> Tensor:
    """One column of the Jacobian by the exact product, (S, T, R)."""
    unit = torch.zeros(1, geometry.nz, geometry.nx)
    unit.view(-1)[cell] = 1
    return linear.jvp(unit)[0]


def _by_home(green: Green, bins: int, receivers: Array) -> dict[int, Tensor]:
    """Give the padding's products of spectra by the cell at the edge, (S, R', bins) each."""
    return {
        int(home): product
        for edge, products in green.padded(bins, receivers)
        for home, product in zip(edge.home, products, strict=True)
    }


def _rows(green: Green, geometry: AcquisitionGeometry, band: Band) -> Tensor:
    """From a product of spectra, real and imaginary parts by turns, to filtered rows (2 f, T').

    A spectrum cut short rings, also before the record's beginning: the low-pass, which takes the
    ringing off again, has to reach back to it.
    """
    axis, low_pass = green.axis, band.low_pass
    bins = min(math.ceil(axis.period * geometry.dt * band.highest) + 1, axis.points // 2 + 1)
    before = 0 if low_pass is None else low_pass.reach
    t = np.arange(-before, geometry.nt) - axis.origin
    phase = 2 * np.pi / axis.period * np.outer(np.arange(bins), t)
    gain = axis.gain[:bins, None] * np.where(np.arange(bins) > 0, 2, 1)[:, None] / axis.points
    waves = np.stack([gain * np.cos(phase), -gain * np.sin(phase)], 1).reshape(2 * bins, -1)
    result = torch.from_numpy(waves.astype(np.float32))
    if low_pass is None:
        return result[:, band.times]
    return result @ low_pass.rows(torch.from_numpy(band.times), before).T
