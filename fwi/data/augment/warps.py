"""Geometric transforms of velocity maps (Z, X), m/s, as `image`, for gathers simulated anew.

Every one gives each cell the value of another place of the map: none reaches beyond the map's own
range, so that nothing is clipped. Where a place lies outside the map, the nearest edge cell counts,
as it does for the simulator.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

from fwi.arrays import Array
from fwi.checks import check_number, check_whole
from fwi.data.augment.library import A, check_probability, check_span

Sampling = Literal["auto", "nearest", "linear"]
_CODES = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR}
_EDGE = cv2.BORDER_REPLICATE
_FLAT = 0.5  # generated and real maps of layers have 0.8 or more, of style families 0


def is_layered(velocity: Array) -> bool:
    """Tell whether a map (Z, X) is of layers: half of its cells or more equal a neighbour."""
    down, across = velocity[1:] == velocity[:-1], velocity[:, 1:] == velocity[:, :-1]
    return bool(max(down.mean(), across.mean()) >= _FLAT)


class _Warp(A.DualTransform):
    """What samples a map: the nearest cell where it is layered, else linearly between cells.

    Args of every warp:
        sampling: "nearest" makes no velocity that the map has not, "linear" no steps in a smooth
            one; "auto" is the first for layered maps (`is_layered`), the second for others.
        p: probability.
    """

    sampling: Sampling

    def _sample(self, sampling: Sampling, p: float) -> float:
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


class AffineCrop(_Warp, A.Affine):
    """A part of the map, turned and moved, at the size of the whole.

    Args:
        scale: of lengths, 1 or more.
        rotate: degrees.
        shift: of the centre, parts of the map's sides.
        sampling: see `is_layered`.
        p: probability.
    """

    def __init__(
        self,
        scale: tuple[float, float] = (1.0, 1.6),
        rotate: tuple[float, float] = (-10.0, 10.0),
        shift: tuple[float, float] = (-0.15, 0.15),
        sampling: Sampling = "auto",
        p: float = 0.5,
    ) -> None:
        p = self._sample(sampling, p)
        self.shift = check_span("shift", shift, -1.0, 1.0)
        A.Affine.__init__(
            self,
            scale=check_span("scale", scale, 1.0, 10.0),
            rotate=check_span("rotate", rotate, -180.0, 180.0),
            translate_percent={"x": self.shift, "y": self.shift},
            keep_ratio=True,
            border_mode=_EDGE,
            p=p,
        )


class ElasticWarp(_Warp, A.ElasticTransform):
    """Displace every cell by a smooth random field (Simard et al., ICDAR 2003).

    Args:
        cells: root mean square of each component of the displacement.
        sigma: of the Gaussian that smooths it, cells.
        sampling: see `is_layered`.
        p: probability.
    """

    def __init__(
        self,
        cells: float = 2.0,
        sigma: float = 8.0,
        sampling: Sampling = "auto",
        p: float = 0.5,
    ) -> None:
        p = self._sample(sampling, p)
        self.cells = check_number("cells", cells, 0.0, 1e3)
        sigma = check_number("sigma", sigma, 1.0, 1e3)
        # Noise in [-1, 1] has a deviation of 1 / sqrt(3); a Gaussian leaves 1 / (2 sqrt(pi) sigma)
        # of that. Normal noise is scaled by its largest value first, which no formula follows.
        alpha = 2 * np.sqrt(3 * np.pi) * sigma * self.cells
        A.ElasticTransform.__init__(
            self, alpha, sigma, noise_distribution="uniform", border_mode=_EDGE, p=p
        )


class GridWarp(_Warp, A.GridDistortion):
    """Stretch and squeeze the columns and rows of a coarse grid at random.

    Args:
        steps: cells of the grid a side.
        limit: largest relative change of a cell's side.
        sampling: see `is_layered`.
        p: probability.
    """

    def __init__(
        self,
        steps: int = 5,
        limit: float = 0.4,
        sampling: Sampling = "auto",
        p: float = 0.5,
    ) -> None:
        p = self._sample(sampling, p)
        self.steps = check_whole("steps", steps, 1, 100)
        self.limit = check_number("limit", limit, 0.0, 0.9)
        span = (-self.limit, self.limit)
        A.GridDistortion.__init__(self, self.steps, span, border_mode=_EDGE, p=p)


class _Displaced(_Warp):
    """What gives each cell the value of a place, `depth` and `x`, (Z, X) each, in cells."""

    def apply(self, img: Array, depth: Array, x: Array, **_: Any) -> Array:
        """Sample the map at the places."""
        x, depth = x.astype(np.float32), depth.astype(np.float32)
        return cv2.remap(img, x, depth, self.interpolation, borderMode=_EDGE)


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
        super().__init__(p=self._sample(sampling, p))
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
        super().__init__(p=self._sample(sampling, p))
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
