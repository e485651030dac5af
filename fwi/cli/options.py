"""From the documented keys of the config to options, and from options to overrides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from fwi.config import Section, load_config, types_of
from fwi.stages import Stage

_OF_SPREADING = ("engine", "address")  # of the machine: what only a stage that spreads reads
_METAVARS = {str: "TEXT", Path: "PATH", int: "INTEGER", float: "NUMBER", bool: "BOOLEAN"}


@dataclass(frozen=True)
class Option:
    """A key as the command line takes it.

    Attributes:
        path: of the key in the config, such as train.lr.
        field: what the key's section declares of it.
        default: where the config says nothing.
    """

    path: str
    field: FieldInfo
    default: Any

    @property
    def name(self) -> str:
        """The name of the command's parameter."""
        return self.path.replace(".", "__")

    @property
    def key(self) -> str:
        """The key without its section."""
        return self.path.rpartition(".")[2]

    @property
    def many(self) -> bool:
        """Whether the option may be repeated."""
        return any(get_origin(kind) in (list, tuple) for kind in types_of(self.field.annotation))

    @property
    def kinds(self) -> list[Any]:
        """The types of a value, of one of them where there are many."""
        kinds = types_of(self.field.annotation)
        return types_of(get_args(kinds[0])[0]) if self.many else kinds

    @property
    def flags(self) -> list[str]:
        """What the command line calls it; nothing for an argument."""
        extra: Any = self.field.json_schema_extra
        if extra["argument"]:
            return []
        flags = extra["flags"] or ["--" + self.key.replace("_", "-")]
        return [f"{flag}/--no-{flag[2:]}" for flag in flags] if self.kinds == [bool] else flags

    def parameter(self) -> Parameter:
        """Declare it to typer; None where it is not given."""
        kind: Any = bool if self.kinds == [bool] else list[str] if self.many else str
        said: dict[str, Any] = {"help": self._help(), "show_default": False}
        if kind is not bool:
            said["metavar"] = _metavar(self.kinds) if self.flags else self.key.upper()
        declared = typer.Option(*self.flags, **said) if self.flags else typer.Argument(**said)
        annotation = Annotated[kind | None, declared]
        return Parameter(self.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)

    def override(self, value: Any) -> str:
        """Write a given value as an override, `section.key=value`."""
        if isinstance(value, bool):
            return f"{self.path}={json.dumps(value)}"
        if not self.many:
            return f"{self.path}={_quoted(value, self.kinds)}"
        # [] stands for an empty list: nothing that lists hold is called so.
        texts = [_quoted(text, self.kinds) for text in value if value != ["[]"]]
        return f"{self.path}=[{', '.join(texts)}]"

    def _help(self) -> str:
        """What the key's section says of it, and the default where that is a value."""
        doc, default = self.field.description or "", str(self.default)
        if self.default in (None, [], {}, ""):
            return doc
        if isinstance(self.default, bool):
            default = default.lower()
        return f"{doc} [default: {default}]"


def options_of(stage: Stage) -> list[Option]:
    """Give the options of a command: its section's keys, and those that every command has."""
    config = load_config(None, stage.defaults)
    own = _keys(getattr(config, stage.section), f"{stage.section}.") if stage.section else []
    machine = _keys(config.machine, "machine.")
    usable = [option for option in machine if stage.spreads or option.key not in _OF_SPREADING]
    return [*own, *_keys(config), *usable]


def _keys(section: Section, prefix: str = "") -> list[Option]:
    """Give the options of a section, without the sections in it."""
    fields = type(section).model_fields
    return [
        Option(prefix + key, field, getattr(section, key))
        for key, field in fields.items()
        if field.json_schema_extra
    ]


def _metavar(kinds: list[Any]) -> str:
    """Say what an option takes."""
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    return "|".join(map(str, choices)) or "|".join(_METAVARS.get(kind, "YAML") for kind in kinds)


def _quoted(text: str, kinds: list[Any]) -> str:
    """Quote a text where the key takes one, lest YAML read 1e3, no or 2026-01-01 as another thing.

    A key that takes more than a text (a path or true, a name or {name, options}) still does.
    """
    texts = [_is_text(kind) for kind in kinds]
    structured = text in ("true", "false") or text.startswith("{")
    quoted = all(texts) or (not structured and any(texts + [_is_section(kind) for kind in kinds]))
    # Nothing, as an unset variable of a shell leaves, is not YAML's null.
    quoted = quoted or not text.strip()
    return json.dumps(text) if quoted else text


def _is_text(kind: Any) -> bool:
    first = next(iter(get_args(kind)), None)
    return kind in (str, Path) or (get_origin(kind) is Literal and isinstance(first, str))


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)
