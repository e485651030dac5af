"""Ways down a band's objective by name; importing this room registers them."""

from fwi.inversion.methods import adam, cg, dense, lbfgs
from fwi.inversion.methods.base import METHODS, Method
from fwi.inversion.methods.choice import choose

__all__ = ["METHODS", "Method", "adam", "cg", "choose", "dense", "lbfgs"]
