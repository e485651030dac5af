"""What is searched: readers of files, each with the name that its bytes get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fwi.baselines.cifar_files import read_cifar10
from fwi.cli import EXPECTED
from fwi.competition import submission
from fwi.config import load_config
from fwi.data.layouts import source_of
from fwi.data.opened import open_map_file, open_samples
from fwi.data.store import Store
from fwi.files import open_array
from fwi.inference.checkpoint import load_model


def _samples(path: Path) -> None:
    samples = open_samples(source_of(path))
    samples.gathers(slice(0, 1))
    open_map_file(path)[2](slice(0, 1))


def _config(path: Path) -> None:
    load_config(path)


def _csv(path: Path) -> None:
    submission.sample_ids(path)


def _store(path: Path) -> None:
    store = Store(path.parent)
    str(store)
    store.verify()


def _checkpoint(path: Path) -> None:
    load_model(path.parent)


# The name that the bytes get, and what reads them.
TARGETS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "npy": ("data1.npy", open_array),
    "npz": ("data1.npz", _samples),
    "mat": ("data1.mat", _samples),
    "h5": ("data1.h5", _samples),
    "sgy": ("data1.sgy", _samples),
    "config": ("config.yaml", _config),
    "csv": ("sample_submission.csv", _csv),
    "store": ("store.json", _store),
    "checkpoint": ("checkpoint.json", _checkpoint),
    "cifar": ("cifar.tar.gz", read_cifar10),
}


def attempt(target: str, content: bytes, folder: Path) -> None:
    """Read bytes as a file of a target; a refusal is one line.

    Raises:
        AssertionError: if it is not.
    """
    name, read = TARGETS[target]
    path = folder / name
    path.write_bytes(content)
    try:
        read(path)
    except EXPECTED as error:
        said = str(error.args[0] if isinstance(error, KeyError) else error)
        if "\n" in said.strip():
            raise AssertionError(f"more than one line: {said!r}") from error
