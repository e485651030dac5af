"""What keys of a config are made of: their documentation, their ranges, their short forms."""

from __future__ import annotations

from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Quantity = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Positions = tuple[Annotated[float, Field(allow_inf_nan=False)], ...]


def key(default: Any, doc: str, *flags: str, argument: bool = False) -> Any:
    """Declare a key of a section: its default, and what the command line says of it.

    Args:
        default: where no experiment sets it; an empty list or dict is copied for each.
        doc: one line.
        *flags: of the option, where they are not the key's name.
        argument: whether the command line takes it without a flag.
    """
    extra: dict[str, Any] = {"flags": list(flags), "argument": argument}
    return Field(default, description=doc, json_schema_extra=extra)


def types_of(annotation: Any) -> list[Any]:
    """Give the types that a key may have: unions opened, ranges and None left out."""
    if get_origin(annotation) is Annotated:
        return types_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for arm in get_args(annotation) for kind in types_of(arm)]
    return [] if annotation is NoneType else [annotation]


class Section(BaseModel):
    """Keys that are validated, refused where unknown, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Choice(Section):
    """A registered thing by its name, or by {name, options}."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class StoreShare(Section):
    """A store by its path, or by {path, weight}."""

    path: Path
    weight: Quantity = 1.0

    @model_validator(mode="before")
    @classmethod
    def _read_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str | Path) else value
