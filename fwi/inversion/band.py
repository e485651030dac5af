"""What part of the gathers is fitted: a low-pass, a taper, and weights.

The misfit of a residual r in a band is the sum over it of (W F r)^2 / 2, once for every
independent datum, where F filters in time and W makes weak events count: W is the observed
gathers' local envelope to a power, scaled so that the weighted data have a root mean square of 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry

_NYQUIST = 2.8  # rows are sampled for that many times the band's peak
_HIGHEST = 3.0  # likewise, of the whole record: above lies little, but what weak directions need
EXACT = 3.5  # and what interior columns are 4e-4 off with, by known errors, where 3 leaves 3e-3
_THROUGH, _SPREAD = 4.3, 10.0  # widths of the Gaussian, and Hz that the fading adds
_TAPER = 0.2  # of the record, faded out before a low-pass: a cut record leaks
_ENVELOPE = 0.080, 4.0  # s at 15 Hz and receivers over which the envelope is taken
_POWER, _LEAST = -0.7, 0.02  # of the envelope, and of its largest value what is added to it


@dataclass(frozen=True)
class LowPass:
    """Fade a record, then filter it by a Gaussian exp(-f^2 / (2 c^2)).

    Attributes:
        cut: c, cycles a time sample.
        rate: of the exponential by which the record is damped, 1 / samples.
        nt: time samples.
        share: of the record that is faded out at its end.
    """

    cut: float
    rate: float
    nt: int
    share: float

    @cached_property
    def matrix(self) -> Tensor:
        """F, (T, T) float32."""
        return self.rows(torch.arange(self.nt), 0)

    @property
    def reach(self) -> int:
        """Time samples over which the Gaussian falls to 1e-4 of its middle."""
        return math.ceil(4.3 / (2 * math.pi * self.cut))

    def rows(self, times: Tensor, before: int) -> Tensor:
        """Some rows of F, for records that begin earlier, (times, before + T) float32."""
        t = torch.arange(-before, self.nt, dtype=torch.float64)
        lag = 2 * math.pi * self.cut * (times[:, None] - t)
        gaussian = self.cut * math.sqrt(2 * math.pi) * torch.exp(-0.5 * lag**2)
        end = ((t / self.nt - 1 + self.share) / self.share).clamp(0, 1)
        fade = torch.cos(math.pi / 2 * end) ** 2 * torch.exp(-self.rate * t)
        return (gaussian * fade).float()


@dataclass(frozen=True)
class Band:
    """A filter in time, and weights.

    Attributes:
        peak: of the filtered wavelet, Hz.
        low_pass: F, or None for the record as it is.
        weights: W, (S, T, R) float32.
        spacing: time samples between two independent ones.
        highest: frequency that comes through the filter, or that is looked at, Hz.
        noise: root mean square of the known errors, W F sigma, where the data's is 1.
    """

    peak: float
    low_pass: LowPass | None
    weights: Tensor
    spacing: float
    highest: float
    noise: float

    @property
    def times(self) -> Array:
        """Time samples of the independent rows, (T',)."""
        nt = self.weights.shape[1]
        return np.rint(np.arange(self.spacing / 2, nt - 0.5, self.spacing)).astype(np.int64)

    @cached_property
    def row_weights(self) -> Tensor:
        """W of the independent rows, (S, T', R): its root mean square between one and the next.

        Known errors follow the wave through its zeros, where W is up to thirty times as large as
        beside them; what a map changes is smooth there, and sees the mean. On one map of layers
        five iterations behind such rows brought what ten did behind the samples' own weights, on
        another as much as five.
        """
        edges = np.rint(np.linspace(0, self.weights.shape[1], len(self.times) + 1)).astype(np.int64)
        total = torch.nn.functional.pad(self.weights.double().square().cumsum(1), (0, 0, 1, 0))
        width = torch.from_numpy(np.diff(edges)).to(total)[:, None]
        return (total[:, edges].diff(dim=1) / width).clamp(min=0).sqrt().to(self.weights)

    @property
    def sampled(self) -> float:
        """Highest frequency that the independent rows hold, cycles a time sample."""
        return 0.5 / self.spacing

    def filtered(self, residual: Tensor) -> Tensor:
        """F r, (S, T, R)."""
        return residual if self.low_pass is None else self._filter @ residual

    def apply(self, residual: Tensor) -> Tensor:
        """W F r, (S, T, R)."""
        return self.weights * self.filtered(residual)

    def rows(self, residual: Tensor) -> Tensor:
        """The independent rows of W F r, (S, R, T')."""
        return (self.filtered(residual)[:, self.times] * self.row_weights).transpose(1, 2)

    def adjoint(self, values: Tensor) -> Tensor:
        """F^T W y over the spacing: from W F r to the misfit's gradient, (S, T, R)."""
        weighted = self.weights * values / self.spacing
        return weighted if self.low_pass is None else self._filter.T @ weighted

    def misfit(self, residual: Tensor) -> float:
        """Half the sum of squares of the independent rows of W F r."""
        weighted = self.apply(residual)
        return 0.5 * self.product(weighted, weighted)

    def product(self, a: Tensor, b: Tensor) -> float:
        """Sum over the independent rows of two of W F r."""
        return float((a.double() * b.double()).sum()) / self.spacing

    def relative(self, misfit: float) -> float:
        """Root mean square of W F r, where that of the data is 1."""
        return math.sqrt(2 * misfit * self.spacing / self._used)

    @cached_property
    def _filter(self) -> Tensor:
        assert self.low_pass is not None
        return self.low_pass.matrix.to(self.weights)

    @cached_property
    def _used(self) -> int:
        return int(self.weights.count_nonzero())


def make_band(
    observed: Tensor,
    sigma: Tensor,
    geometry: AcquisitionGeometry,
    peak: float,
    *,
    damping: float | None = None,
    power: float = _POWER,
) -> Band:
    """Lay out a band.

    Args:
        observed: gathers (S, T, R) float32.
        sigma: standard deviation of their errors, likewise; inf in traces that are left out.
        geometry: time axis and wavelet.
        peak: the frequency, Hz, to which the wavelet's peak is brought; the wavelet's own or more
            leaves the record as it is.
        damping: time constant, s, by which the record is damped first, so that early arrivals
            lead; None does not.
        power: of the envelope in the weights.
    """
    whole = peak >= geometry.frequency
    low_pass, sampled = None, _HIGHEST * geometry.frequency if whole else _NYQUIST * peak
    through = sampled
    if not whole or damping is not None:
        low_pass = _low_pass(geometry, peak, damping)
        through = _THROUGH * low_pass.cut / geometry.dt + _SPREAD
    used = sigma.isfinite()
    variance, filtered = torch.where(used, sigma, 0.0) ** 2, observed
    if low_pass is not None:
        matrix = low_pass.matrix.to(observed)
        filtered, variance = matrix @ observed, matrix**2 @ variance
    weights = _weights(filtered, used, geometry, min(peak, geometry.frequency), power)
    noise = float((weights**2 * variance)[used].mean().sqrt())
    spacing = max(1.0, 0.5 / (sampled * geometry.dt))
    return Band(peak, low_pass, weights, spacing, through, noise)


def noise_band(
    observed: Tensor, sigma: Tensor, geometry: AcquisitionGeometry, highest: float = _HIGHEST
) -> Band:
    """Lay out the band in which every datum counts by its known error: W = 1 / sigma.

    The relative residual in it is the root mean square of the errors in standard deviations.

    Args:
        observed: gathers (S, T, R) float32.
        sigma: standard deviation of their errors, likewise; inf in traces that are left out.
        geometry: time axis and wavelet.
        highest: frequency that the rows hold, over the wavelet's.
    """
    highest *= geometry.frequency
    spacing = max(1.0, 0.5 / (highest * geometry.dt))
    return Band(geometry.frequency, None, 1 / sigma, spacing, highest, 1.0)


def _low_pass(geometry: AcquisitionGeometry, peak: float, damping: float | None) -> LowPass:
    """Make the filter that brings a Ricker wavelet to another peak.

    Its spectrum f^2 exp(-f^2 / frequency^2) gets another width by a Gaussian of width c,
    1 / peak^2 = 1 / frequency^2 + 1 / (2 c^2).
    """
    peak = min(peak, 0.99 * geometry.frequency)
    cut = math.sqrt(0.5 / (1 / peak**2 - 1 / geometry.frequency**2))
    rate = 0.0 if damping is None else geometry.dt / damping
    share = _TAPER if damping is None else _TAPER / 2
    return LowPass(cut * geometry.dt, rate, geometry.nt, share)


def _weights(
    filtered: Tensor, used: Tensor, geometry: AcquisitionGeometry, peak: float, power: float
) -> Tensor:
    """W of filtered data, (S, T, R); 0 where they are not used."""
    duration, receivers = _ENVELOPE
    width = duration / geometry.dt * math.sqrt(15 / peak), receivers
    squares = filtered.double().square().cpu().numpy()
    envelope = np.sqrt(np.stack([gaussian_filter(shot, width, mode="nearest") for shot in squares]))
    weights = used.cpu().numpy() * (envelope + _LEAST * envelope.max()) ** power
    weights /= np.sqrt((squares * weights**2).mean(where=weights > 0))
    return torch.from_numpy(weights).to(filtered)
