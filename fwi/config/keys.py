"""What keys of a config are made of: their documentation, their ranges, their short forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
