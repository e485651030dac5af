"""The stages by name; each is `run(config, *, force=False)` of its own module."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fwi.registry import nearest

if TYPE_CHECKING:
    from fwi.config import Config


class Stage(NamedTuple):
    """What is known of a stage before it, or the config, is imported.

    Attributes:
        summary: one line, the command line's help.
        section: the section of the config that is its own, if there is one.
        writes: whether it leaves files that `force` replaces.
        defaults: overrides that hold where no config is given.
        spreads: whether other machines may take part (`machine.engine`).
    """

    summary: str
    section: str | None
    writes: bool = True
    defaults: tuple[str, ...] = ()
    spreads: bool = False


STAGES = {
    "demo": Stage(
        "Walk the whole way on this machine with nothing downloaded.",
        None,
        defaults=("name=demo", "prepare.n_samples=1000", "train.epochs=12"),
    ),
    "prepare": Stage(
        "Make a store: of files, or of generated or predicted maps.", "prepare", spreads=True
    ),
    "simulate": Stage(
        "Make a store: from maps, simulating their gathers.", "simulate", spreads=True
    ),
    "train": Stage("Train a network, or go on where a killed fit stopped.", "train"),
    "infer": Stage("Predict velocity maps from gathers.", "infer", spreads=True),
    "refine": Stage(
        "Refine velocity maps until they explain their gathers.", "refine", spreads=True
    ),
    "submit": Stage("Write predictions as a validated submission.", "submit"),
    "leaderboard": Stage(
        "Compare runs, and the baselines, on one validation fold.", "leaderboard", writes=False
    ),
    "export": Stage("Write a network as ONNX, without flip average, and check it.", "export"),
    "convert": Stage("Write gathers and maps as files of another format.", "convert"),
    "models": Stage(
        "List the networks that can be trained, and what they cost.", "models", writes=False
    ),
}


def run(
    config: Config | Path | str | None, stage: str, *, force: bool = False, **overrides: Any
) -> Any:
    """Run one stage of an experiment.

    Args:
        config: a config, a YAML file, or None for the stage's defaults.
        stage: one of `STAGES`.
        force: replace what an earlier run of another config left.
        **overrides: sections' keys with a double underscore, such as train__lr=3e-4.

    Returns:
        What the stage gives back.

    Raises:
        FileNotFoundError: if there is no such file.
        KeyError: if there is no such stage.
        ValueError: if a key of the config is unknown or does not fit.
    """
    from fwi.config import overrides_of

    return run_overridden(config, stage, overrides_of(overrides), force=force)


def run_overridden(
    config: Config | Path | str | None, stage: str, overrides: Sequence[str], *, force: bool = False
) -> Any:
    """Run one stage as `run` does, its overrides written as `section.key=value`."""
    from fwi.config import load_config

    if not isinstance(stage, str):
        raise TypeError(f"stage must be a name, got {type(stage).__name__}")
    if stage not in STAGES:
        raise KeyError(f"unknown stage {stage[:60]!r}; {nearest(stage, STAGES)}")
    defaults = STAGES[stage].defaults if config is None else ()
    # Before the stage is imported, so that a fault is told at once.
    config = load_config(config, [*defaults, *overrides])
    return import_module(f"fwi.stages.{stage}").run(config, force=force)
