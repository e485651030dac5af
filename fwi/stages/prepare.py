"""prepare: to a store, from a folder of files, generated families, or predicted maps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fwi import families
from fwi.config import Config, SimulateConfig
from fwi.data.decimated import decimated_shards
from fwi.data.generated import generated_shards
from fwi.data.imported import test_shards, training_shards
from fwi.data.inputs import open_gather_inputs
from fwi.data.layouts import competition_part, find_sources
from fwi.data.predicted import open_predictions
from fwi.data.readers import Sampling
from fwi.data.shards import Shard, make_store
from fwi.data.simulated import check_all, check_apart, recipe_of, recorded_by, simulated_shards
from fwi.data.store import Store
from fwi.geometry import OPENFWI

_Plan = tuple[Iterable[Shard], dict[str, Any]]  # shards, and what else determines them


def run(config: Config, *, force: bool = False) -> Store:
    """Prepare the config's store, or finish one that was stopped.

    Args:
        config: reads `prepare`, `store` and `machine`.
        force: delete a store that is there and begin anew.

    Returns:
        The finished store.

    Raises:
        FileExistsError: if the folder holds a store made otherwise, without `force`.
        FileNotFoundError: if the source folder or its files are missing.
        ValueError: if a file does not fit; the shards finished before are kept.
    """
    section = config.prepare
    shards, more = _plan(config)
    # All that determines the contents but for the files' own, so that one can be repaired.
    said = section.recipe(type(section).model_fields.keys() - {"verify"})
    # Of whatever prepare makes, times and wavelet are OpenFWI's.
    planned = decimated_shards(shards, section, OPENFWI)
    store = make_store(
        "prepare",
        config.store_path,
        said | more,
        planned,
        force=force,
        machine=config.machine,
    )
    if section.verify:
        store.verify()
    return store


def _plan(config: Config) -> _Plan:
    prepare, threads = config.prepare, config.machine.task_threads
    if prepare.folder is not None:
        return _from_folder(config, prepare.folder), {}
    if prepare.predictions is not None:
        return _from_predictions(config, prepare.predictions)
    for family in prepare.families:  # before the folder is claimed
        families.recipe(family)
    return generated_shards(prepare, threads), {}


def _from_folder(config: Config, given: Path) -> Iterable[Shard]:
    prepare = config.prepare
    folder = competition_part(given, prepare.split)  # refuses what is no folder
    if prepare.split == "test":
        said = Sampling(prepare.dt, prepare.source_x, prepare.receiver_x)
        return test_shards(prepare, open_gather_inputs(given, said))
    found = find_sources(folder, with_maps=True)
    return training_shards(prepare, found, config.machine.task_threads)


def _from_predictions(config: Config, path: Path) -> _Plan:
    """Plan exact pairs of predicted maps: simulated as generated maps are."""
    section = config.prepare
    check_apart(path, config.store_path)
    inputs = open_predictions(path)
    nz, nx = inputs.read(range(1)).shape[1:]
    geometry = recorded_by(SimulateConfig(), nz, nx)
    check_all(inputs, geometry)
    shards = simulated_shards(section, inputs, geometry, config.machine.task_threads)
    return shards, recipe_of(section, inputs, geometry)
