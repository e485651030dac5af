"""What moves the weights, by name."""

from fwi.training.optimizers import library, sam
from fwi.training.optimizers.base import OPTIMIZERS, create_optimizer, register_optimizer

__all__ = ["OPTIMIZERS", "create_optimizer", "library", "register_optimizer", "sam"]
