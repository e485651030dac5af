"""Shards of the files of the competition and of OpenFWI."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_gathers, check_shape, check_velocity
from fwi.config import PrepareConfig
from fwi.data.blocks import blocks
from fwi.data.folds import assign_folds
from fwi.data.formats import TrainingFile, open_gathers
from fwi.data.shards import Shard
from fwi.files import open_array
from fwi.geometry import OPENFWI
from fwi.progress import Advance


def training_shards(prepare: PrepareConfig, files: list[TrainingFile]) -> Iterator[Shard]:
    """Plan a store of training files.

    Args:
        prepare: reads `n_folds`, `shard_size` and `seed`.
        files: gathers and their maps, which are opened to be counted.
    """
    counts = [len(open_gathers(file.gathers)) for file in files]
    names = [file.family for file, n in zip(files, counts, strict=True) for _ in range(n)]
    folds = assign_folds(names, prepare.n_folds, prepare.seed)
    first = 0
    for file, n in zip(files, counts, strict=True):
        for part in blocks(range(n), prepare.shard_size):
            rows: dict[str, list[Any]] = {
                "sample_id": [f"{file.family}/{file.gathers.stem}/{i}" for i in part],
                "family": [file.family] * len(part),
                "fold": [int(folds[first + i]) for i in part],
                "origin": [str(file.gathers)] * len(part),
            }
            yield Shard(rows, partial(_read_training, file, part))
        first += n


def _read_training(file: TrainingFile, part: range, advance: Advance) -> dict[str, Array]:
    span = slice(part.start, part.stop)
    gathers, maps = open_gathers(file.gathers), open_array(file.maps)
    check_shape(f"maps of {file.maps}", maps, (len(gathers), 1, OPENFWI.nz, OPENFWI.nx))
    gathers, maps = gathers[span], maps[span, 0]
    samples = f"samples {part.start} to {part.stop - 1} of"
    check_gathers(gathers, *OPENFWI.gather_shape, name=f"gathers, {samples} {file.gathers},")
    check_velocity(maps, OPENFWI.nz, OPENFWI.nx, name=f"maps, {samples} {file.maps},")
    advance(len(part))
    return {"gathers": gathers, "maps": maps}


def test_shards(prepare: PrepareConfig, files: list[Path]) -> Iterator[Shard]:
    """Plan a store of test gathers, of no family and no fold: their maps are unknown.

    Args:
        prepare: reads `shard_size`.
        files: one sample each.
    """
    for part in blocks(range(len(files)), prepare.shard_size):
        chosen = [files[i] for i in part]
        rows: dict[str, list[Any]] = {
            "sample_id": [file.stem for file in chosen],
            "family": ["unknown"] * len(part),
            "fold": [-1] * len(part),
            "origin": [str(file) for file in chosen],
        }
        yield Shard(rows, partial(_read_test, chosen))


def _read_test(files: list[Path], advance: Advance) -> dict[str, Array]:
    gathers = np.empty((len(files), *OPENFWI.gather_shape), np.float32)
    for i, file in enumerate(files):
        one = open_gathers(file)
        check_gathers(one, *OPENFWI.gather_shape, name=f"gathers of {file}")
        check_shape(f"gathers of {file}", one, (1, *OPENFWI.gather_shape))
        gathers[i] = one[0]
        advance()
    return {"gathers": gathers}
