"""Reading CIFAR-10 as it is distributed, without running what a pickle asks for.

Two archives exist, with the same 60,000 images of 3 x 32 x 32 bytes:

- python version: `data_batch_1` to `_5` and `test_batch`, each a pickled dict with `data`
  (10000, 3072) uint8 and `labels`, a list of 0 to 9;
- binary version: files of the same names with `.bin`, of records of one label byte and 3072 bytes.

Source: Krizhevsky, Learning multiple layers of features from tiny images (2009).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.baselines.cifar_batches import TEST, TRAIN, archive_batches, folder_batches, stem
from fwi.baselines.cifar_pickles import PickledArray, load_arrays
from fwi.config import as_path

SHAPE = (3, 32, 32)
N_CLASSES = 10
_BYTES = 3 * 32 * 32
_IMAGES = 10_000  # in a batch


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
        ValueError: if the archive is damaged, or a batch is larger than, or not one of, CIFAR-10's.
    """
    path = as_path("CIFAR-10", path)
    if not path.exists():
        raise FileNotFoundError(f"CIFAR-10 is not at {path}; give its .tar.gz or its folder")
    found: dict[str, tuple[Array, Array]] = {}
    for name, content in folder_batches(path) if path.is_dir() else archive_batches(path):
        if stem(name) in found:
            raise ValueError(f"{path} must hold {stem(name)} once, got it twice; keep one of them")
        found[stem(name)] = _parse(name, content)
    missing = [name for name in (*TRAIN, TEST) if name not in found]
    if missing:
        raise FileNotFoundError(f"{path} must hold {', '.join(missing)}; download it again")
    parts = [found[name] for name in TRAIN]
    images, labels = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return Images(images, labels, *found[TEST])


def _parse(name: str, content: bytes) -> tuple[Array, Array]:
    """Turn one batch into images (N, 3, 32, 32) float32 and labels (N,) int64."""
    data, labels = _binary(name, content) if name.endswith(".bin") else _pickled(name, content)
    if (
        data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != _BYTES
        or labels.shape != (len(data),)
        or not 0 < len(data) <= _IMAGES
        or not 0 <= labels.min() <= labels.max() < N_CLASSES
    ):
        raise ValueError(
            f"{name} must hold (n, {_BYTES}) bytes and n labels 0 to 9, n up to {_IMAGES}, got "
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
        batch = load_arrays(content)
        return batch[b"data"].array(), _labels(batch[b"labels"])
    except pickle.UnpicklingError as error:
        raise ValueError(f"{name} is not a batch of CIFAR-10: {error}; download it again") from None
    except Exception as error:  # a damaged pickle raises anything
        raise ValueError(
            f"{name} is not a batch of CIFAR-10 ({type(error).__name__}); download it again"
        ) from None


def _labels(labels: object) -> Array:
    """Read labels, a list or an array; lists in lists could stand for more numbers than there is.

    Raises:
        pickle.UnpicklingError: if they are no whole numbers.
    """
    if isinstance(labels, list) and all(type(label) is int for label in labels):
        return np.array(labels, np.int64)
    if isinstance(labels, PickledArray) and labels.array().dtype.kind in "iu":
        return labels.array().astype(np.int64)
    raise pickle.UnpicklingError("its labels are no list of whole numbers")
