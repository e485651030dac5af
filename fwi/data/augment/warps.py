"""albumentations' own geometric transforms, as velocity maps (Z, X), m/s, as `image` need them."""

from __future__ import annotations

import numpy as np

from fwi.checks import check_number, check_whole
from fwi.data.augment.library import A, check_span
from fwi.data.augment.sampling import EDGE, Sampling, Warp


class AffineCrop(Warp, A.Affine):
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
        p = self.sampled(sampling, p)
        self.shift = check_span("shift", shift, -1.0, 1.0)
        A.Affine.__init__(
            self,
            scale=check_span("scale", scale, 1.0, 10.0),
            rotate=check_span("rotate", rotate, -180.0, 180.0),
            translate_percent={"x": self.shift, "y": self.shift},
            keep_ratio=True,
            border_mode=EDGE,
            p=p,
        )


class ElasticWarp(Warp, A.ElasticTransform):
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
        p = self.sampled(sampling, p)
        self.cells = check_number("cells", cells, 0.0, 1e3)
        sigma = check_number("sigma", sigma, 1.0, 1e3)
        # Noise in [-1, 1] has a deviation of 1 / sqrt(3); a Gaussian leaves 1 / (2 sqrt(pi) sigma)
        # of that. Normal noise is scaled by its largest value first, which no formula follows.
        alpha = 2 * np.sqrt(3 * np.pi) * sigma * self.cells
        A.ElasticTransform.__init__(
            self, alpha, sigma, noise_distribution="uniform", border_mode=EDGE, p=p
        )


class GridWarp(Warp, A.GridDistortion):
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
        p = self.sampled(sampling, p)
        self.steps = check_whole("steps", steps, 1, 100)
        self.limit = check_number("limit", limit, 0.0, 0.9)
        span = (-self.limit, self.limit)
        A.GridDistortion.__init__(self, self.steps, span, border_mode=EDGE, p=p)
