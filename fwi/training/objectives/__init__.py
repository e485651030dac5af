"""What fits minimise, by name."""

from fwi.training.objectives import critic, feedback, supervised
from fwi.training.objectives.base import Objective, create_objective, register_objective

__all__ = [
    "Objective",
    "create_objective",
    "critic",
    "feedback",
    "register_objective",
    "supervised",
]
