"""One writer at a time of a file or a folder, who sweeps away what a killed one left."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import SoftFileLock, Timeout

from fwi.files.faults import explained_place

# A short write is waited for; and only after two seconds does filelock clear a lock whose writer
# was killed before it had signed.
PATIENCE = 3.0
_TEMPORARY = r"\.[0-9a-f]+\.tmp"  # behind a dot and the name of what is written


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file or folder, which need not be there yet, for this process alone.

    The lock is the file `.<name>.lock` beside it, with the owner's number and machine. That of a
    dead process on this machine is taken over. What killed writers left of `path` is removed
    first; folders that are made above it go again where the block fails and leaves them empty.

    Args:
        path: what will be written, by `atomic_file` inside a folder, or part by part.

    Raises:
        BlockingIOError: if another process holds it, which is named.
        FileExistsError: if something else has the lock's name.
        OSError: if its place cannot be written to.
    """
    missing = [folder for folder in path.parents if not folder.exists()]
    try:
        with explained_place(path):
            path.parent.resolve().mkdir(parents=True, exist_ok=True)  # a link may lead nowhere yet
            lock = _acquired(path)
        try:
            remove_leftovers_of(path)
            yield
        finally:
            lock.release()
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # it holds something by now
                folder.rmdir()
        raise


def temporary_beside(path: Path) -> Path:
    """Name what becomes `path` when it is whole; nobody can foresee the name."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def remove_leftovers_of(path: Path) -> None:
    """Delete what killed writers of one file or folder left beside it; only for its writer."""
    _remove(path.parent, rf"\.{re.escape(path.name)}{_TEMPORARY}")


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers left in a folder; only for a folder's single writer."""
    _remove(folder, rf"\..+{_TEMPORARY}")


def _remove(folder: Path, pattern: str) -> None:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        leftovers = [e for e in entries if re.fullmatch(pattern, e.name, re.DOTALL)]
    for leftover in leftovers:
        if leftover.is_dir(follow_symlinks=False):
            # Aside first: a process that outlived its writer cannot make new files in it then.
            aside = temporary_beside(folder / leftover.name[1:].rsplit(".", 2)[0])
            shutil.rmtree(Path(leftover).replace(aside))
        else:
            Path(leftover).unlink(missing_ok=True)


def _acquired(path: Path) -> SoftFileLock:
    file = path.with_name(f".{path.name}.lock")
    if file.is_symlink() or (file.exists() and not file.is_file()):  # a pipe would be waited for
        raise FileExistsError(f"{file} must be the lock of {path}, got no plain file; delete it")
    lock = SoftFileLock(file, timeout=PATIENCE, poll_interval=0.02)
    try:
        lock.acquire()
    except (Timeout, OverflowError):  # an owner's number may be any
        raise BlockingIOError(
            f"{path} is being written by {_owner(file)}; wait for it, or delete {file} if it no "
            "longer runs"
        ) from None
    return lock


def _owner(file: Path) -> str:
    """Say who signed a lock; whatever else stands under its name is neither followed nor read."""
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return "another process"
    with open(opened, "rb") as lock:
        try:
            signed = re.match(r"(\d{1,10})\n([\w.-]{1,255})\n", lock.read(300).decode())
        except (OSError, UnicodeDecodeError):
            signed = None
    return f"process {signed[1]} on {signed[2]}" if signed else "another process"
