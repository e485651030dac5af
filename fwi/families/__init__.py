"""Generated velocity maps of the ten OpenFWI families."""

from fwi.families import faulted, layered, style
from fwi.families.registry import NAMES, Recipe, recipe, register_family, sample

__all__ = [
    "NAMES",
    "Recipe",
    "faulted",
    "layered",
    "recipe",
    "register_family",
    "sample",
    "style",
]
