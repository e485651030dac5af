"""Types of the keys' values: numbers within bounds, texts, paths, options; each says what fits."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WrapValidator
from pydantic_core import PydanticCustomError, ValidationError

from fwi.config.parsing import DEEPEST

OPTION = "option"  # pydantic's name of the fault of one option among many
_LONGEST = 200  # bytes of a name: file systems take 255, and temporary names are longer


def within(low: float, high: float, *, above: bool = False) -> WrapValidator:
    """Bound a number; bounds that are whole are those of a whole number.

    Args:
        low: smallest.
        high: largest; beyond what anybody means, it keeps machines from trying.
        above: whether `low` itself is too small.
    """
    kind = "a whole number" if isinstance(low, int) else "a number"
    span = f"above {low:.10g} and at most {high:.10g}"
    span = span if above else f"from {low:.10g} to {high:.10g}"

    def check(value: Any, number: Any) -> Any:
        try:
            found = math.nan if isinstance(value, bool) else number(value)
        except (ValidationError, ValueError):
            found = math.nan
        if not (low <= found <= high) or (above and found == low):
            raise ValueError(f"must be {kind} {span}")
        return found

    return WrapValidator(check)


def whole(value: Any) -> Any:
    """Give the whole number that a text or a float is, and anything else as it is."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if number.is_integer() else value


def check_text(text: str) -> str:
    """Refuse a text that no file could hold.

    Raises:
        ValueError: if it is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be UTF-8; rename it") from None
    return text


def check_name(name: str) -> str:
    """Refuse a name that is none of a folder: one that would lie elsewhere, or cannot be made.

    Raises:
        ValueError: if it does not fit.
    """
    check_text(name)
    if not name or name[0] == "." or set(name) & set("/\\") or not _is_plain(name):
        raise ValueError(
            "must name one folder, without separators, a dot in front or control characters; give "
            "folders by store, runs or out"
        )
    if len(name.encode()) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} bytes")
    return name


def check_address(address: str) -> str:
    """Refuse what is no address of a Ray.

    Raises:
        ValueError: if it does not fit.
    """
    host, _, port = address.rpartition(":")
    numbered = port.isascii() and port.isdigit() and 0 < int(port[:9]) < 65_536
    if address != "auto" and not (numbered and re.fullmatch(r"[\w.-]+|\[[\da-fA-F:]+\]", host)):
        raise ValueError("must be auto or host:port, such as 10.0.0.1:6379")
    return address


def expand(path: str | os.PathLike[str]) -> Path:
    """Give a path with the home folder in the place of `~`.

    Raises:
        TypeError: if it is no path.
        ValueError: if it is none of a file, or there is no such home.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError("must be a path in text")
    check_text(text)
    if not text or "\0" in text:
        raise ValueError("must be a path")
    if text[0] == "~":
        try:
            return Path(text).expanduser()
        except RuntimeError:
            raise ValueError("must begin with a home that exists; ./~ is a name with ~") from None
    plain = Path(text)
    # ./~x, which Path shortens: it must not be expanded when it is read again.
    return plain.absolute() if plain.parts[:1] and plain.parts[0][0] == "~" else plain


def as_path(name: str, path: str | os.PathLike[str]) -> Path:
    """Expand a path that Python gives, see `expand`.

    Args:
        name: of what lies there, for errors.
        path: to it.

    Raises:
        TypeError: if it is no path.
        ValueError: if it is none of a file, or there is no such home.
    """
    try:
        return expand(path)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} {error}, got {path!r:.60}; give its file or folder") from None


def _is_plain(text: str) -> bool:
    return all(letter.isprintable() for letter in text)


def _location(value: Any) -> Any:
    return str(expand(value)) if isinstance(value, str | Path) else value


def _reference(value: Any) -> Any:
    """Expand what may be a path, and leave names as they are."""
    if isinstance(value, Path) or (isinstance(value, str) and value[:1] == "~"):
        return str(expand(value))
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must be a path or a name")
    return value


def _truth_or_location(value: Any) -> bool | Path:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | Path):
        return expand(value)
    raise ValueError("must be true, false or a path")


def _check_options(options: Any) -> Any:
    """Refuse options that no file could hold, or that are no numbers.

    Raises:
        PydanticCustomError: if one is not finite, not plain or too deep; its context names it.
    """
    left: list[tuple[tuple[str, ...], Any]] = [((), options)]
    while left:
        place, value = left.pop()
        fault = _fault_of(value) if len(place) <= DEEPEST else f"must be at most {DEEPEST} deep"
        if fault:
            raise PydanticCustomError(OPTION, "option", {"place": place, "is": fault, "got": value})
        if isinstance(value, dict):
            left += [((*place, str(key)), inner) for key, inner in value.items()]
            left += [((*place, "key"), key) for key in value]
        elif isinstance(value, list | tuple):
            left += [((*place, str(i)), inner) for i, inner in enumerate(value)]
    return options


def _fault_of(value: Any) -> str | None:
    """Say what an option must be, if it is not."""
    if isinstance(value, str):
        try:
            check_text(value)
        except ValueError as error:
            return str(error)
    elif isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "must be a number of at most 64 bits"
    elif isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    elif not isinstance(value, dict | list | tuple | None):
        return "must be a number, a text, a list or keys and values"
    return None


Text = Annotated[str, AfterValidator(check_text)]
Name = Annotated[str, AfterValidator(check_name)]
Location = Annotated[Path, BeforeValidator(_location)]
Reference = Annotated[str, BeforeValidator(_reference), AfterValidator(check_text)]
Pretrained = Annotated[bool | Path, PlainValidator(_truth_or_location)]
Options = Annotated[dict[str, Any], AfterValidator(_check_options)]
