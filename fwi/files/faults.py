"""What a disk or a folder refuses, in one sentence each."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Rust's libraries (polars, safetensors) and NumPy's tofile report a full disk in words alone.
_FULL_IN_WORDS = re.compile(
    rf"os error ({'|'.join(map(str, _FULL))})\)|\d+ requested and \d+ written"
)


@contextmanager
def explained_disk_errors(path: Path) -> Iterator[None]:
    """Turn 'no space left' into a sentence that says what to do."""
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) not in _FULL and not _FULL_IN_WORDS.search(str(error)):
            raise
        raise OSError(
            getattr(error, "errno", None) or errno.ENOSPC,
            f"the disk is full while writing {path}; what was finished before is kept: "
            "free some space and run the same command again",
        ) from error


@contextmanager
def explained_place(path: Path) -> Iterator[None]:
    """Say of which file or folder it is that its place cannot be written to, and why."""
    try:
        with explained_disk_errors(path):
            yield
    except OSError as error:
        if error.filename is None:
            raise
        why = (error.strerror or "refused").lower()
        raise type(error)(
            error.errno, f"{path} cannot be written: {why} ({error.filename}); choose another place"
        ) from error
