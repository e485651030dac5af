"""Transforms of a sample: gathers (S, T, R) as `image`, and their velocity map (Z, X) as `mask`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_whole
from fwi.data.augment.library import A, check_probability, check_span
from fwi.geometry import flip_gathers
from fwi.registry import Registry

GATHER_TRANSFORMS: Registry[type[A.BasicTransform]] = Registry("augmentation of gathers")


class LeftRightFlip(A.DualTransform):
    """Mirror a sample.

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
