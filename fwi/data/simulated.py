"""Shards of given maps, predicted ones among them, and their simulated gathers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.config import SimulateConfig, StoreSection
from fwi.data.augmented import Parents, augmented_shards
from fwi.data.blocks import blocks
from fwi.data.fold_rules import spread
from fwi.data.folds import TRAINING
from fwi.data.inputs import Inputs, Part
from fwi.data.shards import Shard, simulated
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.physics.simulator import check_maps
from fwi.progress import Advance

_ACQUISITION = {field.name for field in fields(AcquisitionGeometry)}


def recorded_by(section: SimulateConfig, nz: int, nx: int) -> AcquisitionGeometry:
    """Take the grid from the maps, and from OpenFWI what the config leaves open."""
    shots = OPENFWI if section.n_shots == 5 else OPENFWI_SIX_SHOTS
    return replace(
        shots, nz=nz, nx=nx, **section.model_dump(include=_ACQUISITION, exclude_none=True)
    )


def check_apart(given: Path, store: Path) -> None:
    """Refuse to write a store over the maps that are read.

    Raises:
        ValueError: if they lie in it.
    """
    if Path(os.path.realpath(given)).is_relative_to(os.path.realpath(store)):
        raise ValueError(f"{store} holds the maps that are read; write to another store")


def check_all(inputs: Inputs, geometry: AcquisitionGeometry) -> None:
    """Refuse a map that `fwi.simulate` would refuse, and name it.

    Raises:
        ValueError: if a value or the time step does not fit.
        TypeError: if the maps are not floating.
    """
    for sample in range(len(inputs)):
        _check(inputs, sample, geometry)


def _check(inputs: Inputs, sample: int, geometry: AcquisitionGeometry) -> None:
    name = f"map {inputs.rows['sample_id'][sample]} of {inputs.rows['origin'][sample]}"
    check_maps(inputs.read(range(sample, sample + 1)), None, geometry, name)


def simulated_shards(
    section: StoreSection,
    inputs: Inputs,
    geometry: AcquisitionGeometry,
    threads: int | None,
) -> Iterator[Shard]:
    """Plan a store of maps and their gathers.

    Args:
        section: reads `shard_size`, how samples are spread over folds, and how maps are
            augmented; those of a store keep the fold that they have there, unless there are to be
            no folds.
        inputs: the maps.
        geometry: which is simulated.
        threads: shots simulated at once; one for each processor by default.

    Raises:
        KeyError: if there is no such augmentation.
        ValueError: if it makes no map, or the folds do not fit.
    """
    folds = spread(section, inputs.rows["family"], inputs.rows["origin"])
    if section.fold_rule != "none":
        known = inputs.rows["fold"]
        folds = [new if old == TRAINING else old for old, new in zip(known, folds, strict=True)]
    inputs = replace(inputs, rows={**inputs.rows, "fold": folds})
    for part in blocks(range(len(inputs) if section.plain else 0), section.shard_size):
        make = partial(_simulated, Part(inputs, part), geometry, threads)
        yield Shard(inputs.rows_of(part), make, inputs.sources_of(part))
    if section.augment:
        parents = Parents(
            inputs.rows,
            lambda i: inputs.read(range(i, i + 1))[0],
            lambda i: inputs.sources_of(range(i, i + 1)),
        )
        yield from augmented_shards(section, parents, geometry, threads)


def _simulated(
    part: Part, geometry: AcquisitionGeometry, threads: int | None, advance: Advance
) -> dict[str, Array]:
    # In the store's dtype, so that the gathers are those of the maps beside them.
    maps = part.inputs.read(part.span).astype(np.float32)
    return simulated(maps, geometry, threads, advance)


def recipe_of(
    section: StoreSection, inputs: Inputs, geometry: AcquisitionGeometry
) -> dict[str, Any]:
    """What determines the store: the maps, their recording, folds and shards."""
    return {
        "maps": inputs.fingerprint,
        "geometry": asdict(geometry),
        **section.recipe(StoreSection.model_fields),
    }
