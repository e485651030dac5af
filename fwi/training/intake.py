"""What a store says of the network that learns from it, and what of a store cannot be meant."""

from __future__ import annotations

from typing import Any

from fwi.checks import warn_of_unit, warn_unusual
from fwi.config import TrainConfig
from fwi.data.dataset import GatherDataset
from fwi.data.recording import differences, recording_of
from fwi.data.store import Store
from fwi.inference.conditions import Conditions, observe
from fwi.models.sizes import MAP


def options_of(train: TrainConfig, store: Store) -> dict[str, Any]:
    """Give the network's options, with the size of the store's maps where it is not OpenFWI's."""
    if taken := {"name", "variant", "pretrained"} & train.options.keys():
        raise ValueError(
            f"train.options must hold options of the network, got {min(taken)!r}; it is a key of "
            "train itself"
        )
    sized = {} if store.map_shape == MAP else {"map_shape": list(store.map_shape)}
    return {**sized, **train.options}


def observed(dataset: GatherDataset) -> Conditions:
    """Look at what is learned from; refuse what is nothing, warn of what looks like a mistake.

    Raises:
        ValueError: if the gathers are silent or the maps no velocities.
    """
    first, *others = dataset.stores
    found = observe(dataset.stores, dataset.n_shots)
    slowest, fastest = found.velocity or (0.0, 0.0)
    if slowest <= 0:
        raise ValueError(
            f"maps of the store {first.path} must be positive, in m/s, got {slowest:g}; repair them"
        )
    warn_of_unit(f"maps of the store {first.path}", fastest)
    ours = recording_of(first)
    for store in others:
        theirs = recording_of(store)
        if ours and theirs and (said := differences(ours, theirs, dataset.n_shots)):
            warn_unusual(
                f"the store {store.path} is not recorded as {first.path}: {said[0]}; the network "
                "cannot tell them apart"
            )
    return found
