"""Networks from gathers to velocity maps, by name."""

from fwi.models import unet
from fwi.models.registry import create_model, model_names, register_model, resolve, shots_of

__all__ = ["create_model", "model_names", "register_model", "resolve", "shots_of", "unet"]
