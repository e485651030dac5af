"""Where the files of the competition and of OpenFWI are, and what belongs together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fwi.arrays import Array
from fwi.files import open_array

# OpenFWI stores FlatVel, CurveVel and Style as data/dataN.npy beside model/modelN.npy, and the
# faulted families as seisK_1_I.npy beside velK_1_I.npy.
_NUMBERED = re.compile(r"data(\d+)\.npy")
_FAULTED = re.compile(r"seis(\d+_\d+_\d+)\.npy")


@dataclass(frozen=True)
class TrainingFile:
    """A file of gathers, (n, S, T, R), and its file of maps, (n, 1, Z, X)."""

    family: str
    gathers: Path
    maps: Path


def find_training_files(folder: Path) -> list[TrainingFile]:
    """List the training files of a competition or OpenFWI folder.

    Args:
        folder: holds `train_samples/<Family>/...`, or the family folders themselves.

    Returns:
        The pairs in the order of family and number.

    Raises:
        FileNotFoundError: if there is no pair, or a file of gathers lacks its maps.
    """
    root = _existing(folder) / "train_samples"
    root = root if root.is_dir() else folder
    found = []
    for family in sorted(p for p in root.iterdir() if p.is_dir()):
        for gathers in sorted(family.rglob("*.npy"), key=_natural):
            maps = _maps_beside(gathers)
            if maps is None:
                continue
            if not maps.is_file():
                raise FileNotFoundError(f"{gathers} has no maps beside it: {maps} is missing")
            found.append(TrainingFile(family.name, gathers, maps))
    if not found:
        raise FileNotFoundError(
            f"{folder} holds no training files, expected <Family>/data/dataN.npy with "
            "model/modelN.npy, or <Family>/seisK_1_I.npy with velK_1_I.npy"
        )
    return found


def find_test_files(folder: Path) -> list[Path]:
    """List the gathers of a test folder, one .npy file each, by name.

    Args:
        folder: holds `test/*.npy`, or the files themselves.

    Raises:
        FileNotFoundError: if there is none.
    """
    root = _existing(folder) / "test"
    return _arrays_in(root if root.is_dir() else folder, "gathers")


def find_map_files(path: Path) -> list[Path]:
    """List the .npy files of velocity maps: the one that is named, or a folder's by number.

    Raises:
        FileNotFoundError: if there is no such path, or the folder holds none.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; check the path")
    return sorted(_arrays_in(path, "maps"), key=_natural)


def open_gathers(path: Path) -> Array:
    """Memory-map a file of gathers: one, (S, T, R), or many, (n, S, T, R).

    Returns:
        The gathers with their batch axis, (n, S, T, R).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole .npy file, has another rank or is empty.
    """
    gathers = open_array(path)
    if gathers.ndim not in (3, 4):
        raise ValueError(
            f"gathers of {path} must be (shots, time, receivers) or (n, shots, time, receivers), "
            f"got {gathers.shape}; reshape them"
        )
    _check_filled(f"gathers of {path}", gathers)
    return gathers[None] if gathers.ndim == 3 else gathers


def open_maps(path: Path) -> Array:
    """Memory-map a file of maps: one, (Z, X), many, (n, Z, X), or OpenFWI's (n, 1, Z, X).

    Returns:
        The maps with their batch axis, (n, Z, X).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a whole .npy file, has another rank or is empty.
    """
    maps = open_array(path)
    if maps.ndim not in (2, 3) and not (maps.ndim == 4 and maps.shape[1] == 1):
        raise ValueError(
            f"maps of {path} must be (depth, line), (n, depth, line) or (n, 1, depth, line), "
            f"got {maps.shape}; reshape them"
        )
    _check_filled(f"maps of {path}", maps)
    return maps.reshape(-1, *maps.shape[-2:])


def _check_filled(name: str, array: Array) -> None:
    if 0 in array.shape:
        raise ValueError(f"{name} hold no sample, got {array.shape}; remove the file")


def _arrays_in(folder: Path, what: str) -> list[Path]:
    found = sorted(folder.glob("*.npy"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no .npy file; name the folder of the {what}")
    return found


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; check the path")
    return folder


def _maps_beside(gathers: Path) -> Path | None:
    numbered = _NUMBERED.fullmatch(gathers.name)
    if numbered and gathers.parent.name == "data":
        return gathers.parent.parent / "model" / f"model{numbered[1]}.npy"
    faulted = _FAULTED.fullmatch(gathers.name)
    return gathers.with_name(f"vel{faulted[1]}.npy") if faulted else None


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort data2.npy before data10.npy."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", str(path))]
