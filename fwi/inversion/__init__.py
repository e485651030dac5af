"""Maps that explain the gathers: refinement by Gauss-Newton steps on the exact operator."""

from fwi.inversion.refinement import refine
from fwi.inversion.result import Refined, Refinement

__all__ = ["Refined", "Refinement", "refine"]
