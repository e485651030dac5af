"""Augmentations of a sample: albumentations transforms over (S, T, R) gathers and their map.

They make a pipeline with `albumentations.Compose(..., is_check_shapes=False)`, since gathers and
map differ in their sizes by nature; `fwi.data.dataset.GatherDataset` takes it.
"""

from __future__ import annotations

import os
from typing import Any

from fwi.arrays import Array

# albumentations asks the package index for a newer version of itself at import.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A

from fwi.geometry import flip_gathers


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
