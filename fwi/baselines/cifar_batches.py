"""Finding CIFAR-10's batches in the archive, or in a folder, and no more bytes than they have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fwi.baselines.archives import decompressed, members

TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = "test_batch"
# Ten thousand images and their names in the longest of pickles, half of whose bytes take two.
_BATCH_BYTES = 48 << 20
_ARCHIVE_BYTES, _ARCHIVE_FILES = 300 << 20, 100


def stem(name: str) -> str:
    """Give the name of a batch, without folders and the ending of the binary version."""
    return PurePosixPath(name).name.removesuffix(".bin")


def _wanted(name: str) -> bool:
    return stem(name) in {*TRAIN, TEST}


def folder_batches(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give the batches in a folder, or below it, by name.

    Raises:
        ValueError: if one is no file, or too large.
    """
    for file in sorted(path.rglob("*_batch*")):
        if _wanted(file.name):
            _check_plain(file)
            with file.open("rb") as opened:
                content = opened.read(_BATCH_BYTES + 1)
            _check_size(str(file), content)
            yield file.name, content


def archive_batches(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give the batches of an archive, of which nothing is unpacked to disk, by name.

    Raises:
        ValueError: if the archive is damaged, it or a batch is too large, or a batch is no file.
    """
    _check_plain(path)
    try:
        content = decompressed(path, _ARCHIVE_BYTES)
        files = [] if len(content) > _ARCHIVE_BYTES else [*members(content, _ARCHIVE_FILES)]
    except Exception as error:  # a damaged archive raises anything, zlib.error among it
        raise ValueError(
            f"{path} is not a readable tar archive ({type(error).__name__}); download it again"
        ) from None
    if len(content) > _ARCHIVE_BYTES:
        raise ValueError(
            f"{path} must hold at most {_ARCHIVE_BYTES >> 20} MiB, as CIFAR-10 does, got more; "
            "download it again"
        )
    for name, view in files:
        if _wanted(name):
            if view is None:
                raise ValueError(
                    f"{stem(name)} of {path} must be a file, got a link, folder or device; "
                    "download it again"
                )
            _check_size(f"{stem(name)} of {path}", view)
            yield PurePosixPath(name).name, bytes(view)


def _check_plain(file: Path) -> None:
    if not file.is_file():  # reading a pipe would wait, and a device may have no end
        raise ValueError(
            f"{file} must be a file, got a folder, pipe, device or broken link; "
            "give CIFAR-10's .tar.gz or its folder"
        )


def _check_size(name: str, content: bytes | memoryview) -> None:
    if len(content) > _BATCH_BYTES:
        raise ValueError(
            f"{name} must be at most {_BATCH_BYTES >> 20} MiB, as a batch of CIFAR-10 is, got "
            "more; download it again"
        )
