"""prepare: from generated families, or from a competition folder, to a store."""

from __future__ import annotations

from fwi import families
from fwi.config import Config
from fwi.data.generated import generated_shards
from fwi.data.imported import test_shards, training_shards
from fwi.data.inputs import open_gather_inputs
from fwi.data.layouts import competition_part, find_sources
from fwi.data.readers import Sampling
from fwi.data.shards import Shard, make_store
from fwi.data.store import Store


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
    # All that determines the contents but for the files' own, so that one can be repaired.
    # Stores without augmented maps do not speak of them, as those of older versions.
    unsaid = {"verify", "augment", "augmentation", "plain"}
    recipe = section.model_dump(mode="json", exclude=unsaid) | section.augmented_by
    store = make_store(
        "prepare", config.store_path, recipe, _plan(config), force=force, machine=config.machine
    )
    if section.verify:
        store.verify()
    return store


def _plan(config: Config) -> list[Shard]:
    prepare = config.prepare
    if prepare.folder is None:
        for family in prepare.families:  # before the folder is claimed
            families.check_family(family)
        return list(generated_shards(prepare, config.machine.task_threads))
    folder = competition_part(prepare.folder, prepare.split)  # refuses what is no folder
    if prepare.split == "test":
        said = Sampling(prepare.dt, prepare.source_x, prepare.receiver_x)
        return list(test_shards(prepare, open_gather_inputs(prepare.folder, said)))
    found = find_sources(folder, with_maps=True)
    return list(training_shards(prepare, found, config.machine.task_threads))
