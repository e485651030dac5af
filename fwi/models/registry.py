"""The models by name: one decorator to add one, one function to build one."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from fwi.models.options import check_options
from fwi.models.sizes import MAP, Shape
from fwi.openfwi import SIDE
from fwi.registry import Registry, nearest

Build = Callable[..., nn.Module]
Builder = TypeVar("Builder", bound=Build)


@dataclass(frozen=True)
class Entry:
    """A registered model.

    Attributes:
        build: from options to a module.
        variants: options by the name of a variant, the default one first.
        source: where the architecture is described.
        published: what the field reached with a variant, MAE on the competition's leaderboard, m/s.
    """

    build: Build
    variants: Mapping[str, dict[str, Any]]
    source: str = ""
    published: Mapping[str, float] = field(default_factory=dict)


_models: Registry[Entry] = Registry("model")


def register_model(
    name: str,
    variants: Mapping[str, dict[str, Any]] | None = None,
    source: str = "",
    published: Mapping[str, float] | None = None,
) -> Callable[[Builder], Builder]:
    """Return a decorator that files a builder under a name.

    Args:
        name: what `create_model` is asked for; given once.
        variants: options by the name of a variant, the default one first.
        source: where the architecture is described.
        published: see `Entry`.

    Raises:
        ValueError: if the name is taken.
    """
    file = _models.register(name)  # refuses a name that is taken

    def register(build: Builder) -> Builder:
        file(Entry(build, variants or {"base": {}}, source, published or {}))
        return build

    return register


def model_names() -> list[tuple[str, str]]:
    """List every registered (name, variant)."""
    return [(name, variant) for name, entry in _models.items() for variant in entry.variants]


def find_model(name: str) -> Entry:
    """Look a model up.

    Raises:
        KeyError: if it is unknown; it names the nearest.
    """
    return _models[name]


def create_model(
    name: str, variant: str | None = None, *, pretrained: bool | str | Path = False, **options: Any
) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        name: a registered model, such as "unet".
        variant: one of its variants; the first where None.
        pretrained: start the encoder from timm's published weights, or from those of a local
            .safetensors file in timm's format.
        **options: replace those of the variant.

    Returns:
        A module from raw gathers (B, S, T, R) to velocity (B, 1, 70, 70), m/s, or of the option
        `map_shape`, rows and columns.

    Raises:
        KeyError: if the model or variant is unknown; it names the nearest.
        TypeError: if an option is unknown to the model, or it has no pretrained encoder.
        ValueError: if an option's value does not fit, or the network cannot be built with it.
        FileNotFoundError: if pretrained weights are not to be had.
    """
    _, merged = resolve(name, variant, options)
    check_options(name, merged)
    if merged.get("n_shots", 1) < 1:
        raise ValueError(
            f"n_shots of {name} must be at least 1, got {merged['n_shots']}; OpenFWI has 5"
        )
    if pretrained:
        merged["pretrained"] = pretrained
    try:
        return find_model(name).build(**merged)
    except Exception as error:  # a value that none foresaw fails anywhere in timm and torch
        if _is_ours(error):
            raise
        text = _explain_unknown(error, name, merged)
        if text is not None:
            raise TypeError(text) from None
        said = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(
            f"{name} cannot be built with {_spelt(options)}: {type(error).__name__}, {said}; "
            "change its options"
        ) from error


def _is_ours(error: Exception) -> bool:
    """Tell whether an error was raised here, in a sentence, and not in a library."""
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    ours = str(last.f_globals.get("__name__", "")).startswith("fwi.")
    return ours and isinstance(error, ValueError | KeyError | OSError)


def _spelt(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={v!r:.60}" for k, v in options.items())[:200] or "its defaults"


def _explain_unknown(error: Exception, name: str, options: dict[str, Any]) -> str | None:
    """Reword what Python says of an unknown option, which may be one of an inner constructor."""
    found = re.match(r"(\w+).*\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if found is None or found[2] not in options:
        return None
    if found[2] == "pretrained":
        return f"{name} has no pretrained encoder; leave train.pretrained false"
    if found[2] == "map_shape":
        return (
            f"maps of {name} must be {SIDE} x {SIDE}, got map_shape {options['map_shape']!r}; "
            "choose another network, or maps of that size"
        )
    # Options pass through several builders, each of which takes some of them: all the callers, and
    # the one that was called in vain, known to the last caller by its name.
    known: set[str] = set()
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
    for frame in frames:
        code = frame.f_code
        known.update(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    called = frames[-1].f_globals.get(found[1]) if frames else find_model(name).build
    if called is not None:
        known.update(k for k, p in signature(called).parameters.items() if p.kind != p.VAR_KEYWORD)
    return f"unknown option {found[2]!r} of {name}; {nearest(found[2], known - {'self', 'body'})}"


def resolve(name: str, variant: str | None, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Spell out what `create_model` builds, so that a checkpoint does not hang on defaults.

    Returns:
        The variant, and its options with the given ones over them.

    Raises:
        KeyError: if the model or variant is unknown; it names the nearest.
    """
    variants = find_model(name).variants
    variant = variant or next(iter(variants))
    if variant not in variants:
        raise KeyError(f"unknown variant {variant!r} of {name}; {nearest(variant, variants)}")
    return variant, {**variants[variant], **options}


def count_parameters(name: str, variant: str) -> int:
    """Count the parameters of a variant without filling them."""
    with torch.device("meta"):
        return sum(p.numel() for p in create_model(name, variant).parameters())


def map_shape_of(model: nn.Module) -> Shape:
    """Tell the rows and columns of a network's maps, OpenFWI's unless it says otherwise."""
    rows, columns = getattr(model, "map_shape", MAP)
    return rows, columns


def shots_of(model: nn.Module) -> int:
    """Tell how many shots a network takes; it ignores any further ones."""
    return int(model.n_shots)  # type: ignore[arg-type]
