"""The configs of every stage: one YAML file is one experiment, and holds only differences."""

from fwi.config.keys import Choice, Section, StoreShare, types_of
from fwi.config.loading import load_config, overrides_of, save_config
from fwi.config.sections import (
    SECTIONS,
    Config,
    ConvertConfig,
    ExportConfig,
    InferConfig,
    LeaderboardConfig,
    MachineConfig,
    ModelsConfig,
    SubmitConfig,
    TrainConfig,
)
from fwi.config.stores import PrepareConfig, SimulateConfig, StoreSection
from fwi.config.values import as_path, check_address

__all__ = [
    "SECTIONS",
    "Choice",
    "Config",
    "ConvertConfig",
    "ExportConfig",
    "InferConfig",
    "LeaderboardConfig",
    "MachineConfig",
    "ModelsConfig",
    "PrepareConfig",
    "Section",
    "SimulateConfig",
    "StoreSection",
    "StoreShare",
    "SubmitConfig",
    "TrainConfig",
    "as_path",
    "check_address",
    "load_config",
    "overrides_of",
    "save_config",
    "types_of",
]
