"""From YAML files and overrides to a validated experiment, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from fwi.config.faults import faults_of, shown
from fwi.config.parsing import parse_value, parse_yaml
from fwi.config.sections import Config
from fwi.config.values import expand

_LARGEST = 1_000_000  # bytes of a file; a config of every key has four thousand


def load_config(base: Config | Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment and apply overrides.

    Args:
        base: a YAML file, in UTF-8, or an experiment to change; the defaults where None.
        overrides: `section.key=value` strings, the value in YAML.

    Returns:
        The validated config.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not YAML, or a key or value does not fit; it names the nearest key.
        TypeError: if the base or the overrides are none.
    """
    if isinstance(overrides, str):
        raise TypeError(f"overrides must be a list, got the text {shown(overrides)}")
    where = str(base) if isinstance(base, str | Path) else "the config"
    values = base.model_dump() if isinstance(base, Config) else _read_file(base)
    for override in overrides:
        _set(values, override)
    with faults_of(where):
        return Config(**values)


def overrides_of(options: Mapping[str, Any]) -> list[str]:
    """Turn options such as train__lr=3e-4 into overrides, None and empty lists too.

    Raises:
        ValueError: if a value is within itself, or too deep.
    """
    plain = partial(to_jsonable_python, fallback=str)
    overrides = []
    for option, value in options.items():
        key = option.replace("__", ".")
        try:
            overrides.append(f"{key}={json.dumps(value, default=plain)}")
        except (ValueError, TypeError, RecursionError):
            kind = type(value).__name__
            raise ValueError(
                f"{key} must be a plain value, a list or keys and values, got a {kind} that cannot "
                "be written down"
            ) from None
    return overrides


def save_config(config: Config, path: Path) -> None:
    """Write a config whole, as JSON, which is YAML too."""
    path.write_text(config.model_dump_json(indent=2), encoding="utf-8")


def _read_file(file: Path | str | None) -> dict[str, Any]:
    if file is None:
        return {}
    if not isinstance(file, str | Path):
        raise TypeError(f"config must be a Config, a path or None, got {type(file).__name__}")
    try:
        path = expand(file)
    except ValueError as error:
        raise ValueError(f"config {error}, got {shown(str(file))}") from None
    text = _read_text(path)
    try:
        values = parse_yaml(text)
    except ValueError as error:
        raise ValueError(f"{path} is not readable YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold keys and values, got a {type(values).__name__}")
    return values


def _read_text(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"the config {path} does not exist; check the path")
    if not path.is_file():
        kind = "folder" if path.is_dir() else "device or pipe"
        raise ValueError(f"the config {path} must be a file, got a {kind}")
    with path.open("rb") as file:  # some files are larger than they say
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"the config {path} must have at most {_LARGEST} bytes, got more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{content[error.start]:02x} at {error.start}"
        raise ValueError(f"{path} is not readable YAML: it must be UTF-8, got {byte}") from None


def _set(values: dict[str, Any], override: str) -> None:
    if not isinstance(override, str):
        raise TypeError(f"an override must be a text, got {type(override).__name__}")
    key, equals, text = override.partition("=")
    if not equals:
        raise ValueError(f"an override must be section.key=value, got {shown(override)}")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"{shown(key)} does not name a key: {shown(section)} holds a value")
    try:
        values[last] = parse_value(text)
    except ValueError as error:
        raise ValueError(
            f"the value of an override must be YAML, got {shown(override)}: {error}"
        ) from None
