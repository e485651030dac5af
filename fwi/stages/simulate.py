"""simulate: from velocity maps to a store of their gathers."""

from __future__ import annotations

from fwi.config import Config
from fwi.data.decimated import decimated_shards
from fwi.data.map_inputs import open_map_inputs
from fwi.data.shards import make_store
from fwi.data.simulated import check_all, check_apart, recipe_of, recorded_by, simulated_shards
from fwi.data.store import Store


def run(config: Config, *, force: bool = False) -> Store:
    """Simulate the gathers of every map, or finish a store that was stopped.

    Args:
        config: reads `simulate`, `store` and `machine`.
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
    if section.input is None:
        raise ValueError(
            "simulate.input must name a .npy file of velocity maps, a folder of them or a store, "
            "got none"
        )
    check_apart(section.input, path)
    inputs = open_map_inputs(section.input)
    nz, nx = inputs.read(range(1)).shape[1:]
    geometry = recorded_by(section, nz, nx)
    # Reading every map costs seconds, a fault found in the last shard hours; and a config that
    # does not fit must not take the folder.
    check_all(inputs, geometry)
    shards = simulated_shards(section, inputs, geometry, config.machine.task_threads)
    return make_store(
        "simulate",
        path,
        recipe_of(section, inputs, geometry),
        decimated_shards(shards, section, geometry),
        force=force,
        machine=config.machine,
    )
