"""Clipping of gradients, between `backward` and the optimizer's step."""

from __future__ import annotations

import math

from array_api_compat import array_namespace

from fwi.core.arrays import real
from fwi.core.layer import Layer, check_layer

_EPS = 1e-6  # torch's: a gradient of zero stays zero


def clip_by_norm(layer: Layer, limit: float) -> float:
    """Shorten all gradients together, keeping their direction.

    |g| = sqrt(sum over all parameters and elements of g^2)
    g  <- g min(1, limit / (|g| + 1e-6))

    Args:
        layer: whose `grads`, and those inside, are replaced.
        limit: longest |g| that is left alone, above 0.

    Returns:
        |g| before clipping.

    Raises:
        ValueError: if the limit is not above 0.
        FloatingPointError: if |g| is not finite: no factor would repair it.

    Source:
        Pascanu, Mikolov and Bengio, arXiv 1211.5063, algorithm 1.
    """
    _check_limit(limit)
    check_layer("layer", layer)
    norm = gradient_norm(layer)
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"the norm of the gradients must be finite, got {norm}; lower the learning rate"
        )
    factor = limit / (norm + _EPS)
    if factor < 1:
        for _, grads, name in layer.entries("grads"):
            grads[name] = grads[name] * factor
    return norm


def clip_by_value(layer: Layer, limit: float) -> None:
    """Cut every element of every gradient: g <- min(max(g, -limit), limit).

    Args:
        layer: whose `grads`, and those inside, are replaced.
        limit: largest magnitude that is left alone, above 0.

    Raises:
        ValueError: if the limit is not above 0.
    """
    _check_limit(limit)
    check_layer("layer", layer)
    for _, grads, name in layer.entries("grads"):
        gradient = grads[name]
        grads[name] = array_namespace(gradient).clip(gradient, -limit, limit)


def gradient_norm(layer: Layer) -> float:
    """Give |g| = sqrt(sum g^2) over all gradients of a layer and of those inside."""
    total = 0.0
    for _, grads, name in layer.entries("grads"):
        gradient = grads[name]
        total += float(array_namespace(gradient).sum(gradient * gradient))
    return math.sqrt(total)


def _check_limit(limit: float) -> None:
    if not real("limit", limit) > 0:
        raise ValueError(f"limit must be above 0, got {limit:g}; leave clipping out instead")
