"""Augmentation: of maps, whose gathers are simulated anew, and of gathers with their maps."""

from fwi.data.augment.displaced import AddedFault, VerticalStretch
from fwi.data.augment.filters import BandNoise, VelocityScale
from fwi.data.augment.gathers import (
    GATHER_TRANSFORMS,
    AmplitudeScale,
    DeadReceivers,
    LeftRightFlip,
)
from fwi.data.augment.maps import Augmented, augment_maps
from fwi.data.augment.mixing import CutMix, MixUp
from fwi.data.augment.pipeline import gather_pipeline
from fwi.data.augment.recipes import RECIPES, MapRecipe
from fwi.data.augment.sampling import is_layered
from fwi.data.augment.warps import AffineCrop, ElasticWarp, GridWarp

__all__ = [
    "GATHER_TRANSFORMS",
    "RECIPES",
    "AddedFault",
    "AffineCrop",
    "AmplitudeScale",
    "Augmented",
    "BandNoise",
    "CutMix",
    "DeadReceivers",
    "ElasticWarp",
    "GridWarp",
    "LeftRightFlip",
    "MapRecipe",
    "MixUp",
    "VelocityScale",
    "VerticalStretch",
    "augment_maps",
    "gather_pipeline",
    "is_layered",
]
