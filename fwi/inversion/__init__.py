"""Maps that explain the gathers: refinement by Gauss-Newton steps on the exact operator."""

from fwi.inversion.refinement import Refined, Refinement, refine

__all__ = ["Refined", "Refinement", "refine"]
