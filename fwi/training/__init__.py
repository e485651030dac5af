"""Fitting a network, and keeping it."""

from fwi.training import adversarial, feedback

__all__ = ["adversarial", "feedback"]
