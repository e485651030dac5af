"""What time filters make of gathers: noise in the wavelet's band, and the scaling of velocities."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array
from fwi.physics.scheme.wavelet import ricker

_BAND = 4.0  # peak frequencies: the wavelet has 5e-6 of its peak there
_LEAST = 1e-4  # of the spectrum's peak, below which a wavelet is not divided by


def band_noise(
    rng: np.random.Generator, shape: tuple[int, ...], frequency: float, dt: float
) -> Array:
    """Draw normal noise (S, T, R) of mean power 1, with the amplitude spectrum of the wavelet.

    Args:
        rng: source of randomness.
        shape: shots, time samples, receivers.
        frequency: peak of the Ricker wavelet, Hz.
        dt: time step, s.
    """
    nt = shape[1]
    angles = 2 * np.pi * np.fft.rfftfreq(nt)
    band = np.abs(_spectrum(ricker(frequency, dt), angles)).astype(np.float32)
    white = rng.standard_normal(shape, np.float32)
    noise = np.fft.irfft(np.fft.rfft(white, axis=1) * band[:, None], nt, axis=1)
    return noise / np.sqrt(np.mean(noise**2))


def scaled_gathers(gathers: Array, alpha: float, frequency: float, dt: float) -> Array:
    """Turn the gathers of a map v into those of the map alpha v, for the same wavelet.

    Without a source, p(t) solves the wave equation in v where p(alpha t) solves it in alpha v,
    sponge included. The source, v^2 w(t), would become (alpha v)^2 w(alpha t): of another peak
    frequency, and is replaced. For the discrete scheme this is exact in the map: at the angle
    theta = omega dt its step reads

        -4 sin(theta/2)^2 P = (v dt)^2 L P + (v dt)^2 w(theta),

    so that P / w at theta in alpha v is P / w in v at theta', sin(theta'/2) = sin(theta/2) / alpha.
    Records are one sample ahead, D = exp(i theta) P:

        D_alpha(theta) = exp(i (theta - theta')) w(theta) / w(theta') D(theta').

    The damping alone obeys this to first order in theta. For alpha below 1 the quotient grows
    with the frequency, and so does what rounding left in the gathers: it is divided by
    w(theta') + eps, as in a Wiener filter. For alpha above 1 the record of v ends too early: what
    arrives in alpha v after 1 / alpha of the time was never recorded, and is zero here.

    Args:
        gathers: (S, T, R).
        alpha: factor of the velocities.
        frequency: peak of the Ricker wavelet, Hz.
        dt: time step, s.

    Returns:
        Gathers (S, T, R) float32.
    """
    shots, nt, receivers = gathers.shape
    wavelet, times = ricker(frequency, dt), np.arange(nt)
    period = 2 * nt  # the record stretched, and what its end leaves beyond it
    here = 2 * np.pi * np.arange(int(_BAND * frequency * dt * period) + 1) / period
    here = here[here < np.pi]
    there = 2 * np.arcsin(np.minimum(np.sin(here / 2) / alpha, 1))
    quotient = np.exp(1j * (here - there)) * _quotient(wavelet, here, there)
    traces = gathers.astype(np.float32).transpose(1, 0, 2).reshape(nt, -1)
    read = _waves(-np.outer(there, times)) @ traces
    read *= (2 / period * quotient).astype(np.complex64)[:, None]
    read[0] /= 2  # the mean has no counterpart at a negative frequency
    written = (_waves(np.outer(times, here)) @ read).real
    written[int(nt / alpha) :] = 0
    return written.reshape(nt, shots, receivers).transpose(1, 0, 2)


def _quotient(wavelet: Array, here: Array, there: Array) -> Array:
    """Divide the wavelet's spectrum by itself at other angles, without dividing by nothing."""
    below = _spectrum(wavelet, there)
    power = np.abs(below) ** 2
    return _spectrum(wavelet, here) * below.conj() / (power + _LEAST**2 * power.max())


def _spectrum(signal: Array, angles: Array) -> Array:
    return np.exp(-1j * np.outer(angles, np.arange(len(signal)))) @ signal


def _waves(phases: Array) -> Array:
    return np.exp(1j * phases).astype(np.complex64)
