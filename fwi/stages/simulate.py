"""simulate: from velocity maps to a store of their gathers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.config import Config, SimulateConfig
from fwi.data.blocks import batches
from fwi.data.folds import assign_folds
from fwi.data.inputs import Source, open_map_source
from fwi.data.shards import Shard, make_store, simulated
from fwi.data.store import Store
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.physics.simulator import check_maps
from fwi.progress import Advance

_ACQUISITION = {field.name for field in fields(AcquisitionGeometry)}


def run(config: Config, *, force: bool = False) -> Store:
    """Simulate the gathers of every map, or finish a store that was stopped.

    Args:
        config: reads `simulate` and `store`.
        force: delete a store that is there and begin anew.

    Returns:
        The finished store: the maps, and their gathers.

    Raises:
        FileExistsError: if the folder holds a store of other maps or settings, without `force`.
        FileNotFoundError: if the maps are missing.
        ValueError: if a map, the geometry or the time step does not fit; nothing is written then.
        TypeError: if the maps are not floating.
    """
    section, path = config.simulate, config.store_path
    source = open_map_source(_input(section, path))
    nz, nx = source.read(range(1)).shape[1:]
    geometry = _geometry(section, nz, nx)
    # Reading every map costs seconds, a fault found in the last shard hours; and a config that
    # does not fit must not take the folder.
    for i in range(len(source)):
        _check(source, i, geometry)
    shards = list(_plan(section, source, geometry))
    return make_store("simulate", path, _recipe(section, source, geometry), shards, force=force)


def _input(section: SimulateConfig, store: Path) -> Path:
    if section.input is None:
        raise ValueError(
            "simulate.input must name a .npy file of velocity maps, a folder of them or a store, "
            "got none"
        )
    if section.input.resolve().is_relative_to(store.resolve()):
        raise ValueError(f"{store} holds the maps that are read; write to another store")
    return section.input


def _geometry(section: SimulateConfig, nz: int, nx: int) -> AcquisitionGeometry:
    """Take the grid from the maps, and from OpenFWI what the config leaves open."""
    shots = OPENFWI if section.n_shots == 5 else OPENFWI_SIX_SHOTS
    return replace(
        shots, nz=nz, nx=nx, **section.model_dump(include=_ACQUISITION, exclude_none=True)
    )


def _check(source: Source, sample: int, geometry: AcquisitionGeometry) -> None:
    """Refuse a map that `fwi.simulate` would refuse, and name it."""
    name = f"map {source.rows['sample_id'][sample]} of {source.rows['origin'][sample]}"
    check_maps(source.read(range(sample, sample + 1)), None, geometry, name)


def _plan(
    section: SimulateConfig, source: Source, geometry: AcquisitionGeometry
) -> Iterator[Shard]:
    """Spread the samples over the folds, but for those of a store that have theirs."""
    known = source.rows["fold"]
    spread = assign_folds(source.rows["family"], section.n_folds, section.seed).tolist()
    folds = [new if old < 0 else old for old, new in zip(known, spread, strict=True)]
    source = replace(source, rows={**source.rows, "fold": folds})
    for part in batches(range(len(source)), section.shard_size):
        yield Shard(
            source.rows_of(part), partial(_simulated, source, part, geometry, section.threads)
        )


def _simulated(
    source: Source,
    part: range,
    geometry: AcquisitionGeometry,
    threads: int | None,
    advance: Advance,
) -> dict[str, Array]:
    # In the store's dtype, so that the gathers are those of the maps beside them.
    maps = source.read(part).astype(np.float32)
    return simulated(maps, geometry, threads, advance)


def _recipe(
    section: SimulateConfig, source: Source, geometry: AcquisitionGeometry
) -> dict[str, Any]:
    """What determines the store: the maps, their recording, folds and shards."""
    return {
        "maps": source.fingerprint,
        "geometry": asdict(geometry),
        **section.model_dump(include={"n_folds", "shard_size", "seed"}),
    }
