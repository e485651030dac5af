"""Generated velocity maps of the ten OpenFWI families."""

from fwi.families import faulted, layered, style
from fwi.families.registry import NAMES, check_family, register_family, sample

__all__ = ["NAMES", "check_family", "faulted", "layered", "register_family", "sample", "style"]
