"""Submissions as gzip and zip, by the ending of their name; never whole in memory."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from fwi.files import check_regular, explained_disk_errors

ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".zip")
_MOST = 2**34  # bytes: ten times the competition's; a small file can unpack to whatever it likes
_PART = 2**20
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def check_ending(path: Path) -> Path:
    """Give the path of a submission, unless its ending says that it is something else.

    Raises:
        ValueError: if it has another ending.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise ValueError(
            f"a submission must end in .csv, .csv.gz or .zip, got {path.name!r}; name it so"
        )
    return path


def is_packed(path: Path) -> bool:
    """Tell whether a submission's name says that it is gzip or zip."""
    return path.suffix.lower() in (".gz", ".zip")


def pack(plain: Path, packed: Path, name: str) -> None:
    """Write a csv file as gzip or zip, and read it through again.

    Args:
        plain: the csv file.
        packed: the file to write.
        name: that of the packed file, which says the format.
    """
    if name.lower().endswith(".gz"):
        # No time of day: the same maps make the same bytes.
        with plain.open("rb") as rows, packed.open("wb") as file:
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as target:
                shutil.copyfileobj(rows, target, _PART)
    else:
        inside = f"{name[: -len('.zip')].removesuffix('.csv')}.csv"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, inside)
    with _open(packed, name) as file:
        while file.read(_PART):
            pass  # both formats compare what they give with a checksum


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give a submission as a plain csv file, unpacked beside nothing of the user's if need be.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or unpacks to more than any submission.
    """
    check_regular(path)
    if not is_packed(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "submission.csv"
        with explained_disk_errors(plain), plain.open("wb") as target:
            for part in _parts(path):
                target.write(part)
        yield plain


def _parts(path: Path) -> Iterator[bytes]:
    size = 0
    try:
        with _open(path, path.name) as file:
            while part := file.read(_PART):
                size += len(part)
                if size > _MOST:
                    break
                yield part
    except _DAMAGED as error:
        raise ValueError(f"{path} is not a readable {path.suffix[1:]} file: {error}") from None
    if size > _MOST:
        raise ValueError(f"{path} must unpack to at most {_MOST} bytes, got more; look into it")


@contextmanager
def _open(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open what a gzip file, or a zip file of one member, holds."""
    if name.lower().endswith(".gz"):
        with gzip.open(path, "rb") as file:
            yield cast(Any, file)
        return
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise zipfile.BadZipFile(f"one csv file must be in it, got {len(members)} files")
        with archive.open(members[0]) as file:
            yield file
