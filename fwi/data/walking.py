"""The files below a folder: those of a known format, and why the others are not read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from fwi.checks import warn_unusual
from fwi.data.readers import is_litter, is_read

_NAMED = 10  # files that a warning names
NO_FORMAT = "no format that is read"
_NUMBER = re.compile(r"(\d+)")


def walk(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """List the files below a folder that have a known format, and the rest, with the reason."""
    files, left_out, seen = [], {}, dict[tuple[int, int], Path]()
    waiting = [folder]
    while waiting:  # folders themselves before the links to them
        for place, folders, names in os.walk(waiting.pop(0)):
            here = Path(place)
            state = here.stat()
            first = seen.setdefault((state.st_dev, state.st_ino), here)
            if first != here:
                folders.clear()
                if first not in here.parents:  # another way to it, not a way back
                    left_out[here] = f"it is {first} once more"
                continue
            folders[:] = sorted(f for f in folders if not is_litter(here / f))
            waiting += [here / f for f in folders if (here / f).is_symlink()]
            for path in sorted(here / name for name in names if not is_litter(here / name)):
                _check_name(path)
                why = _unread(path)
                if why:
                    left_out[path] = why
                else:
                    files.append(path)
    return files, left_out


def warn_of_left_out(left_out: Mapping[Path, str]) -> None:
    """Name the files that are not read, and why; those of no known format by their number."""
    named = [f"{path} ({why})" for path, why in left_out.items() if why != NO_FORMAT]
    if not named:
        return
    ends = [path.suffix or path.name for path, why in left_out.items() if why == NO_FORMAT]
    more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    if ends:
        kinds = ", ".join(sorted(set(ends))[:_NAMED])
        more.append(f"{len(ends)} of other formats ({kinds})")
    warn_unusual(f"left out: {', '.join(named[:_NAMED] + more)}; rename or remove them")


def _check_name(path: Path) -> None:
    """Refuse a name that no catalog can hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{str(path)!a} must have a name in UTF-8; rename it") from None


def _unread(path: Path) -> str:
    if not is_read(path):
        return NO_FORMAT
    return "" if path.is_file() else "no file, or a link to none"


def natural(path: Path) -> list[tuple[int, str]]:
    """Give a key that sorts data2.npy before data10.npy."""
    return [(int(part) if part.isdecimal() else -1, part) for part in _NUMBER.split(str(path))]
