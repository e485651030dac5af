"""Priors by name; importing this room registers them."""

from fwi.inversion.priors.base import PRIORS, Curvature, Prior
from fwi.inversion.priors.gaussian import Gaussian
from fwi.inversion.priors.reference import Nothing, Reference
from fwi.inversion.priors.regions import Regions
from fwi.inversion.priors.variation import Variation

__all__ = [
    "PRIORS", "Curvature", "Gaussian", "Nothing", "Prior", "Reference", "Regions", "Variation",
]  # fmt: skip
