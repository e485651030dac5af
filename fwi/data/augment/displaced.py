"""Transforms of velocity maps (Z, X), m/s, as `image`, that know the earth: depth, and faults."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from fwi.arrays import Array
from fwi.data.augment.library import check_span
from fwi.data.augment.sampling import EDGE, Sampling, Warp


class _Displaced(Warp):
    """What gives each cell the value of a place, `depth` and `x`, (Z, X) each, in cells."""

    def apply(self, img: Array, depth: Array, x: Array, **_: Any) -> Array:
        """Sample the map at the places."""
        x, depth = x.astype(np.float32), depth.astype(np.float32)
        return cv2.remap(img, x, depth, self.interpolation, borderMode=EDGE)


class VerticalStretch(_Displaced):
    """Stretch the map downward from its surface.

    Args:
        factor: of depths; below 1 the last row goes on downward.
        sampling: see `is_layered`.
        p: probability.
    """

    def __init__(
        self,
        factor: tuple[float, float] = (0.75, 1.5),
        sampling: Sampling = "auto",
        p: float = 0.5,
    ) -> None:
        super().__init__(p=self.sampled(sampling, p))
        self.factor = check_span("factor", factor, 0.1, 10.0)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw the factor, and the places."""
        depth, x = np.mgrid[: params["shape"][0], : params["shape"][1]]
        return {"depth": depth / self.py_random.uniform(*self.factor), "x": x}


class AddedFault(_Displaced):
    """Slide the ground on the right of a straight line along it.

    Args:
        throw: vertical part of the slip, rows, up or down.
        dip: of the line from the horizontal, degrees in (0, 180).
        sampling: see `is_layered`.
        p: probability.
    """

    def __init__(
        self,
        throw: tuple[float, float] = (4.0, 20.0),
        dip: tuple[float, float] = (40.0, 140.0),
        sampling: Sampling = "auto",
        p: float = 0.5,
    ) -> None:
        super().__init__(p=self.sampled(sampling, p))
        self.throw = check_span("throw", throw, 0.0, 1e3)
        self.dip = check_span("dip", dip, 1.0, 179.0)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Draw a line through the middle of the map, and follow its ground back along it."""
        nz, nx = params["shape"][:2]
        depth, x = np.mgrid[:nz, :nx].astype(np.float64)
        draw = self.py_random.uniform
        row, column = nz * draw(0.2, 0.8), nx * draw(0.1, 0.9)
        dip, throw = np.deg2rad(draw(*self.dip)), draw(*self.throw)
        slip = throw * self.py_random.choice((-1, 1))
        right = (x - column) * np.sin(dip) > (depth - row) * np.cos(dip)
        return {"depth": depth - slip * right, "x": x - slip / np.tan(dip) * right}
