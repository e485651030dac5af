"""What geometric transforms of velocity maps share: how maps are sampled, and beyond their edges.

Every one gives each cell the value of another place of the map: none reaches beyond the map's own
range, so that nothing is clipped. Where a place lies outside the map, the nearest edge cell counts,
as it does for the simulator.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2

from fwi.arrays import Array
from fwi.data.augment.library import A, check_probability

Sampling = Literal["auto", "nearest", "linear"]
_CODES = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR}
EDGE = cv2.BORDER_REPLICATE
_FLAT = 0.5  # generated and real maps of layers have 0.8 or more, of style families 0


def is_layered(velocity: Array) -> bool:
    """Tell whether a map (Z, X) is of layers: half of its cells or more equal a neighbour."""
    down, across = velocity[1:] == velocity[:-1], velocity[:, 1:] == velocity[:, :-1]
    return bool(max(down.mean(), across.mean()) >= _FLAT)


class Warp(A.DualTransform):
    """What samples a map: the nearest cell where it is layered, else linearly between cells.

    Args of every warp:
        sampling: "nearest" makes no velocity that the map has not, "linear" no steps in a smooth
            one; "auto" is the first for layered maps (`is_layered`), the second for others.
        p: probability.
    """

    sampling: Sampling

    def sampled(self, sampling: Sampling, p: float) -> float:
        """Keep how maps are sampled, and give the probability."""
        if sampling not in ("auto", *_CODES):
            raise ValueError(f"sampling must be 'auto', 'nearest' or 'linear', got {sampling!r}")
        self.sampling = sampling
        return check_probability(p)

    def update_transform_params(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Choose the interpolation of this map."""
        chosen = self.sampling
        if chosen == "auto":
            chosen = "nearest" if is_layered(data["image"]) else "linear"
        self.interpolation = self.mask_interpolation = _CODES[chosen]
        return super().update_transform_params(params, data)
