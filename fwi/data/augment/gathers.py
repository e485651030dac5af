"""Transforms of a sample: albumentations transforms over (S, T, R) gathers and their map.

They make a pipeline with `albumentations.Compose(..., is_check_shapes=False)`, since gathers and
map differ in their sizes by nature; `fwi.data.dataset.GatherDataset` takes it, and `train.augment`
names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import Any

import numpy as np

from fwi import openfwi
from fwi.arrays import Array
from fwi.checks import check_number, check_whole
from fwi.config import Choice
from fwi.data.augment.library import A, check_probability, check_span
from fwi.data.augment.spectra import band_noise, scaled_gathers
from fwi.geometry import OPENFWI, AcquisitionGeometry, flip_gathers
from fwi.registry import Registry

GATHER_TRANSFORMS: Registry[type[A.BasicTransform]] = Registry("augmentation of gathers")


class LeftRightFlip(A.DualTransform):
    """Mirror a sample: the gathers as `image` (S, T, R), the velocity map as `mask` (Z, X).

    Exact with six shots; with five the middle shot is one cell off (`fwi.geometry.flip_gathers`).
    """

    def apply(self, img: Array, **params: Any) -> Array:
        """Mirror gathers (S, T, R)."""
        return flip_gathers(img)

    def apply_to_mask(self, mask: Array, **params: Any) -> Array:
        """Mirror a velocity map (Z, X)."""
        return mask[:, ::-1]


@GATHER_TRANSFORMS.register("dead_receivers")
class DeadReceivers(A.ImageOnlyTransform):
    """Set some receivers to zero in all shots: what was recorded is less, the map is the same.

    Args:
        count: fewest and most receivers, of which never all are taken.
        p: probability.
    """

    def __init__(self, count: tuple[int, int] = (1, 7), p: float = 0.5) -> None:
        super().__init__(p=check_probability(p))
        fewest, most = check_span("count", count, 0, 100_000)
        self.count = (
            check_whole("count", fewest, 0, 100_000),
            check_whole("count", most, 0, 100_000),
        )

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw which."""
        receivers = params["shape"][-1]
        n = min(self.py_random.randint(*self.count), receivers - 1)
        return {"dead": self.random_generator.choice(receivers, n, replace=False)}

    def apply(self, img: Array, dead: Array, **_: Any) -> Array:
        """Silence them."""
        left = img.copy()
        left[..., dead] = 0
        return left


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


@GATHER_TRANSFORMS.register("amplitude")
class AmplitudeScale(A.ImageOnlyTransform):
    """Multiply the gathers by a factor: the wave equation is linear in its source, c w gives c d.

    Args:
        factor: its logarithm is uniform.
        p: probability.
    """

    def __init__(self, factor: tuple[float, float] = (0.8, 1.25), p: float = 0.5) -> None:
        super().__init__(p=check_probability(p))
        self.factor = check_span("factor", factor, 1e-2, 1e2)

    def get_params(self) -> dict[str, Any]:
        """Draw the factor."""
        return {"by": float(np.exp(self.py_random.uniform(*np.log(self.factor))))}

    def apply(self, img: Array, by: float, **_: Any) -> Array:
        """Multiply by it."""
        return (img * np.float32(by)).astype(img.dtype)


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
        return (mask * by).astype(mask.dtype).clip(*self.limits) if by != 1 else mask


def gather_pipeline(
    choices: Iterable[Choice], recording: AcquisitionGeometry = OPENFWI
) -> A.Compose | None:
    """Build what a dataset does to each sample; None where nothing is chosen.

    Args:
        choices: names of `GATHER_TRANSFORMS` with their options, in order.
        recording: whose wavelet and time step are the default of the transforms that have such.

    Raises:
        KeyError: if there is no such transform; it names the nearest.
        TypeError: if it takes no such option, or one is of another kind.
        ValueError: if a value does not fit.
    """
    recorded = {"frequency": recording.frequency, "dt": recording.dt}
    transforms = []
    for choice in choices:
        known = signature(GATHER_TRANSFORMS[choice.name]).parameters
        options = {key: value for key, value in recorded.items() if key in known}
        transforms.append(GATHER_TRANSFORMS.build(choice.name, **options | choice.options))
    return A.Compose(transforms, is_check_shapes=False) if transforms else None


def _sampling(frequency: float, dt: float) -> tuple[float, float]:
    frequency, dt = check_number("frequency", frequency, 1e-6), check_number("dt", dt, 1e-12)
    if not frequency * dt < 0.5:
        raise ValueError(
            f"frequency must be below {0.5 / dt:g} Hz for dt = {dt:g} s, got {frequency:g} Hz"
        )
    return frequency, dt
