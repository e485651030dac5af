"""The sections of the stages that make stores: prepare and simulate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from fwi import openfwi
from fwi.config.keys import Section, Seed, key
from fwi.config.shared import Depth, Positions, RecordedSection, Samples, TimeStep
from fwi.config.values import Location, Text, whole, within

# Keys of a store's recipe that its first version did not have.
_LATER = ("folds", "decimate", "lossy", "augment", "augmentation", "plain", "predictions")


class _AugmentedSection(Section):
    """Maps made of others, and simulated beside them."""

    augment: Annotated[float, within(0.0, 1000.0)] = key(
        0.0, "Maps to make of each plain one, which are simulated."
    )
    augmentation: Text = key("default", "Recipe of the augmented maps: default, warp or mix.")
    plain: bool = key(True, "Keep the plain maps beside the augmented ones.")

    @model_validator(mode="after")
    def _check_augmentation(self) -> Self:
        if not self.augment:
            self.ignores("augmentation", "plain", how="without", beside="augment")
        return self


class StoreSection(_AugmentedSection):
    """How a store is cut into folds and shards, and which of the time samples it keeps."""

    n_folds: Annotated[int, within(2, 100_000)] = key(10, "Parts of which one validates.")
    folds: Literal["random", "file", "family", "openfwi", "none"] | None = key(
        None,
        "What folds are made of: samples at random, whole files or families, OpenFWI's own split, "
        "or none, to train alone. random; none of predictions.",
    )
    shard_size: Annotated[int, within(1, 1_000_000)] = key(
        100, "Samples a shard, which is what memory holds and a kill can cost."
    )
    seed: Seed = key(0, "Of maps and folds.")
    decimate: Annotated[int, within(1, 32)] = key(
        1, "Keep every so many-th time sample alone, after a low-pass."
    )
    lossy: bool = key(False, "Decimate even where that loses more than rounding to float16 does.")

    @property
    def fold_rule(self) -> str:
        """What folds are made of."""
        return self.folds or "random"

    def recipe(self, keys: Iterable[str]) -> dict[str, Any]:
        """Say what determines a store; later keys only where they are set, as earlier versions."""
        said = self.model_dump(mode="json", include=set(keys))
        fields = type(self).model_fields
        return {k: v for k, v in said.items() if k not in _LATER or v != fields[k].get_default()}

    @model_validator(mode="after")
    def _check_store(self) -> Self:
        if self.folds in ("family", "openfwi", "none"):
            self.ignores("n_folds", how="beside", beside="folds")
        if self.decimate == 1:
            self.ignores("lossy", how="without", beside="decimate")
        return self


class PrepareConfig(StoreSection, RecordedSection):
    """Where the samples of the store come from."""

    folder: Location | None = key(
        None, "Competition or OpenFWI folder; none generates maps.", argument=True
    )
    predictions: Location | None = key(
        None,
        "Predicted maps to simulate: what infer or refine wrote, the run, or files of maps.",
        "--from",
    )
    split: Literal["train", "test"] = key("train", "'train' or 'test' part of the folder.")
    families: list[Text] = key([], "Generated families; all ten.", "--family")
    n_samples: Samples = key(1000, "Maps to generate.", "--samples")
    verify: bool = key(False, "Compare every sample with its checksum afterwards.")

    @property
    def fold_rule(self) -> str:
        """What folds are made of: nothing that was predicted judges a network."""
        return self.folds or ("random" if self.predictions is None else "none")

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if self.folder is None:
            said = ("split", "dt", "source_x", "receiver_x")
            self.ignores(*said, how="without", beside="folder")
        else:
            self.ignores("families", "n_samples", "predictions", how="beside", beside="folder")
        if self.predictions is not None:
            self.ignores("families", "n_samples", how="beside", beside="predictions")
        if self.split == "test":  # which has no maps, and no folds
            self.ignores("augment", "folds", how="beside", beside="split")
        return self


class SimulateConfig(StoreSection):
    """Which maps are simulated, and how they are recorded; the maps' size is the grid's."""

    input: Location | None = key(
        None, "A file of maps, a folder of them, or a store.", argument=True
    )
    n_shots: Annotated[Literal[5, 6], BeforeValidator(whole)] = key(
        6, "OpenFWI's 5, or 6: the flip is exact.", "--shots"
    )
    dx: Annotated[float, within(1e-3, 1e5)] = key(openfwi.DX, "Cell size, m.")
    dt: TimeStep = key(openfwi.DT, "Time step, s.")
    nt: Annotated[int, within(1, 1_000_000)] = key(openfwi.NT, "Time samples.")
    frequency: Annotated[float, within(1e-3, 1e8)] = key(
        openfwi.FREQUENCY, "Peak of the Ricker wavelet, Hz."
    )
    source_x: Positions | None = key(
        None, "Sources, m along the line, instead of OpenFWI's; may be repeated."
    )
    source_depth: Depth = key(openfwi.DEPTH, "Of all sources, m.")
    receiver_x: Positions | None = key(
        None, "Receivers, m along the line, instead of OpenFWI's 70; may be repeated."
    )
    receiver_depth: Depth = key(openfwi.DEPTH, "Of all receivers, m.")

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        if self.source_x is not None:
            self.ignores("n_shots", how="beside", beside="source_x")
        return self
