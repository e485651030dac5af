"""Records with every k-th time sample alone, after a low-pass that keeps waves from folding.

The filter is a linear-phase FIR filter by Kaiser's window: flat up to four fifths of the new
Nyquist frequency, 100 dB down beyond it. Waves of a 15 Hz Ricker wavelet end below 50 Hz, so that
every eighth sample of 1 ms says all that float16 can hold (docs/data.md has the figures).

Source: Kaiser, Nonrecursive digital filter design using the I0-sinh window function, 1974;
Oppenheim and Schafer, Discrete-Time Signal Processing, sections 4.6 and 7.5.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_float, check_shape, check_whole
from fwi.geometry import AcquisitionGeometry

MOST = 32  # which leaves two samples a cycle of 15 Hz
_PASSED = 0.8  # of the new Nyquist frequency
_STOPPED = 100.0  # dB: a twentieth of the rounding to float16


def decimate(gathers: Array, factor: int, *, lossy: bool = False, name: str = "gathers") -> Array:
    """Keep every `factor`-th time sample of gathers, after a low-pass.

    Args:
        gathers: (n, S, T, R), floating.
        factor: k, 1 to 32.
        lossy: let more be lost than float16 rounds off.
        name: of the gathers, for errors.

    Returns:
        (n, S, ceil(T / k), R) float32: the samples 0, k, 2k, ...

    Raises:
        ValueError: if the record is shorter than half of the filter, or, unless `lossy`, what the
            low-pass takes from a sample is more than rounding it to float16 does.
        TypeError: if the gathers are not floating.
    """
    check_shape(name, gathers, (None,) * 4)
    check_float(name, gathers.dtype)
    n, shots, nt, receivers = gathers.shape
    _check_length(check_whole("decimate", factor, 1, MOST), nt)
    kept = np.empty((n, shots, -(-nt // factor), receivers), np.float32)
    for i, sample in enumerate(gathers):
        values = sample.astype(np.float32)
        passed = _low_passed(values, factor)
        if not lossy:
            _check_loss(f"{name}, sample {i},", values, passed, factor)
        kept[i] = passed[:, ::factor]
    return kept


def check_decimation(geometry: AcquisitionGeometry, factor: int) -> None:
    """Refuse a factor that is too large for a recording.

    Raises:
        ValueError: if it leaves fewer than two samples a cycle, or half of the filter is longer
            than the record.
    """
    decimated(geometry, factor)
    _check_length(factor, geometry.nt)


def decimated(geometry: AcquisitionGeometry, factor: int) -> AcquisitionGeometry:
    """Give the recording that decimated gathers have."""
    if factor == 1:
        return geometry
    return replace(geometry, dt=factor * geometry.dt, nt=-(-geometry.nt // factor))


def _check_length(factor: int, nt: int) -> None:
    if factor > 1 and len(low_pass(factor)) // 2 >= nt:
        raise ValueError(
            f"decimate must leave a record longer than half of the filter, {len(low_pass(factor))} "
            f"samples, got a factor of {factor} for records of {nt}; lower it"
        )


@lru_cache
def low_pass(factor: int) -> Array:
    """Give the taps of a factor's low-pass: an odd number, symmetric, of sum 1."""
    from scipy.signal import firwin, kaiserord

    taps, beta = kaiserord(_STOPPED, (1 - _PASSED) / factor)
    designed: Array = firwin(taps | 1, (1 + _PASSED) / 2 / factor, window=("kaiser", beta))
    return designed.astype(np.float32)


def _low_passed(values: Array, factor: int) -> Array:
    """Filter the time axis of (S, T, R); ends go on as their own images, turned about the end."""
    from scipy.signal import fftconvolve

    if factor == 1:
        return values
    taps = low_pass(factor)
    half = len(taps) // 2
    before = 2 * values[:, :1] - values[:, half:0:-1]
    after = 2 * values[:, -1:] - values[:, -2 : -half - 2 : -1]
    longer = np.concatenate([before, values, after], 1)
    passed: Array = fftconvolve(longer, taps[None, :, None], mode="valid", axes=1)
    return passed


def _check_loss(name: str, values: Array, passed: Array, factor: int) -> None:
    """Compare what was filtered away with what float16 rounds off, both in 2-norm."""
    lost = np.linalg.norm(passed - values)
    with np.errstate(over="ignore", invalid="ignore"):  # what float16 cannot hold is told later
        steps = np.spacing(np.abs(values).astype(np.float16)).astype(np.float32)
    rounded = np.linalg.norm(steps) / np.sqrt(12)  # a rounding error is uniform in a step
    if lost > rounded:
        size = np.linalg.norm(values)  # of zeros alone nothing is lost
        raise ValueError(
            f"{name} must have no waves that decimation by {factor} loses, got {lost / size:.1e} "
            f"of them (2-norm) where float16 rounds off {rounded / size:.1e}; lower decimate, or "
            "say lossy"
        )
