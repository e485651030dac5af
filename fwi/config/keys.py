"""What keys of a config are made of: their documentation, their types, their short forms."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from fwi.config.values import Location, Options, Text, within

Seed = Annotated[int, within(0, 2**32 - 1)]  # what every generator takes
IGNORED = "ignored"  # pydantic's name of the fault of `Section.ignores`


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

    def ignores(self, *keys: str, how: str, beside: str) -> None:
        """Refuse keys that are set where another one leaves them without a meaning.

        Args:
            *keys: what is ignored.
            how: "beside" or "without".
            beside: the other key.

        Raises:
            PydanticCustomError: if one of the keys is not its default.
        """
        for name in keys:
            if getattr(self, name) != type(self).model_fields[name].get_default():
                about = {"keys": (name, beside), "how": how}
                raise PydanticCustomError(IGNORED, "ignored", about)


class Choice(Section):
    """A registered thing by its name, or by {name, options}."""

    name: Text
    options: Options = Field(default_factory=dict)

    def __str__(self) -> str:
        """Say it as a config does in short."""
        return f"{{name: {self.name}, options: {self.options}}}" if self.options else self.name

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class StoreShare(Section):
    """A store by its path, or by {path, weight}."""

    path: Location
    weight: Annotated[float, within(1e-6, 1e6)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _read_path(cls, value: Any) -> Any:
        return value if isinstance(value, dict | StoreShare) else {"path": value}
