"""demo: every stage in order on generated maps, from nothing to a valid submission."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Group
from rich.text import Text

from fwi import families
from fwi.competition.leaderboard import Leaderboard
from fwi.competition.table import HEADER, VALUES
from fwi.config import Config
from fwi.data.folds import split
from fwi.data.store import Store
from fwi.files import atomic_file
from fwi.geometry import OPENFWI
from fwi.inference.predictor import load
from fwi.openfwi import SIDE
from fwi.physics.simulator import simulate
from fwi.progress import console
from fwi.report.pictures import save_predictions
from fwi.stages import infer, leaderboard, prepare, submit, train
from fwi.stages.submit import SubmitResult

_TEST_MAPS = 2  # of each family, in the test folder
_SHOWN = ("CurveVel_A", "FlatFault_A", "CurveFault_B", "Style_A")


@dataclass(frozen=True)
class DemoResult:
    """What the demo made, and in how many seconds."""

    board: Leaderboard
    picture: Path
    submission: SubmitResult
    seconds: float

    def __rich__(self) -> Group:
        """Lay out the leaderboard, and say where the rest is."""
        said = (
            f"picture: {self.picture}\nsubmission: {self.submission}\n{self.seconds:.0f} s in all"
        )
        return Group(self.board, Text(said))


def run(config: Config, *, force: bool = False) -> DemoResult:
    """Prepare, train, compare, infer on a test folder, submit.

    Args:
        config: of all stages; `name` keeps it apart from other experiments.
        force: begin anew where an earlier demo of another config left files.

    Returns:
        The leaderboard, the picture of validation maps, the submission and the time taken.
    """
    started = time.perf_counter()
    folder = config.run_path
    console.print(f"1/5 prepare {config.prepare.n_samples} maps and their gathers")
    store = prepare.run(config, force=force)
    console.print(f"2/5 train {config.train.model} for {config.train.epochs} epochs")
    train.run(config, force=force)
    console.print("3/5 compare with the shipped weights and the baselines on the validation fold")
    board = config.leaderboard.model_copy(update={"runs": [str(folder), "default"]})
    compared = leaderboard.run(config.model_copy(update={"leaderboard": board}))
    written = _submit_test_folder(config, folder / "test_folder")
    picture = _draw(folder, store, config)
    return DemoResult(compared, picture, written, time.perf_counter() - started)


def _submit_test_folder(config: Config, folder: Path) -> SubmitResult:
    """Make a test folder, predict its maps and write them as a submission."""
    console.print("4/5 infer on a folder of test gathers")
    _make_test_folder(folder, config.prepare.seed + 1)
    inference = config.infer.model_copy(update={"input": folder})
    submission = config.submit.model_copy(
        update={"sample_submission": folder / "sample_submission.csv"}
    )
    config = config.model_copy(update={"infer": inference, "submit": submission})
    infer.run(config, force=True)
    console.print("5/5 submit")
    return submit.run(config, force=True)


def _make_test_folder(folder: Path, seed: int) -> None:
    """Write gathers and a sample submission in the competition's layout."""
    seeds = np.random.SeedSequence(seed).spawn(len(families.NAMES))
    maps = np.concatenate(
        [families.sample(f, _TEST_MAPS, s) for f, s in zip(families.NAMES, seeds, strict=True)]
    )
    ids = [f"{i:010x}" for i in np.random.default_rng(seed).choice(16**10, len(maps), False)]
    for oid, gather in zip(ids, simulate(maps, OPENFWI), strict=True):
        with atomic_file(folder / "test" / f"{oid}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, gather)
    rows = [f"{oid}_y_{row}" for oid in sorted(ids) for row in range(SIDE)]
    sample = pl.DataFrame({HEADER[0]: rows}).with_columns(
        [pl.lit(3000.0).alias(column) for column in VALUES]
    )
    with atomic_file(folder / "sample_submission.csv") as temporary:
        sample.write_csv(temporary)


def _draw(folder: Path, store: Store, config: Config) -> Path:
    """Draw one validation sample of some families."""
    _, validation = split(store, config.train.fold)
    names = validation.catalog["family"].to_list()
    chosen = [names.index(f) for f in _SHOWN if f in names]
    gathers = validation.gathers(chosen)
    predicted = load(folder).predict(gathers, config.leaderboard.tta)
    path = folder / "validation.png"
    titles = [names[i] for i in chosen]
    save_predictions(path, titles, gathers, predicted, validation.maps(chosen))
    return path
