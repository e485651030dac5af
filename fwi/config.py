"""The configs of every stage: one YAML file is one experiment, and holds only differences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fwi.geometry import OPENFWI
from fwi.registry import nearest

Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Quantity = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Positions = tuple[Annotated[float, Field(allow_inf_nan=False)], ...]


class _Loader(yaml.SafeLoader):
    """Safe YAML in which 3e-4 is a number, as in YAML 1.2 and JSON, not a text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class _StoreSection(_Section):
    """How a store is cut into folds and shards, and what may work on it."""

    n_folds: Annotated[int, Field(ge=2)] = 10
    shard_size: Positive = 100  # samples a shard, which is what memory holds and a kill can cost
    seed: int = 0
    threads: Positive | None = None  # simulator threads; none means every processor


class PrepareConfig(_StoreSection):
    """Where the samples of the store come from."""

    folder: Path | None = None  # a competition or OpenFWI folder; none generates maps
    split: Literal["train", "test"] = "train"  # which part of that folder
    families: list[str] = Field(default_factory=list)  # generated families; empty means all ten
    n_samples: Positive = 1000  # maps to generate


class SimulateConfig(_StoreSection):
    """Which maps are simulated, and how they are recorded; the maps' size is the grid's."""

    input: Path | None = None  # maps: one .npy file, a folder of them, or a store
    n_shots: Literal[5, 6] = 6  # OpenFWI's five, or a sixth that makes the flip exact
    dx: Quantity = OPENFWI.dx  # cell size, m
    dt: Quantity = OPENFWI.dt  # time step, s
    nt: Positive = OPENFWI.nt  # time samples
    frequency: Quantity = OPENFWI.frequency  # peak of the Ricker wavelet, Hz
    source_x: Positions | None = None  # m along the line, instead of the n_shots of OpenFWI
    source_depth: float = OPENFWI.source_depth  # m
    receiver_x: Positions | None = None  # m along the line; OpenFWI's 70 where none
    receiver_depth: float = OPENFWI.receiver_depth  # m


class TrainConfig(_Section):
    """One network and how it is trained."""

    model: str = "unet"
    variant: str | None = None  # the model's default where none
    options: dict[str, Any] = Field(default_factory=dict)  # of the model
    pretrained: bool | Path = False  # encoder weights: timm's own, or a local .safetensors file
    fold: int = 0  # the fold that is validated, never trained on
    epochs: Positive = 20
    batch_size: Positive = 16
    lr: Annotated[float, Field(gt=0)] = 2e-3  # peak of the one-cycle schedule
    warmup: Fraction = 0.15  # part of the steps in which lr rises to its peak
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip_norm: Annotated[float, Field(gt=0)] = 3.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.99
    flip: Fraction = 0.5  # probability of the left-right flip
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 0
    threads: Positive | None = None


class InferConfig(_Section):
    """What is predicted, and by what."""

    input: Path | None = None  # a store, a folder of .npy gathers or one file; the store if none
    checkpoints: list[str] = Field(default_factory=list)  # paths or "default"; the run's best
    blend: Literal["mean", "median"] = "mean"
    tta: bool = True  # average with the prediction of the mirrored gathers
    batch_size: Positive = 32
    out: Path | None = None  # runs/<name>/predictions where none


class SubmitConfig(_Section):
    """What is written for the competition."""

    predictions: Path | None = None  # runs/<name>/predictions where none
    sample_submission: Path | None = None  # its order is followed, and its ids are required
    out: Path | None = None  # submissions/<name>.csv where none


class LeaderboardConfig(_Section):
    """Which runs are compared, and where."""

    runs: list[str] = Field(default_factory=list)  # run folders or "default"; all of runs/
    fold: int = 0  # of the store, validated
    baselines: list[str] | None = None  # of fwi.baselines.gathers; all where none, [] for none
    tta: bool = True


class ExportConfig(_Section):
    """Which network is written as ONNX, and where."""

    checkpoint: str = ""  # a path or "default"; the run's best where empty
    out: Path | None = None  # runs/<name>/model.onnx where none
    # torch's exporter writes operators from 18 on and knows of 23; its default where none
    opset: Annotated[int, Field(ge=18, le=23)] | None = None


class Config(_Section):
    """One experiment: every stage reads its section and the shared paths."""

    name: str = "quickstart"
    store: Path | None = None  # data/<name> where none
    runs: Path = Path("runs")
    prepare: PrepareConfig = PrepareConfig()
    simulate: SimulateConfig = SimulateConfig()
    train: TrainConfig = TrainConfig()
    infer: InferConfig = InferConfig()
    submit: SubmitConfig = SubmitConfig()
    leaderboard: LeaderboardConfig = LeaderboardConfig()
    export: ExportConfig = ExportConfig()

    @property
    def store_path(self) -> Path:
        """The folder of the store."""
        return self.store or Path("data") / self.name

    @property
    def run_path(self) -> Path:
        """The folder of the run."""
        return self.runs / self.name

    @property
    def predictions_path(self) -> Path:
        """The folder of the predictions that infer writes."""
        return self.infer.out or self.run_path / "predictions"


def load_config(path: Path | str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read an experiment and apply overrides.

    Args:
        path: a YAML file; the defaults where None.
        overrides: `section.key=value` strings, the value in YAML.

    Returns:
        The validated config.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not YAML, or a key or value does not fit; it names the nearest key.
    """
    values = {} if path is None else _read_yaml(Path(path))
    for override in overrides:
        _set(values, override)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ValueError(_explain(error, str(path or "the config"))) from None


def overrides_of(options: Mapping[str, Any]) -> list[str]:
    """Turn options such as train__lr=3e-4 into overrides, leaving out those that are None."""
    given = {key: value for key, value in options.items() if value not in (None, [])}
    return [
        f"{key.replace('__', '.')}={json.dumps(value, default=str)}" for key, value in given.items()
    ]


def save_config(config: Config, path: Path) -> None:
    """Write a config whole, as JSON, which is YAML too."""
    path.write_text(config.model_dump_json(indent=2))


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"the config {path} does not exist; check the path")
    try:
        values = yaml.load(path.read_text(), _Loader) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold keys and values, got a {type(values).__name__}")
    return values


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise ValueError(f"an override must be section.key=value, got {override!r}")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"{key!r} does not name a key: {section!r} holds a value")
    try:
        values[last] = yaml.load(text, _Loader)
    except yaml.YAMLError:
        raise ValueError(f"the value of an override must be YAML, got {override!r}") from None


def _explain(error: ValidationError, where: str) -> str:
    """Say the first fault in one sentence."""
    fault = error.errors()[0]
    path = [str(part) for part in fault["loc"]]
    key = ".".join(path)
    if fault["type"] != "extra_forbidden":
        return f"{key} of {where} does not fit: {fault['msg']}, got {fault['input']!r}"
    section: Any = Config
    for part in path[:-1]:
        section = section.model_fields[part].annotation
    return f"{where} has an unknown key {key!r}; {nearest(path[-1], section.model_fields)}"
