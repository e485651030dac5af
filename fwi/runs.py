"""What a run folder holds, and which config it belongs to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwi.config import Config, save_config
from fwi.files import atomic_file, remove_folder, settled_folder


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run.

    Attributes:
        path: the folder, `runs/<name>`.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The config that began the run."""
        return self.path / "config.json"

    @property
    def log(self) -> Path:
        """What happened, line by line."""
        return self.path / "log.txt"

    @property
    def metrics(self) -> Path:
        """The metrics of every epoch."""
        return self.path / "metrics.parquet"

    @property
    def last(self) -> Path:
        """The checkpoint that a stopped fit goes on from."""
        return self.path / "checkpoints" / "last"

    @property
    def best(self) -> Path:
        """The checkpoint of the least validation error."""
        return self.path / "checkpoints" / "best"

    @property
    def predictions(self) -> Path:
        """The store that infer writes."""
        return self.path / "predictions"

    @property
    def refined(self) -> Path:
        """The store that refine writes."""
        return self.path / "refined"

    @property
    def onnx(self) -> Path:
        """The network that export writes."""
        return self.path / "model.onnx"

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return settled_folder(self.last).exists()

    def claim(self, config: Config, force: bool = False) -> None:
        """Take the folder for a config, or go on with what the same one began.

        Args:
            config: of the run.
            force: delete a run that is there.

        Raises:
            FileExistsError: if a run of another config is there, without `force`.
        """
        if force and self.config.exists():
            remove_folder(self.path)
        if not self.config.exists():
            with atomic_file(self.config) as temporary:
                save_config(config, temporary)
        elif _identity(_read(self.config)) != _identity(config.model_dump(mode="json")):
            raise FileExistsError(
                f"{self.path} holds a run of another config; choose another name, or --force to "
                "replace it"
            )


def run_of(config: Config) -> RunFolder:
    """Give the run folder of an experiment."""
    return RunFolder(config.run_path)


def predictions_path(config: Config) -> Path:
    """Give the folder of the predictions that infer writes."""
    return config.infer.out or run_of(config).predictions


def refined_path(config: Config) -> Path:
    """Give the folder of the maps that refine writes."""
    return config.refine.out or run_of(config).refined


def submission_path(config: Config) -> Path:
    """Give the csv file that submit writes."""
    return config.submit.out or Path("submissions") / f"{config.name}.csv"


def finished_runs(folder: Path) -> list[RunFolder]:
    """List the runs below a folder that have a best checkpoint, by name."""
    # A hidden folder is one that a killed run was writing, or deleting.
    runs = [RunFolder(p) for p in sorted(folder.glob("*")) if not p.name.startswith(".")]
    return [run for run in runs if run.best.is_dir()]


def checkpoint_path(path: Path) -> Path:
    """Give the checkpoint that a path means: a run's best, or the path itself."""
    run = RunFolder(path)
    return run.best if run.best.parent.is_dir() else path


def _identity(config: dict[str, Any]) -> dict[str, Any]:
    """What makes a fit another one: how it learns, and from which store."""
    store = config.get("store") or str(Path("data") / config["name"])
    return {"train": config.get("train"), "store": store}


def _read(file: Path) -> dict[str, Any]:
    # Compared as it stands: a config of another version is another config, not a faulty one.
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        values = None
    known = isinstance(values, dict) and isinstance(values.get("name"), str)
    return values if known else {"name": ""}
