"""Reading the files of a .tar archive in memory, whatever is in it.

tarfile itself goes where headers send it: to sizes below zero, back to a header that it has read,
into extended headers as long as the archive. Here a header says what a file is called, of what
kind and how large it is, and no more.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_PLAIN = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}
_EMPTY = {*tarfile.SUPPORTED_TYPES} - {*tarfile.REGULAR_TYPES, *tarfile.GNU_TYPES}


def decompressed(path: Path, limit: int) -> memoryview:
    """Read a file that may be compressed by gzip, bzip2 or xz, to its end and its checksum.

    Returns:
        All of it, or more than `limit` bytes of what is longer.

    Raises:
        Exception: of any kind, if it is damaged.
    """
    with path.open("rb") as file:
        start = file.read(max(map(len, _OPENERS)))
    opener = next((o for magic, o in _OPENERS.items() if start.startswith(magic)), open)
    content = io.BytesIO()
    with opener(path, "rb") as stream:
        while content.tell() <= limit and (chunk := stream.read(_CHUNK)):
            content.write(chunk)
    return content.getbuffer()


def members(archive: memoryview, most: int) -> Iterator[tuple[str, memoryview | None]]:
    """Go through the names in an archive, and what is in each plain file; None for all others.

    Args:
        archive: decompressed.
        most: headers that are read at most.

    Raises:
        tarfile.TarError: if a header is damaged, if a file goes beyond the archive's end, or if
            there are more headers.
    """
    place = 0
    for _ in range(most):
        header = archive[place : place + _BLOCK].tobytes()
        if place and not header.strip(b"\0"):
            return
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        place += _BLOCK
        # Links, folders, pipes and devices have no content, whatever size they give.
        size = 0 if info.type in _EMPTY else info.size
        if not 0 <= size <= len(archive) - place or info.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a file that is not whole")
        yield info.name, archive[place : place + size] if info.type in _PLAIN else None
        place += -(-size // _BLOCK) * _BLOCK
    raise tarfile.ReadError(f"more than {most} files")
