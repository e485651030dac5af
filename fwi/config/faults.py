"""What does not fit a config, in one sentence."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from typing import Any, get_args

from pydantic import ValidationError

from fwi.config.keys import IGNORED, Section, types_of
from fwi.config.values import OPTION
from fwi.registry import nearest

# What is expected, by pydantic's name of the fault, where a key's type does not say it itself.
_EXPECTED = {
    "bool": "must be true or false",
    "string": "must be a text",
    "path": "must be a path",
    "list": "must be a list",
    "tuple": "must be a list",
    "dict": "must hold keys and values",
    "model": "must hold keys and values",
    "missing": "must be given",
    "invalid": "must have texts for keys",
}


_where = ContextVar("where", default="the config")


class _Short(reprlib.Repr):
    """Values as a sentence has room for them."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        """Say how long a number is that Python would not write."""
        return repr(x) if x.bit_length() < 200 else f"a number of {x.bit_length()} bits"


shown: Callable[[Any], str] = _Short().repr


@contextmanager
def faults_of(where: str) -> Iterator[None]:
    """Say that what is validated while the block runs comes from a file."""
    token = _where.set(where)
    try:
        yield
    finally:
        _where.reset(token)


def explain(error: ValidationError, sections: dict[str, type[Section]]) -> str:
    """Say the first fault in one sentence: name, expected, got, fix.

    Args:
        error: pydantic's.
        sections: all of them by name, "" for the root.
    """
    where = _where.get()
    # A misspelt key is also a missing one, which is not what should be said.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    path = [str(part) for part in fault["loc"]]
    kind = fault["type"]
    if kind == "extra_forbidden":
        return f"{where} has an unknown key {shown('.'.join(path))}; {_hint(path, sections)}"
    if kind == IGNORED:
        ignored, beside = (".".join([*path, key]) for key in fault["ctx"]["keys"])
        how = fault["ctx"]["how"]
        fix = "leave one of them out" if how == "beside" else "give both or none"
        return f"{ignored} of {where} means nothing {how} {beside}; {fix}"
    expected, value = _expected(fault), fault["input"]
    if kind == OPTION:
        path, expected = [*path, *fault["ctx"]["place"]], fault["ctx"]["is"]
        value = fault["ctx"]["got"]
    expected, _, fix = expected.partition("; ")
    said = f"{'.'.join(path)[:200]} of {where} {expected}, got {shown(value)}"
    return f"{said}; {fix}" if fix else said


def _expected(fault: Any) -> str:
    kind, value = fault["type"], fault["input"]
    if kind.startswith("string") and isinstance(value, bool | int | float):
        return "must be a text; quote it"
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if kind == "literal_error":
        return f"must be {fault['ctx']['expected']}"
    return _EXPECTED.get(kind.partition("_")[0], f"does not fit ({fault['msg']})")


def _hint(path: list[str], sections: dict[str, type[Section]]) -> str:
    """Name the places that have a key of this name, or the nearest keys where it stands."""
    *parents, name = path
    homes = [
        f"'{section}.{name}'" if section else f"'{name}'"
        for section, found in sections.items()
        if name in found.model_fields
    ]
    if homes and len(parents) < 2:
        return f"did you mean {' or '.join(homes)}?"
    return nearest(name, reduce(_section_of, parents, sections[""]).model_fields)


def _section_of(section: type[Section], key: str) -> type[Section]:
    """Step into a key's section, also where it is a list of them; a place in a list is no step."""
    field = section.model_fields.get(key)
    kinds = types_of(field.annotation) if field else []
    kinds += [inner for kind in kinds for inner in get_args(kind)]
    found = (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section))
    return next(found, section)
