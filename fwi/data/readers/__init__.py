"""File formats by the ends of their names: each a module with `read`, and `write`."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from fwi.data.readers import hdf5, mat, npy, npz, segy
from fwi.data.readers.base import UNSAID, Content, FileArray, Sampling, state_of

__all__ = [
    "FORMATS",
    "UNSAID",
    "Content",
    "FileArray",
    "Sampling",
    "is_litter",
    "is_read",
    "module_of",
    "read_file",
    "state_of",
]

FORMATS: dict[str, ModuleType] = {
    ".npy": npy,
    ".npz": npz,
    ".h5": hdf5,
    ".hdf5": hdf5,
    ".mat": mat,
    ".sgy": segy,
    ".segy": segy,
}
# What file managers leave beside data, whatever the end of its name.
_LITTER = re.compile(r"\..*|Thumbs\.db|desktop\.ini|__MACOSX", re.IGNORECASE)


def is_litter(path: Path) -> bool:
    """Tell what a file manager left: hidden files, `._name` of macOS, Thumbs.db."""
    return _LITTER.fullmatch(path.name) is not None


def is_read(path: Path) -> bool:
    """Tell whether a file's name ends as one of the formats does, in any case of letters."""
    return path.suffix.lower() in FORMATS and not is_litter(path)


def module_of(path: Path) -> ModuleType:
    """Give the format that the end of a name stands for.

    Raises:
        ValueError: if there is none.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"{path} must end in {', '.join(FORMATS)}, got {suffix or 'no ending'!r}; "
            "convert or rename it"
        )
    return FORMATS[suffix]


def read_file(path: Path) -> Content:
    """Read what a file holds, by its format.

    Raises:
        FileNotFoundError: if there is no such file.
        ModuleNotFoundError: if its format needs a library that is not installed.
        ValueError: if its format is none of these, or it is damaged.
    """
    content: Content = module_of(path).read(path)
    return content
