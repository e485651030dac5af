"""What is known of a gather's errors before anything is fitted, and which traces say nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry

# The data's own rounding: float32 sums over a thousand steps, in units of the source (PHYSICS:
# 1e-5 to 3e-5 between float32 and float64 runs; 1e-5 was measured over a real gather).
ACCUMULATED = 1e-5
_FASTEST = 6000.0  # m/s: nothing arrives before
_HEARD = 10.0  # times the rounding: what is more before the first arrivals is noise
_FLAT_TOP = 4  # equal samples in a row at a trace's extreme: a wave's peak has two, clipping more


@dataclass(frozen=True)
class Errors:
    """What is known of one sample's errors.

    Attributes:
        sigma: standard deviation of each datum's, (S, T, R) float64; inf in traces left out.
        is_noisy: noise far above rounding is heard, or was named.
        notes: what is unusual, a sentence each.
    """

    sigma: Array
    is_noisy: bool = False
    notes: tuple[str, ...] = ()


def known_errors(
    gathers: Array, geometry: AcquisitionGeometry, noise: float | None = None
) -> Errors:
    """Judge a sample's gathers: their rounding, noise, and traces that are dead or clipped.

    Args:
        gathers: (S, T, R); their dtype says how they were rounded.
        geometry: sources, receivers and time axis.
        noise: standard deviation of what is added to the waves, in the gathers' unit; by default
            what is seen before the first arrivals, where only rounding is expected.
    """
    sigma, values = rounding_noise(gathers), gathers.astype(np.float64)
    dead, clipped = np.asarray(~values.any(1)), _clipped(values)
    notes = [
        f"{int(bad.sum())} of {bad.size} traces are {what} and left out"
        for bad, what in ((dead, "dead"), (clipped, "clipped"))
        if bad.any()
    ]
    if noise is None:
        heard = _before_arrivals(values, sigma, ~dead[:, None] & _quiet(geometry))
        noise = heard or 0.0
        if heard:
            notes.append(f"noise of {heard:.2g} before the first arrivals is taken for that of all")
    is_noisy = noise > _HEARD * float(np.sqrt(np.mean(sigma**2)))
    sigma = np.hypot(sigma, noise)
    sigma[np.broadcast_to((dead | clipped)[:, None], sigma.shape)] = np.inf
    return Errors(sigma, is_noisy, tuple(notes))


def rounding_noise(gathers: Array) -> Array:
    """Standard deviation of each sample's error from rounding.

    A value rounded to a spacing u is off by u / sqrt(12) in the root mean square.

    Args:
        gathers: of any shape; their dtype says how they were rounded. Other values than float16
            are taken for exact, but for the simulation's own rounding.

    Returns:
        The same shape, float64.
    """
    rounded = gathers.dtype == np.float16
    step = np.abs(np.spacing(gathers)).astype(np.float64) if rounded else np.zeros(gathers.shape)
    return np.sqrt(step**2 / 12 + ACCUMULATED**2)


def _clipped(values: Array) -> Array:
    """Which traces, (S, R), stay at their largest or smallest value for some samples."""
    top = np.abs(values) == np.abs(values).max(1, keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(top, _FLAT_TOP, axis=1)
    return np.any(np.all(windows, -1), 1) & np.any(values, 1)  # not the zeros of a dead one


def _quiet(geometry: AcquisitionGeometry) -> Array:
    """Which samples, (S, T, R), lie before any wave could arrive."""
    g = geometry
    apart = np.abs(np.subtract.outer(g.source_x, g.receiver_x))
    distance = np.hypot(apart, g.source_depth - g.receiver_depth)
    return np.arange(g.nt)[:, None] * g.dt < distance[:, None] / _FASTEST


def _before_arrivals(values: Array, sigma: Array, quiet: Array) -> float | None:
    """Root mean square of what is heard there; None where it is but rounding."""
    if not quiet.any():
        return None
    heard = float(np.sqrt(np.mean(values[quiet] ** 2)))
    return heard if heard > _HEARD * float(np.sqrt(np.mean(sigma[quiet] ** 2))) else None
