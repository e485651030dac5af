"""From YAML files and overrides to a validated experiment, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from fwi.config.keys import Section
from fwi.config.sections import Config
from fwi.registry import nearest


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 3e-4 is a number, as in YAML 1.2 and JSON, not a text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def load_config(base: Config | Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment and apply overrides.

    Args:
        base: a YAML file, or an experiment to change; the defaults where None.
        overrides: `section.key=value` strings, the value in YAML.

    Returns:
        The validated config.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not YAML, or a key or value does not fit; it names the nearest key.
    """
    where = str(base) if isinstance(base, str | Path) else "the config"
    values = base.model_dump() if isinstance(base, Config) else _read_yaml(base)
    for override in overrides:
        _set(values, override)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ValueError(_explain(error, where)) from None


def overrides_of(options: Mapping[str, Any]) -> list[str]:
    """Turn options such as train__lr=3e-4 into overrides, leaving out those that are None."""
    given = {key: value for key, value in options.items() if value not in (None, [])}
    return [
        f"{key.replace('__', '.')}={json.dumps(value, default=str)}" for key, value in given.items()
    ]


def save_config(config: Config, path: Path) -> None:
    """Write a config whole, as JSON, which is YAML too."""
    path.write_text(config.model_dump_json(indent=2))


def _read_yaml(file: Path | str | None) -> dict[str, Any]:
    if file is None:
        return {}
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"the config {path} does not exist; check the path")
    try:
        values = yaml.load(path.read_text(), _Loader) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold keys and values, got a {type(values).__name__}")
    return values


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise ValueError(f"an override must be section.key=value, got {override!r}")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"{key!r} does not name a key: {section!r} holds a value")
    try:
        values[last] = yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"the value of an override must be YAML, got {override!r}") from None


def _explain(error: ValidationError, where: str) -> str:
    """Say the first fault in one sentence."""
    fault = error.errors()[0]
    path = [str(part) for part in fault["loc"]]
    name = ".".join(path)
    if fault["type"] != "extra_forbidden":
        return f"{name} of {where} does not fit: {fault['msg']}, got {fault['input']!r}"
    section: Any = Config
    for part in path[:-1]:
        section = _section_of(section, part)
    return f"{where} has an unknown key {name!r}; {_hint(path[-1], section)}"


def _hint(name: str, section: type[Section]) -> str:
    """Name the section that has a key, or the nearest keys of this one."""
    for other, field in Config.model_fields.items():
        if name in getattr(field.annotation, "model_fields", ()) and other == "machine":
            return f"did you mean '{other}.{name}'?"
    return nearest(name, section.model_fields)


def _section_of(section: Any, part: str) -> Any:
    """Step into a key's section; through lists and choices, whose places have no keys."""
    field = section.model_fields.get(part)
    if field is None:
        return section
    kinds = [field.annotation, *get_args(field.annotation)]
    kinds += [inner for kind in kinds for inner in get_args(kind)]
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
    return found[0] if found else section
