"""The configs of every stage: one YAML file is one experiment, and holds only differences."""

from fwi.config.keys import Choice, StoreShare
from fwi.config.loading import load_config, overrides_of, save_config
from fwi.config.sections import (
    Config,
    ExportConfig,
    InferConfig,
    LeaderboardConfig,
    MachineConfig,
    ModelsConfig,
    PrepareConfig,
    SimulateConfig,
    SubmitConfig,
    TrainConfig,
)

__all__ = [
    "Choice",
    "Config",
    "ExportConfig",
    "InferConfig",
    "LeaderboardConfig",
    "MachineConfig",
    "ModelsConfig",
    "PrepareConfig",
    "SimulateConfig",
    "StoreShare",
    "SubmitConfig",
    "TrainConfig",
    "load_config",
    "overrides_of",
    "save_config",
]
