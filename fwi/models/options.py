"""What options of networks may be, whoever wrote them: a config, a notebook, a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)
from typing_extensions import TypedDict

_LARGEST = 2**13  # of any number: channels, cells, shots
_DEEPEST, _MOST = 4, 256  # of nested options
# What makes timm read files: weights come by `pretrained` alone, which no checkpoint can ask for.
_FILES = ("pretrained", "checkpoint_path", "cache_dir")

Positive = Annotated[StrictInt, Field(ge=1)]
Number = StrictInt | float
Numbers = list[StrictInt] | tuple[StrictInt, ...]
Channels = list[Positive] | tuple[Positive, ...]
Nested = dict[StrictStr, Any] | None


class _Options(TypedDict, total=False):
    """The types of the options that the registered networks share; others are their builder's."""

    __pydantic_config__ = ConfigDict(extra="allow", strict=True)  # type: ignore[misc]

    architecture: StrictStr
    between: Any
    channels: Any
    confidence: StrictBool
    decoder_channels: Channels
    depth: Any
    drop_path: Number
    encoder: StrictStr
    encoder_options: Nested
    gain: Number | None
    instance_norm: StrictBool
    layout: StrictStr
    map_shape: Numbers
    n_families: StrictInt
    n_shots: StrictInt
    norm: StrictBool
    output: Literal["linear", "sigmoid"]
    passes: StrictInt
    patch: Numbers
    per_shot: Any
    record: Numbers
    scse: StrictBool
    second: StrictStr
    second_options: Nested
    second_patch: Numbers
    skips: StrictBool
    stem_channels: Numbers
    time_fold: StrictStr
    trunk: StrictStr
    trunk_options: Nested
    upsample: StrictStr
    width: Number


_adapter: TypeAdapter[Any] = TypeAdapter(_Options)


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options of wrong types, numbers that are none or too large, and names of files.

    Args:
        name: of the network, for the error.
        options: by name.

    Raises:
        ValueError: if one does not fit; it names the option.
    """
    for count, (path, value) in enumerate(_walk(options, ())):
        said = _fault(path, value) or ("be fewer" if count >= _MOST else "")
        if said:
            where = ".".join(map(str, path))
            raise ValueError(f"{where} of {name} must {said}, got {_short(value)}; leave it out")
    try:
        _adapter.validate_python(dict(options))
    except ValidationError as error:
        fault = error.errors()[0]
        option = str(fault["loc"][0])
        raise ValueError(
            f"{option} of {name} does not fit: {fault['msg']}, got {_short(options[option])}; "
            "see fwi.create_model"
        ) from None


def _walk(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Go through everything below a value, but no deeper than is refused."""
    if path:
        yield path, value
    if len(path) > _DEEPEST:
        return
    if isinstance(value, Mapping):
        parts = list(value.items())
    else:
        parts = list(enumerate(value)) if isinstance(value, list | tuple) else []
    for key, part in parts:
        yield from _walk(part, (*path, key))


def _fault(path: tuple[Any, ...], value: Any) -> str:
    """Say what a value must be, where it is not."""
    if len(path) > _DEEPEST:
        return f"not be nested deeper than {_DEEPEST}"
    if not all(isinstance(key, str | int) for key in path):
        return "have names for keys"
    if any(str(key).startswith(_FILES) for key in path):
        return "name no file of weights; train.pretrained does"
    if isinstance(value, float) and not math.isfinite(value):
        return "be finite"
    # A network of anyone's may have large numbers among its own options.
    ours = len(path) > 1 or path[0] in _Options.__annotations__
    if ours and isinstance(value, int | float) and abs(value) > _LARGEST:
        return f"be at most {_LARGEST}"
    return ""


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:57] + "..."
