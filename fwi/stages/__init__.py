"""The stages by name; each is `run(config)` of its own module."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from fwi.config import Config, load_config, overrides_of
from fwi.registry import nearest

STAGES = ("prepare", "simulate", "train", "infer", "submit", "leaderboard", "export", "demo")


def run(
    config: Config | Path | str | None, stage: str, *, force: bool = False, **overrides: Any
) -> Any:
    """Run one stage of an experiment.

    Args:
        config: a config, a YAML file, or None for the defaults.
        stage: one of `STAGES`.
        force: replace what an earlier run of another config left.
        **overrides: sections' keys with a double underscore, such as train__lr=3e-4.

    Returns:
        What the stage gives back.

    Raises:
        KeyError: if there is no such stage.
        ValueError: if a key of the config is unknown or does not fit.
    """
    if stage not in STAGES:
        raise KeyError(f"unknown stage {stage!r}; {nearest(stage, STAGES)}")
    if not isinstance(config, Config):
        config = load_config(config, overrides_of(overrides))
    return import_module(f"fwi.stages.{stage}").run(config, force=force)
