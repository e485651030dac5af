"""Libraries that only some formats need."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def required(library: str) -> Any:
    """Import a library of the extra `formats`.

    Raises:
        ModuleNotFoundError: if it is not installed, with what to install.
    """
    try:
        return import_module(library)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"this format needs {library}, which is not installed; pip install 'fwi[formats]'"
        ) from None
