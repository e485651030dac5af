"""From YAML files and overrides to a validated experiment, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from fwi.config.keys import Section, types_of
from fwi.config.sections import SECTIONS, Config
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
    """Turn options such as train__lr=3e-4 into overrides, None and empty lists too."""
    plain = partial(to_jsonable_python, fallback=str)
    return [
        f"{key.replace('__', '.')}={json.dumps(value, default=plain)}"
        for key, value in options.items()
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
    values[last] = _value(override, text)


def _value(override: str, text: str) -> Any:
    """Read a value: as JSON where it is, so that any quoted text arrives unchanged, or as YAML."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"the value of an override must be YAML, got {override!r}") from None


def _explain(error: ValidationError, where: str) -> str:
    """Say the first fault in one sentence."""
    # A misspelt key is also a missing one, which is not what should be said.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    path = [str(part) for part in fault["loc"]]
    name = ".".join(path)
    if fault["type"] != "extra_forbidden":
        return f"{name} of {where} does not fit: {fault['msg']}, got {fault['input']!r}"
    return f"{where} has an unknown key {name!r}; {_hint(path)}"


def _hint(path: list[str]) -> str:
    """Name the places that have a key of this name, or the nearest keys where it stands."""
    *parents, name = path
    places = {"": Config} | {f"{key}.": section for key, section in SECTIONS.items()}
    homes = [f"'{place}{name}'" for place, found in places.items() if name in found.model_fields]
    if homes and len(parents) < 2:
        return f"did you mean {' or '.join(homes)}?"
    root: type[Section] = Config
    return nearest(name, reduce(_section_of, parents, root).model_fields)


def _section_of(section: type[Section], key: str) -> type[Section]:
    """Step into a key's section, also where it is a list of them; a place in a list is no step."""
    field = section.model_fields.get(key)
    kinds = types_of(field.annotation) if field else []
    kinds += [inner for kind in kinds for inner in get_args(kind)]
    found = (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section))
    return next(found, section)
