"""Maps that explain the gathers: refinement by Gauss-Newton steps on the exact operator."""
