"""Transforms of a sample that filter its traces, and know its wavelet."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi import openfwi
from fwi.arrays import Array
from fwi.checks import check_number
from fwi.data.augment.gathers import GATHER_TRANSFORMS
from fwi.data.augment.library import A, check_probability, check_span
from fwi.data.augment.spectra import band_noise, scaled_gathers


@GATHER_TRANSFORMS.register("noise")
class BandNoise(A.ImageOnlyTransform):
    """Add normal noise in the wavelet's band: d + n, of the same map.

    Args:
        snr: signal-to-noise ratio, dB: 10 log10 of the gathers' mean square over the noise's, the
            direct wave included.
        frequency: peak of the Ricker wavelet, whose amplitude spectrum the noise has, Hz.
        dt: time step, s.
        p: probability.
    """

    def __init__(
        self,
        snr: tuple[float, float] = (20.0, 50.0),
        frequency: float = openfwi.FREQUENCY,
        dt: float = openfwi.DT,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=check_probability(p))
        self.snr = check_span("snr", snr, -100.0, 200.0)
        self.frequency, self.dt = _sampling(frequency, dt)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw the ratio and the noise."""
        gathers = data["image"].astype(np.float32)
        level = 10 ** (-self.py_random.uniform(*self.snr) / 20)
        noise = band_noise(self.random_generator, gathers.shape, self.frequency, self.dt)
        return {"noise": level * np.sqrt(np.mean(gathers**2)) * noise}

    def apply(self, img: Array, noise: Array, **_: Any) -> Array:
        """Add it."""
        return (img + noise).astype(img.dtype)


@GATHER_TRANSFORMS.register("velocity_scale")
class VelocityScale(A.DualTransform):
    """Multiply the map by alpha, and scale the time of its gathers (`scaled_gathers`).

    The inverse is the transform by 1 / alpha. It is not exact: docs/data.md has the errors. The
    map stays in `limits`: alpha is drawn from what both intervals share, and the sample is left as
    it is where that is nothing.

    Args:
        alpha: factor of the velocities; above 1 the end of the record is missing, and zero.
        limits: of the velocities, m/s.
        frequency: peak of the Ricker wavelet, Hz.
        dt: time step, s.
        p: probability.
    """

    def __init__(
        self,
        alpha: tuple[float, float] = (0.8, 1.0),
        limits: tuple[float, float] = (openfwi.SLOWEST, openfwi.FASTEST),
        frequency: float = openfwi.FREQUENCY,
        dt: float = openfwi.DT,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=check_probability(p))
        self.alpha = check_span("alpha", alpha, 0.5, 2.0)
        self.limits = check_span("limits", limits, 1.0, 1e5)
        self.frequency, self.dt = _sampling(frequency, dt)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw alpha."""
        lowest = max(self.alpha[0], self.limits[0] / float(data["mask"].min()))
        highest = min(self.alpha[1], self.limits[1] / float(data["mask"].max()))
        by = self.py_random.uniform(lowest, highest) if lowest <= highest else 1.0
        return {"by": by}

    @property
    def targets_as_params(self) -> list[str]:
        """Ask for the map."""
        return ["mask"]

    def apply(self, img: Array, by: float, **_: Any) -> Array:
        """Scale gathers (S, T, R)."""
        if by == 1:
            return img
        return scaled_gathers(img, by, self.frequency, self.dt).astype(img.dtype)

    def apply_to_mask(self, mask: Array, by: float, **_: Any) -> Array:
        """Scale a velocity map (Z, X)."""
        # Alpha keeps to the limits; rounding need not.
        return (mask * by).astype(mask.dtype).clip(*self.limits) if by != 1 else mask


def _sampling(frequency: float, dt: float) -> tuple[float, float]:
    frequency, dt = check_number("frequency", frequency, 1e-6), check_number("dt", dt, 1e-12)
    if not frequency * dt < 0.5:
        raise ValueError(
            f"frequency must be below {0.5 / dt:g} Hz for dt = {dt:g} s, got {frequency:g} Hz; "
            "lower it or shorten dt"
        )
    return frequency, dt
