"""The sections of an experiment, one a stage: every option is declared here, once.

The first line of a key's documentation is the command line's help.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ValidationError, model_validator

from fwi.config.faults import explain
from fwi.config.keys import Choice, Section, Seed, StoreShare, key
from fwi.config.shared import Batch, Fold, Fraction, RecordedSection, Samples
from fwi.config.stores import PrepareConfig, SimulateConfig
from fwi.config.values import (
    Location,
    Name,
    Options,
    Pretrained,
    Reference,
    Text,
    check_address,
    within,
)


class MachineConfig(Section):
    """What the work may use of this machine: no part of what a run or a store is."""

    device: Text = key(
        "auto", "Where networks and refine run: auto takes the first GPU, or the CPU."
    )
    threads: Annotated[int, within(1, 4096)] | None = key(
        None, "Threads of simulator and networks; every processor."
    )
    workers: Annotated[int, within(0, 1024)] | None = key(
        None, "Processes that read batches ahead; 0 reads in line. By the device."
    )
    checkpoint_minutes: Annotated[float, within(0.0, 1e5, above=True)] = key(
        5.0, "What a kill can cost of a long epoch."
    )
    engine: Literal["local", "ray"] = key(
        "local", "What makes many samples: this process, or the workers of Ray."
    )
    address: Annotated[Text, AfterValidator(check_address)] | None = key(
        None, "Of a Ray that runs, host:port or auto; RAY_ADDRESS, or one started for the stage."
    )

    @property
    def task_threads(self) -> int | None:
        """Threads of one piece of the work: a task of Ray has one, there are as many at once."""
        return self.threads or (1 if self.engine == "ray" else None)

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        if self.engine == "local":
            self.ignores("address", how="without", beside="engine=ray")
        return self


class TrainConfig(Section):
    """One network and how it is trained."""

    model: Text = key("unet", "Registered network, see fwi models.")
    variant: Text | None = key(None, "Of the network; its default.")
    options: Options = key({}, "Of the network, over the variant's.")
    pretrained: Pretrained = key(
        False, "Encoder weights: true for timm's own, or a local .safetensors file."
    )
    objective: Choice | None = key(
        None, "What is minimised, a name or {name, options}; the network's own."
    )
    stores: list[StoreShare] = key(
        [], "Stores to learn from beside the experiment's, a path or {path, weight}.", "--also"
    )
    fold: Fold = key(0, "The fold that is validated, never trained on.")
    epochs: Annotated[int, within(1, 1_000_000)] = key(20, "Passes over the training samples.")
    batch_size: Batch = key(16, "Samples a step.")
    optimizer: Choice = key(
        Choice(name="adamw"), "What moves the weights, a name or {name, options}."
    )
    schedule: Choice = key(
        Choice(name="one_cycle"), "Of the learning rate, a name or {name, options}."
    )
    lr: Annotated[float, within(0.0, 1e3, above=True)] = key(
        2e-3, "Learning rate at the schedule's peak."
    )
    warmup: Fraction | None = key(
        None, "Part of the steps in which lr rises to its peak; the schedule's own."
    )
    weight_decay: Annotated[float, within(0.0, 1e3)] = key(0.01, "Of the optimizer.")
    clip_norm: Annotated[float, within(0.0, 1e9, above=True)] = key(
        3.0, "Longest gradient of a step."
    )
    ema_decay: Annotated[float, within(0.0, 0.999999)] = key(0.99, "Of the averaged weights.")
    flip: Fraction = key(0.5, "Probability of the left-right flip.")
    augment: list[Choice] = key(
        [], "Of gathers, after the flip, a name or {name, options} each; may be repeated."
    )
    fresh: Fraction = key(
        0.0, "Part of the samples whose maps are augmented and simulated while it trains."
    )
    augmentation: Text = key("default", "Recipe of the fresh maps: default, warp or mix.")
    precision: Literal["auto", "float32", "bfloat16"] = key(
        "auto", "Of the network: auto is bfloat16 where the processor computes it natively."
    )
    seed: Seed = key(0, "Of weights, order and augmentation.")

    @model_validator(mode="after")
    def _check_fresh(self) -> Self:
        if not self.fresh:
            self.ignores("augmentation", how="without", beside="fresh")
        return self


class InferConfig(RecordedSection):
    """What is predicted, and by what."""

    input: Location | None = key(
        None, "Store, folder of files, or one file; the experiment's store.", argument=True
    )
    checkpoints: list[Reference] = key(
        [], "Run, checkpoint or 'default'; may be repeated. The run's best.", "--checkpoint", "-k"
    )
    blend: Literal["mean", "median"] = key("mean", "How several predictions become one.")
    tta: bool = key(True, "Average with the prediction of the mirrored gathers.")
    batch_size: Batch = key(32, "Gathers computed at once.")
    out: Location | None = key(None, "Folder of the predictions; runs/<name>/predictions.")


class RefineConfig(RecordedSection):
    """Which maps are refined, from what, and for how long."""

    input: Location | None = key(
        None, "Store, folder of files, or one file; the experiment's store.", argument=True
    )
    start: Reference = key(
        "default",
        "First maps: a store of predictions, a run or checkpoint, 'default', or 'trend'.",
    )
    family: Text = key(
        "auto", "Family or kind of the samples, which chooses the prior; auto finds out."
    )
    method: Text = key("auto", "dense, cg, lbfgs or adam; auto chooses by the grid's size.")
    noise: Annotated[float, within(0.0, 1e9)] | None = key(
        None, "Standard deviation of what is added to the waves; what is heard before them."
    )
    draws: Annotated[int, within(0, 10_000)] = key(
        0, "Maps a sample that are drawn from the posterior, beside its standard deviation."
    )
    seconds: Annotated[float, within(0.0, 1e7, above=True)] = key(
        300.0, "After which a sample takes no more steps."
    )
    samples: Samples | None = key(None, "So many of the first samples; all of them.")
    out: Location | None = key(None, "Folder of the refined maps; runs/<name>/refined.")


class SubmitConfig(Section):
    """What is written for the competition."""

    predictions: Location | None = key(
        None, "Folder that infer wrote; runs/<name>/predictions.", argument=True
    )
    sample_submission: Location | None = key(
        None, "The sample submission, whose order is followed and whose ids are needed.", "--sample"
    )
    out: Location | None = key(None, "The csv file; submissions/<name>.csv.")


class LeaderboardConfig(Section):
    """Which runs are compared, and where."""

    runs: list[Reference] = key(
        [], "Runs, stores of maps, or 'default'; all of runs/.", argument=True
    )
    fold: Fold = key(0, "Of the store, validated.")
    baselines: list[Text] | None = key(
        None, "Baselines to fit, may be repeated; all of them. [] for none.", "--baseline"
    )
    tta: bool = key(True, "Average with the prediction of the mirrored gathers.")


class ExportConfig(Section):
    """Which network is written as ONNX, and where."""

    checkpoint: Reference = key("", "Run, checkpoint or 'default'; the run's best.", argument=True)
    out: Location | None = key(None, "The .onnx file; runs/<name>/model.onnx.")
    # torch's exporter writes operators from 18 on and knows of 23
    opset: Annotated[int, within(18, 23)] | None = key(
        None, "Version of ONNX's operators; the exporter's default."
    )


class ConvertConfig(RecordedSection):
    """What is written in another format, and where."""

    input: Location | None = key(
        None, "Store, folder of files, or one file; the experiment's store.", argument=True
    )
    format: Literal["npy", "npz", "h5", "mat", "sgy"] = key(
        "npy", "Of the files.", "--format", "-f"
    )
    n_samples: Samples = key(500, "Samples a file; SEG-Y takes one.", "--samples")
    out: Location | None = key(None, "Folder of the files; data/<name>-<format>.")


class ModelsConfig(Section):
    """Which networks are listed, and whether they are timed."""

    names: list[Text] = key([], "Registered networks; all of them.", argument=True)
    speed: bool = key(True, "Measure memory and speed on this machine.")


class Config(Section):
    """One experiment: every stage reads its section and the shared paths."""

    name: Name = key("quickstart", "Name of the experiment.", "--name", "-n")
    store: Location | None = key(None, "Folder of the store; data/<name>.")
    runs: Location = key(Path("runs"), "Folder of the runs.")
    machine: MachineConfig = MachineConfig()
    prepare: PrepareConfig = PrepareConfig()
    simulate: SimulateConfig = SimulateConfig()
    train: TrainConfig = TrainConfig()
    infer: InferConfig = InferConfig()
    refine: RefineConfig = RefineConfig()
    submit: SubmitConfig = SubmitConfig()
    leaderboard: LeaderboardConfig = LeaderboardConfig()
    export: ExportConfig = ExportConfig()
    convert: ConvertConfig = ConvertConfig()
    models: ModelsConfig = ModelsConfig()

    def __init__(self, **values: Any) -> None:
        """Validate what keys hold.

        Raises:
            ValueError: if a key is unknown or its value does not fit, in one sentence.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError(explain(error, {"": Config, **SECTIONS})) from None

    @property
    def store_path(self) -> Path:
        """The folder of the store."""
        return self.store or Path("data") / self.name

    @property
    def run_path(self) -> Path:
        """The folder of the run, see `fwi.runs`."""
        return self.runs / self.name


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Config.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
