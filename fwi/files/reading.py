"""Files that are read whole; nothing in them is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

_MOST = 64 * 2**20  # bytes of a JSON file: descriptions take thousands


def check_regular(path: Path) -> None:
    """Refuse what cannot be read as a file: a folder, or a pipe, which would be waited for.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: if it is something else.
    """
    if path.is_file():
        return
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    what = "folder" if path.is_dir() else "pipe or device"
    raise ValueError(f"{path} must be a file, got a {what}; check the path")


def read_json(path: Path) -> Any:
    """Read a JSON file in UTF-8.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: if it is no file of readable JSON.
    """
    check_regular(path)
    size = path.stat().st_size
    if size > _MOST:
        raise ValueError(f"{path} must hold at most {_MOST} bytes of JSON, got {size}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not readable JSON; make it again") from None


def read_safetensors(path: Path, load: Callable[[Path], Any], whole: str) -> Any:
    """Read a safetensors file, whose format cannot run code.

    Args:
        path: the file.
        load: `load_file` of safetensors for the arrays wanted, NumPy's or torch's.
        whole: what is not whole without the file, for the error.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is another kind of file, or is cut short.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; the {whole} is not whole")
    try:
        return load(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from None
