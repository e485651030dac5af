"""Reading CIFAR-10 as it is distributed, without running what a pickle asks for.

Two archives exist, with the same 60,000 images of 3 x 32 x 32 bytes:

- python version: `data_batch_1` to `_5` and `test_batch`, each a pickled dict with `data`
  (10000, 3072) uint8 and `labels`, a list of 0 to 9;
- binary version: files of the same names with `.bin`, of records of one label byte and 3072 bytes.

Source: Krizhevsky, Learning multiple layers of features from tiny images (2009).
"""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fwi.arrays import Array

SHAPE = (3, 32, 32)
N_CLASSES = 10
_BYTES = 3 * 32 * 32
_CHUNK = 1 << 20
_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST = "test_batch"
# What a pickled array of any NumPy version is made of; nothing else is ever called.
_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),  # how protocol 2 writes bytes
}


@dataclass(frozen=True)
class Images:
    """Labelled images, in a part to learn from and a part to be judged on.

    Attributes:
        train: (N, C, H, W) float32, 0 to 1.
        train_labels: (N,) int64, 0 to 9.
        test: (M, C, H, W) float32, 0 to 1.
        test_labels: (M,) int64.
    """

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


def read_cifar10(path: Path | str) -> Images:
    """Read CIFAR-10 from its .tar.gz, or from the folder that it unpacks to.

    Args:
        path: the archive of the python or of the binary version, or its folder.

    Raises:
        FileNotFoundError: if there is no such file, or a batch is missing.
        ValueError: if the archive is damaged, or a batch is not one of CIFAR-10's.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"CIFAR-10 is not at {path}; give its .tar.gz or its folder")
    found = {_stem(name): _parse(name, content) for name, content in _files(path)}
    missing = [name for name in (*_TRAIN, _TEST) if name not in found]
    if missing:
        raise FileNotFoundError(f"{path} must hold {', '.join(missing)}; download it again")
    parts = [found[name] for name in _TRAIN]
    images, labels = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return Images(images, labels, *found[_TEST])


def _stem(name: str) -> str:
    return PurePosixPath(name).name.removesuffix(".bin")


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Give the batches of a folder or an archive, of which nothing is unpacked to disk."""
    wanted = {*_TRAIN, _TEST}
    if path.is_dir():
        for file in sorted(path.rglob("*_batch*")):
            if _stem(file.name) in wanted:
                yield file.name, file.read_bytes()
        return
    found = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None and _stem(member.name) in wanted:
                    found.append((member.name, content.read()))
            # The checksum comes last, where tarfile, content with the members, does not read on.
            while archive.fileobj is not None and archive.fileobj.read(_CHUNK):
                pass
    except Exception as error:  # a damaged archive raises anything, zlib.error among it
        raise ValueError(
            f"{path} is not a readable tar archive ({type(error).__name__}); download it again"
        ) from None
    yield from found


def _parse(name: str, content: bytes) -> tuple[Array, Array]:
    """Turn one batch into images (N, 3, 32, 32) float32 and labels (N,) int64."""
    data, labels = _binary(name, content) if name.endswith(".bin") else _pickled(name, content)
    if (
        data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != _BYTES
        or labels.shape != (len(data),)
        or not len(data)
        or not 0 <= labels.min() <= labels.max() < N_CLASSES
    ):
        raise ValueError(
            f"{name} must hold (n, {_BYTES}) bytes and n labels 0 to 9, got "
            f"{data.dtype} {data.shape} and labels {labels.shape}; download it again"
        )
    return data.reshape(-1, *SHAPE).astype(np.float32) / 255, labels


def _binary(name: str, content: bytes) -> tuple[Array, Array]:
    if len(content) % (1 + _BYTES):
        raise ValueError(
            f"{name} must be whole records of {1 + _BYTES} bytes, got {len(content)}; "
            "download it again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + _BYTES)
    return records[:, 1:], records[:, 0].astype(np.int64)


def _pickled(name: str, content: bytes) -> tuple[Array, Array]:
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        return np.asarray(batch[b"data"]), np.asarray(batch[b"labels"], np.int64)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{name} is not a batch of CIFAR-10: {error}") from None
    except Exception as error:  # a damaged pickle raises anything
        raise ValueError(
            f"{name} is not a batch of CIFAR-10 ({type(error).__name__}); download it again"
        ) from None


class _ArraysOnly(pickle.Unpickler):
    """Loads dicts, lists, numbers, bytes and NumPy arrays, and refuses every other global."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not admitted")
        return super().find_class(module, name)
