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
from fwi.data.blocks import blocks
from fwi.data.fold_rules import spread
from fwi.data.folds import TRAINING
from fwi.data.inputs import Inputs
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
        section: reads `shard_size`, and how samples are spread over folds; those of a store keep
            the fold that they have there, unless there are to be no folds.
        inputs: the maps.
        geometry: which is simulated.
        threads: shots simulated at once; one for each processor by default.

    Raises:
        ValueError: if the folds do not fit.
    """
    folds = spread(section, inputs.rows["family"], inputs.rows["origin"])
    if section.fold_rule != "none":
        known = inputs.rows["fold"]
        folds = [new if old == TRAINING else old for old, new in zip(known, folds, strict=True)]
    inputs = replace(inputs, rows={**inputs.rows, "fold": folds})
    for part in blocks(range(len(inputs)), section.shard_size):
        make = partial(_simulated, inputs, part, geometry, threads)
        yield Shard(inputs.rows_of(part), make, inputs.sources_of(part))


def _simulated(
    inputs: Inputs,
    part: range,
    geometry: AcquisitionGeometry,
    threads: int | None,
    advance: Advance,
) -> dict[str, Array]:
    # In the store's dtype, so that the gathers are those of the maps beside them.
    maps = inputs.read(part).astype(np.float32)
    return simulated(maps, geometry, threads, advance)


def recipe_of(
    section: StoreSection, inputs: Inputs, geometry: AcquisitionGeometry
) -> dict[str, Any]:
    """What determines the store: the maps, their recording, folds and shards."""
    return {
        "maps": inputs.fingerprint,
        "geometry": asdict(geometry),
        **section.model_dump(include=set(StoreSection.model_fields)),
    }
