"""What fits minimise, by name."""

from fwi.training.objectives import critic, feedback

__all__ = ["critic", "feedback"]
