"""Generated velocity maps of the ten OpenFWI families."""

from fwi.families import faulted, layered, style
from fwi.families.registry import NAMES, register_family, sample

__all__ = ["NAMES", "faulted", "layered", "register_family", "sample", "style"]
