"""The models by name: one decorator to add one, one function to build one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from fwi.checks import nearest

Build = Callable[..., nn.Module]
_models: dict[str, tuple[Build, dict[str, dict[str, Any]]]] = {}


def register_model(
    name: str, variants: dict[str, dict[str, Any]] | None = None
) -> Callable[[Build], Build]:
    """Return a decorator that files a builder under a name.

    Args:
        name: what `create_model` is asked for; given once.
        variants: options by the name of a variant, the default one first.

    Raises:
        ValueError: if the name is taken.
    """
    if name in _models:
        raise ValueError(f"model {name!r} is registered already; choose another name")

    def register(build: Build) -> Build:
        _models[name] = (build, variants or {"base": {}})
        return build

    return register


def model_names() -> list[tuple[str, str]]:
    """List every registered (name, variant)."""
    return [(name, variant) for name, (_, variants) in _models.items() for variant in variants]


def create_model(name: str, variant: str | None = None, **options: Any) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        name: a registered model, such as "unet".
        variant: one of its variants; the first where None.
        **options: replace those of the variant.

    Returns:
        A module from raw gathers (B, S, T, R) to velocity (B, 1, 70, 70), m/s.

    Raises:
        KeyError: if the model or variant is unknown; it names the nearest.
        TypeError: if an option is unknown to the model.
    """
    _, merged = resolve(name, variant, options)
    return _models[name][0](**merged)


def resolve(name: str, variant: str | None, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Spell out what `create_model` builds, so that a checkpoint does not hang on defaults.

    Returns:
        The variant, and its options with the given ones over them.

    Raises:
        KeyError: if the model or variant is unknown; it names the nearest.
    """
    if name not in _models:
        raise KeyError(f"unknown model {name!r}; {nearest(name, _models)}")
    variants = _models[name][1]
    variant = variant or next(iter(variants))
    if variant not in variants:
        raise KeyError(f"unknown variant {variant!r} of {name}; {nearest(variant, variants)}")
    return variant, {**variants[variant], **options}


def shots_of(model: nn.Module) -> int:
    """Tell how many shots a network takes; it ignores any further ones."""
    return int(model.n_shots)  # type: ignore[arg-type]
