"""YAML and JSON as configs hold them: plain data, each key once, nothing that grows when read."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

DEEPEST = 20  # lists and keys within one another; configs have five
_STR = "tag:yaml.org,2002:str"


class _Loader(yaml.SafeLoader):
    """Safe YAML without what can hang or mean another thing than it seems.

    Aliases, which a few bytes of can make a tree that no memory holds, tags and merged keys are
    refused. As in YAML 1.2 and JSON 3e-4 is a number, and 010 is no octal, 1:30 no number, and
    2026-01-01 no date.
    """

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _fault(f"*{event.anchor} is an alias, which is not taken; write it out", event)
        if event.tag is not None:
            raise _fault(f"{event.tag} is a tag, which is not taken; write a plain value", event)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _fault(_too_deep(), event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = key.value
            if key.tag != _STR:
                what = repr(name) if isinstance(name, str) else "a list or keys"
                raise _fault(f"a key must be a text, got {what}; quote it", key)
            if name == "<<":
                raise _fault("'<<' merges keys, which is not taken; write them out", key)
            if name in seen:
                raise _fault(_doubled(name), key)
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (
        "bool",
        r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        list("yYnNtTfFoO"),
    ),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"({_pattern})$"), _first
    )


def parse_yaml(text: str) -> Any:
    """Read YAML.

    Returns:
        None, a truth, a number, a text, or lists and dicts of them.

    Raises:
        ValueError: if it is none, or is not plain; it says why in a part of a sentence.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise ValueError(f"{said}{place}") from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise ValueError(f"the character U+{code:04X} at {error.position} is not taken") from None
    except ValueError:  # of Python's int and chr, in words of their own
        raise ValueError(_too_long()) from None


def parse_value(text: str) -> Any:
    """Read a value: as JSON where it is, so that any quoted text arrives unchanged, or as YAML.

    Raises:
        ValueError: as `parse_yaml` does.
    """
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_int=_whole)
    except json.JSONDecodeError:
        return parse_yaml(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError(_too_long()) from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(_doubled(key))
        values[key] = value
    return values


def _fault(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


def _doubled(key: str) -> str:
    return f"the key {key[:60]!r} stands twice; keep one of them"


def _too_long() -> str:
    return "a number, or the code of a character, is too long"


def _too_deep() -> str:
    return f"lists and keys must be at most {DEEPEST} deep, got more"
