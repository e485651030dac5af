"""Networks from gathers to velocity maps, by name."""

from fwi.models import (
    convnext,
    corrector,
    hgnet,
    inversionnet,
    metaformer,
    physics_unet,
    resnet9,
    unet,
    velocitygan,
    vit,
)
from fwi.models.registry import (
    count_parameters,
    create_model,
    find_model,
    map_shape_of,
    model_names,
    register_model,
    resolve,
    shots_of,
)

__all__ = [
    "convnext",
    "corrector",
    "count_parameters",
    "create_model",
    "find_model",
    "hgnet",
    "inversionnet",
    "map_shape_of",
    "metaformer",
    "model_names",
    "physics_unet",
    "register_model",
    "resnet9",
    "resolve",
    "shots_of",
    "unet",
    "velocitygan",
    "vit",
]
