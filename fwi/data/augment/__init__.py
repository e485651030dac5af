"""Augmentation: of maps, whose gathers are simulated anew, and of gathers with their maps."""

from fwi.data.augment.gathers import (
    GATHER_TRANSFORMS,
    AmplitudeScale,
    BandNoise,
    DeadReceivers,
    LeftRightFlip,
    VelocityScale,
    gather_pipeline,
)
from fwi.data.augment.mixing import CutMix, MixUp
from fwi.data.augment.recipes import RECIPES, Augmented, MapRecipe, augment_maps
from fwi.data.augment.warps import (
    AddedFault,
    AffineCrop,
    ElasticWarp,
    GridWarp,
    VerticalStretch,
    is_layered,
)

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
