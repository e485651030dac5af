"""Files and folders that get their name whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwi.files.faults import explained_disk_errors, explained_place
from fwi.files.locks import locked, temporary_beside


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when the block ends well.

    Args:
        path: the file to create or replace; its folder is created.

    Yields:
        The temporary path, of an empty file in the same folder.

    Raises:
        BlockingIOError: if another process is writing it.
        IsADirectoryError: if a folder has that name.
        OSError: if the disk is full, with what to do; the temporary file is gone by then.
    """
    with explained_place(path):
        named_so = path.is_dir()
    if named_so:
        raise IsADirectoryError(f"{path} must be a file to write, got a folder; name a file in it")
    with locked(path), scratch_file(path) as temporary, explained_disk_errors(path):
        yield temporary
        _sync(temporary)
        temporary.replace(path)


@contextmanager
def scratch_file(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path` that goes again; only for the writer of `path`."""
    temporary = temporary_beside(path)
    with explained_place(path):
        _create(temporary)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; rename it to `path` when the block ends well.

    An old folder of that name steps aside first and goes last: killed in between, it is still
    there as `.<name>.old`, from which `recover_folder` brings it back.

    Raises:
        BlockingIOError: if another process is writing it.
        NotADirectoryError: if a file has that name.
        OSError: if the disk is full, with what to do; the temporary folder is gone by then.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} must be a folder to write, got a file; name a folder")
    with locked(path):
        recover_folder(path)
        temporary, old = temporary_beside(path), _old(path)
        with explained_place(path):
            temporary.mkdir()
        try:
            with explained_disk_errors(path):
                yield temporary
                sync_files(temporary)
                if path.exists():
                    path.replace(old)
                temporary.replace(path)
                shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_free(path: Path, force: bool) -> Path:
    """Give the path of a file to write, unless one is there that nobody said to replace.

    Raises:
        FileExistsError: if the file is there, without `force`.
    """
    with explained_place(path):
        there = path.exists()
    if there and not force:
        raise FileExistsError(f"{path} exists; choose another name, or --force to replace it")
    return path


def recover_folder(path: Path) -> None:
    """Undo a replacement of `path` that was killed between its two renames; for its writer."""
    old = _old(path)
    if old.exists():
        if path.exists():
            shutil.rmtree(old)
        else:
            old.replace(path)


def settled_folder(path: Path) -> Path:
    """Give the folder to read: that of a replacement under way, or killed, is the old one."""
    old = _old(path)
    return old if old.exists() and not path.exists() else path


def remove_folder(path: Path) -> None:
    """Delete a folder so that a kill leaves it either whole or gone from its name."""
    path = path.resolve()  # a link to it stays
    aside = temporary_beside(path)
    path.replace(aside)
    shutil.rmtree(aside)


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _create(path: Path) -> None:
    """Make an empty file that was not there: neither a file nor a link of that name is opened."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(path, flags, 0o666))


def sync_files(folder: Path) -> None:
    """Bring all files below a folder to the disk."""
    for file in folder.rglob("*"):
        if file.is_file():
            _sync(file)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
