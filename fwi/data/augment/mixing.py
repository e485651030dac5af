"""Transforms that mix a velocity map (Z, X), m/s, as `image` with another one, as `partner`.

`transform(image=velocity, partner=other)`. Values stay between those of the two maps.
"""

from __future__ import annotations

from typing import Any

from fwi.arrays import Array
from fwi.checks import check_shape
from fwi.data.augment.library import A, check_probability, check_span


class Mixing(A.ImageOnlyTransform):
    """What needs a second map."""

    @property
    def targets_as_params(self) -> list[str]:
        """Ask for the second map."""
        return ["partner"]

    def update_transform_params(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Hand the second map on, if it is of the first one's size."""
        check_shape("partner", data["partner"], data["image"].shape)
        return super().update_transform_params(params, data) | {"partner": data["partner"]}


class MixUp(Mixing):
    """The mean w a + (1 - w) b of two maps (Zhang et al., arXiv 1710.09412).

    Only the maps are mixed: gathers are not linear in them, and have to be simulated.

    Args:
        weight: w of the first map.
        p: probability.
    """

    def __init__(self, weight: tuple[float, float] = (0.3, 0.7), p: float = 0.5) -> None:
        super().__init__(p=check_probability(p))
        self.weight = check_span("weight", weight, 0.0, 1.0)

    def get_params(self) -> dict[str, Any]:
        """Draw the weight."""
        return {"w": self.py_random.uniform(*self.weight)}

    def apply(self, img: Array, partner: Array, w: float, **_: Any) -> Array:
        """Mix them; rounding must not leave the range of the two."""
        mixed = partner + w * (img - partner)
        lowest, highest = min(img.min(), partner.min()), max(img.max(), partner.max())
        return mixed.clip(lowest, highest).astype(img.dtype)


class CutMix(Mixing):
    """A rectangle of the second map in the first one (Yun et al., arXiv 1905.04899).

    Args:
        side: of the rectangle, parts of the map's sides.
        p: probability.
    """

    def __init__(self, side: tuple[float, float] = (0.3, 0.8), p: float = 0.5) -> None:
        super().__init__(p=check_probability(p))
        self.side = check_span("side", side, 0.0, 1.0)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw the rectangle; it lies in the map."""
        cut = []
        for cells in params["shape"][:2]:
            n = round(cells * self.py_random.uniform(*self.side))
            first = self.py_random.randint(0, cells - n)
            cut.append(slice(first, first + n))
        return {"cut": tuple(cut)}

    def apply(self, img: Array, partner: Array, cut: tuple[slice, slice], **_: Any) -> Array:
        """Put it there."""
        mixed = img.copy()
        mixed[cut] = partner[cut]
        return mixed
