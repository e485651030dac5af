"""convert: from a store or files to files of another format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.config import Config, ConvertConfig
from fwi.data.converted import parts_of, write_part
from fwi.data.inputs import Inputs, open_gather_inputs
from fwi.data.map_inputs import open_map_inputs
from fwi.data.readers import Sampling
from fwi.data.recording import recording_of
from fwi.data.store import Store
from fwi.files import atomic_folder, check_free
from fwi.physics.misfit import geometry_of
from fwi.progress import progress_bar


@dataclass(frozen=True)
class ConvertResult:
    """The folder that was written, and what it holds."""

    path: Path
    n_samples: int
    kinds: tuple[str, ...]

    def __str__(self) -> str:
        """Say what was written."""
        return f"{self.path}: {' and '.join(self.kinds)} of {self.n_samples} samples"


def run(config: Config, *, force: bool = False) -> ConvertResult:
    """Write gathers and maps in a format and a layout that prepare, infer and simulate read.

    Args:
        config: reads `convert`, and `store`, `name` for what it leaves open.
        force: replace a folder that is there.

    Returns:
        What was written; the folder appears when it is whole.

    Raises:
        FileExistsError: if the folder is there, without `force`.
        FileNotFoundError: if there is nothing to read.
        ModuleNotFoundError: if the format needs a library that is not installed.
        ValueError: if something to read is damaged.
    """
    section = config.convert
    out = section.out or Path("data") / f"{config.name}-{section.format}"
    check_free(out, force)
    inputs, kinds = _open(section.input or config.store_path, section)
    with atomic_folder(out) as folder, progress_bar("convert", len(inputs)) as advance:
        for part in parts_of(inputs, section.format, section.n_samples):
            arrays = _read(inputs, kinds, part.rows)
            sampling = _sampling(inputs, arrays)
            write_part(folder, section.format, part, arrays, sampling)
            advance(len(part.rows))
    return ConvertResult(out, len(inputs), kinds)


def _open(path: Path, section: ConvertConfig) -> tuple[Inputs, tuple[str, ...]]:
    """Open what there is: gathers with their maps, gathers, or maps alone."""
    said = Sampling(section.dt, section.source_x, section.receiver_x)
    if (path / "store.json").exists() and not Store(path).has_gathers:
        return open_map_inputs(path), ("maps",)
    inputs = open_gather_inputs(path, said)
    return inputs, ("gathers",) if inputs.read_maps is None else ("gathers", "maps")


def _read(inputs: Inputs, kinds: tuple[str, ...], rows: list[int]) -> dict[str, Array]:
    read = {"gathers": inputs.read, "maps": inputs.read_maps}
    if kinds == ("maps",):
        read = {"maps": inputs.read}
    return {kind: np.concatenate([_one(read[kind], row) for row in rows]) for kind in kinds}


def _one(read: Callable[[range], Array] | None, row: int) -> Array:
    assert read is not None  # a kind that there is can be read
    return read(range(row, row + 1))


def _sampling(inputs: Inputs, arrays: Mapping[str, Array]) -> Sampling:
    if "gathers" not in arrays:
        return Sampling()
    recorded = None if inputs.store is None else recording_of(inputs.store)
    geometry = recorded or geometry_of(arrays["gathers"])
    return Sampling(geometry.dt, geometry.source_x, geometry.receiver_x)
