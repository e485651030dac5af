"""Gathers and maps as files of any format that is read, in layouts that are read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.data.blocks import blocks
from fwi.data.inputs import Inputs
from fwi.data.readers import FORMATS, Sampling, segy
from fwi.data.readers.base import AXES

_Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Part:
    """Samples of one family that go into the same files.

    Attributes:
        family: theirs.
        number: of the part in its family, from 1.
        rows: of the inputs.
    """

    family: str
    number: int
    rows: list[int]


def parts_of(inputs: Inputs, format: str, n_samples: int) -> list[Part]:
    """Cut inputs into parts: families apart, in their order; SEG-Y takes a sample a file."""
    most = 1 if format == "sgy" else n_samples
    families = inputs.rows["family"]
    members = {f: [i for i, g in enumerate(families) if g == f] for f in dict.fromkeys(families)}
    return [
        Part(family, number + 1, [rows[i] for i in block])
        for family, rows in members.items()
        for number, block in enumerate(blocks(range(len(rows)), most))
    ]


def write_part(out: Path, format: str, part: Part, arrays: _Arrays, sampling: Sampling) -> None:
    """Write a part of the samples.

    Args:
        out: folder of all parts.
        format: npy, npz, h5, mat or sgy.
        part: which samples.
        arrays: gathers (n, S, T, R), maps (n, Z, X), or both.
        sampling: how the gathers were recorded.
    """
    folder = out / part.family
    if format == "npy":
        _write_pair(folder, part.number, arrays)
    elif format == "sgy":
        _write_lines(folder / f"{part.number:05d}", arrays, sampling)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"samples{part.number}.{format}"
        FORMATS[path.suffix].write(path, {**arrays, **_axes(sampling)})


def _write_pair(folder: Path, number: int, arrays: _Arrays) -> None:
    """Write OpenFWI's two files."""
    for name, role in (("data", "gathers"), ("model", "maps")):
        if role in arrays:
            path = folder / name / f"{name}{number}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            array = arrays[role] if role == "gathers" else arrays[role][:, None]
            FORMATS[".npy"].write(path, {role: array})


def _write_lines(folder: Path, arrays: _Arrays, sampling: Sampling) -> None:
    """Write a sample's shots, and its map as a section: a trace for each column."""
    folder.mkdir(parents=True, exist_ok=True)
    if "gathers" in arrays:
        segy.write(folder / "gathers.sgy", {"gathers": arrays["gathers"][0]}, sampling)
    if "maps" in arrays:
        segy.write(folder / "velocity.sgy", {"maps": arrays["maps"][0]})


def _axes(sampling: Sampling) -> dict[str, Array]:
    said = {key: getattr(sampling, key) for key in AXES}
    return {key: np.asarray(value) for key, value in said.items() if value is not None}
