"""Spectra of the fields of all stations, from which reciprocity makes the Jacobian.

A change da of a = (v dt / dx)^2 in a cell x scatters shot s's field into receiver r,

    dp_r[n] = da / a_x * sum_j G_rx[n - j] D^2 p_s(x)[j],

with G_rx what a unit added at x does at r and D^2 the second difference in time (the scheme's own:
in the map a L p + source = D^2 p; in the sponge k times the last increment comes on top). The
scheme is symmetric once it is divided by a, so that G_rx is the field at x of a run from r, times
a_r / a_x. Every station is run with a wavelet b whose square has the spectrum of D^2 of the
source's, so that both factors are runs of one kind: the column is their product, frequency by
frequency. The second derivative of a Ricker wavelet of peak f is to 0.5 % a Ricker of sqrt(2) f
convolved with itself; what it is not is put right in the spectrum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.padding import Edge, edges
from fwi.inversion.room import Room
from fwi.inversion.stations import find_stations
from fwi.physics.dense import snapshots as dense
from fwi.physics.kernel.snapshots import snapshots
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.wavelet import ricker

_HIGHEST = 2.95  # times the wavelet's peak: the part of a Ricker's spectrum that is sampled
_FADED = 1.15  # of the record: fields that end in a step would ring where a spectrum is cut short
_TRUSTED = 1e-3  # of the largest power: where the quotient of spectra is taken


@dataclass(frozen=True)
class TimeAxis:
    """How the fields are sampled in time, and what turns their product into a trace.

    Attributes:
        wavelet: b, (n,).
        steps: after which the fields are kept.
        points: of the discrete transform, so long that products do not wrap.
        origin: time sample of the record at which the product of two first snapshots belongs.
        gain: spectrum of D^2 w over that of b * b, (points // 2 + 1,).
    """

    wavelet: Array
    steps: range
    points: int
    origin: int
    gain: Array

    @property
    def period(self) -> int:
        """Time samples after which the transform repeats."""
        return self.points * self.steps.step


def time_axis(geometry: AcquisitionGeometry) -> TimeAxis:
    """Choose the sampling of the fields."""
    g = geometry
    peak = math.sqrt(2) * g.frequency
    every = max(1, round(1 / (2 * _HIGHEST * peak * g.dt)))
    wavelet, source = ricker(peak, g.dt), np.convolve(ricker(g.frequency, g.dt), [1, -2, 1])
    delay = len(wavelet) - 1 - len(source) // 2  # middle of b * b after that of D^2 w
    count = -(-(g.nt + delay) // every)
    steps = range(every // 2, every // 2 + every * count, every)
    points = 2 * next_fast_len(math.ceil(_FADED * count), real=True)
    both, one = (_zero_phase(x, points * every, points // 2 + 1) for x in (source, wavelet))
    at_peak = int(one.argmax())
    trusted = one**2 > _TRUSTED * one[at_peak] ** 2
    gain = np.full(points // 2 + 1, both[at_peak] / one[at_peak] ** 2)
    gain[trusted] = both[trusted] / one[trusted] ** 2
    return TimeAxis(wavelet, steps, points, 2 * steps.start - delay, gain)


def _zero_phase(signal: Array, period: int, bins: int) -> Array:
    """Spectrum of a symmetric signal about its middle, (bins,); a wavelet's sign is left as is."""
    rolled = np.zeros(period)
    rolled[: len(signal)] = signal
    return np.fft.rfft(np.roll(rolled, -(len(signal) // 2))).real[:bins]


class Green:
    """Fields of every station in every cell of a map and around it.

    Attributes:
        axis: their sampling.
        scale: what a cell's product of spectra has to be multiplied by, (cells,) float32, on the
            room's device, as all that is given.

    Args:
        velocity: (nz, nx), m/s.
        vmin: the velocity of the sponge, m/s.
        geometry: sources, receivers, grid and time axis.
        highest: frequency that matters, Hz.
        room: memory for the fields, theirs until the next one is made in it.
        threads: by default one for each processor.
        waves: the device that runs them, the processor or the room's.
        whole: take the padding to its end (`edges`).
    """

    def __init__(
        self,
        velocity: Array,
        vmin: float,
        geometry: AcquisitionGeometry,
        highest: float,
        room: Room,
        threads: int | None = None,
        waves: torch.device | str = "cpu",
        whole: bool = False,
    ) -> None:
        g, self.axis = geometry, time_axis(geometry)
        self.edges = edges(g, float(velocity.min()) / highest, whole)
        self._stations = find_stations(g)
        cells = np.concatenate(
            [np.indices((g.nz, g.nx)).reshape(2, -1), *(e.pads.reshape(2, -1) for e in self.edges)],
            axis=1,
        )
        self._fields = self._run(velocity, vmin, cells, threads, room, torch.device(waves))
        strip = damping(vmin, g.dx, g.sponge_width) * g.dt
        self._damping = [
            torch.from_numpy(strip[e.distance - 1]).to(self._fields) for e in self.edges
        ]
        self._cells = g.nz * g.nx
        a = (velocity * g.dt / g.dx) ** 2
        scale = 2 * g.dx**2 / (velocity * a) * self.axis.steps.step
        self.scale = torch.from_numpy(scale.ravel()).to(self._fields)

    def legs(self, cells: slice, bins: int, receivers: Array) -> tuple[Tensor, Tensor]:
        """Spectra of the sources' and the receivers' fields.

        Args:
            cells: flat numbers in the map.
            bins: frequencies, from 0 up.
            receivers: which of them, (R',).

        Returns:
            (cells, S, bins) and (cells, R', bins), complex64.
        """
        spectra = self._transform(self._fields[cells], bins)
        return spectra[:, self._stations.sources], spectra[
            :, _evenly(self._stations.receivers[receivers])
        ]

    def padded(self, bins: int, receivers: Array) -> list[tuple[Edge, Tensor]]:
        """Sum the padded cells' products of spectra at every edge, (cells, S, R', bins) each."""
        sums, first = [], self._cells
        for edge, strip in zip(self.edges, self._damping, strict=True):
            pads = edge.pads[0].size
            fields = self._fields[first : first + pads].unflatten(0, edge.pads.shape[1:])
            first += pads
            to = self._transform(fields[:, :, _evenly(self._stations.receivers[receivers])], bins)
            scattering = self._damped(fields[:, :, self._stations.sources], edge, strip)
            sums.append(
                (edge, torch.einsum("cpsf,cprf->csrf", self._transform(scattering, bins), to))
            )
        return sums

    def _transform(self, fields: Tensor, bins: int) -> Tensor:
        """Discrete Fourier transform, (..., bins) complex64.

        One product with a matrix is as fast as short transforms are on a processor, and makes no
        frequencies that are not asked for. What follows the last snapshot repeats it and fades.
        """
        count, points = fields.shape[-1], self.axis.points
        phase = -2j * np.pi / points * np.outer(np.arange(points // 2), np.arange(bins))
        waves, after = np.exp(phase), np.arange(1, points // 2 - count + 1)
        fade = np.cos(np.pi / 2 * after / len(after)) ** 2
        waves[count - 1] += fade @ waves[count:]
        matrix = torch.from_numpy(waves[:count].view(np.float64)).to(fields)
        return torch.view_as_complex((fields @ matrix).unflatten(-1, (bins, 2)))

    def _damped(self, fields: Tensor, edge: Edge, strip: Tensor) -> Tensor:
        """Turn p into what stands for D^2 p + k D p, where b * b stands for D^2 w.

        That is p plus k times the sum of p until then, by the trapezoidal rule, times the padded
        cells' weights.
        """
        rate = self.axis.steps.step * strip[:, None, None]
        total = torch.cumsum(fields, -1).sub_(fields, alpha=0.5)
        weight = torch.from_numpy(edge.weight).to(fields)
        return weight[:, None, None] * (fields + rate * total)

    def _run(
        self,
        velocity: Array,
        vmin: float,
        cells: Array,
        threads: int | None,
        room: Room,
        waves: torch.device,
    ) -> Tensor:
        """Run every station, (cells, stations, steps) on the room's device."""
        counts = [len(run.source_x) for run in self._stations.runs]
        shape = cells.shape[1], sum(counts), len(self.axis.steps)
        fields, first = room.tensor("fields", shape, waves), 0
        for run, count in zip(self._stations.runs, counts, strict=True):
            part, how = fields[:, first : first + count], (vmin, self.axis.wavelet, cells)
            if waves.type == "cpu":
                snapshots(velocity, run, *how, self.axis.steps, threads, part.numpy())
            else:
                dense.snapshots(velocity, run, *how, self.axis.steps, part)
            first += count
        return fields.to(room.device)


def _evenly(numbers: Array) -> Any:
    """Give a slice for numbers in even steps, which costs no copy, or the numbers."""
    steps = np.diff(numbers)
    if len(steps) == 0 or steps[0] <= 0 or (steps != steps[0]).any():
        return numbers
    return slice(int(numbers[0]), int(numbers[-1]) + 1, int(steps[0]))
