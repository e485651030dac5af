"""A folder beside a target, in which several processes make its parts, and one takes them over.

Whoever makes a part may outlive whoever asked for it, on another machine even: its folder has a
name that nobody else has, so that nothing it still writes gets into the target.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwi.files.atomic import sync_files
from fwi.files.faults import explained_disk_errors, explained_place
from fwi.files.locks import remove_leftovers_of, temporary_beside


@contextmanager
def staging_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder on the disk of `path` that goes again; only for its single writer.

    Raises:
        OSError: if its place cannot be written to, or `path` is on a disk of its own.
    """
    place = Path(os.path.realpath(path))
    remove_leftovers_of(place)
    staging = temporary_beside(place)
    with explained_place(path):
        staging.mkdir(parents=True)
    try:
        if place.exists() and place.stat().st_dev != staging.stat().st_dev:
            raise OSError(f"{path} must not be where a disk is mounted; name a folder on that disk")
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def staged_part(staging: Path, target: Path) -> Iterator[Path]:
    """Give a new folder in a staging folder to fill; it is on the disk when the block ends well.

    Args:
        staging: see `staging_folder`, which another process, on another machine, may have made.
        target: what the part becomes, for errors.

    Raises:
        FileNotFoundError: if this machine does not see the staging folder.
        OSError: if the disk is full, with what to do; the part is gone by then.
    """
    part = staging / secrets.token_hex(8)
    try:
        part.mkdir()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{socket.gethostname()} must see the folder {staging.parent} of the machine that runs "
            "the stage, got another or none; name one that all machines share"
        ) from None
    try:
        with explained_disk_errors(target):
            yield part
            sync_files(part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def take_over(part: Path, target: Path, last: Path) -> None:
    """Move all files of a part to their places below the target.

    Args:
        part: see `staged_part`.
        target: the folder.
        last: of the part, a folder that is moved whole after all else, and must not be there yet.
    """
    with explained_place(target):
        for file in sorted(part.rglob("*")):
            place = target / file.relative_to(part)
            if file.is_file() and not file.is_relative_to(last):
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
        place = target / last.relative_to(part)
        place.parent.mkdir(parents=True, exist_ok=True)
        last.replace(place)
