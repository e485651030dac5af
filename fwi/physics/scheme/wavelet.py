"""The source's signal over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fwi.geometry import AcquisitionGeometry


def ricker(frequency: float, dt: float) -> npt.NDArray[np.float64]:
    """Ricker wavelet, w[j] = (1 - 2 b) exp(-b) with b = (pi f dt (c - j))^2.

    It is cut where the OpenFWI data cut theirs, 1.1 / f on either side of the peak: 147 samples
    at 15 Hz and 1 ms, the peak, w[73] = 1, in the middle.

    Args:
        frequency: peak frequency f, Hz.
        dt: time step, s.

    Returns:
        The wavelet, (2 c + 1,), c = floor(1.1 / (f dt)).

    Source:
        N. Ricker, Geophysics 18 (1953).
    """
    centre = int(1.1 / (frequency * dt))
    b = ((centre - np.arange(2 * centre + 1)) * frequency * dt * np.pi) ** 2
    return (1 - 2 * b) * np.exp(-b)


def source_signal(geometry: AcquisitionGeometry) -> npt.NDArray[np.float64]:
    """The wavelet over a whole record, (nt,): cut at its end, or zero after the wavelet's."""
    signal = np.zeros(geometry.nt)
    wavelet = ricker(geometry.frequency, geometry.dt)[: geometry.nt]
    signal[: len(wavelet)] = wavelet
    return signal
