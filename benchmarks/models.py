"""Train every small network on the same maps for the same processor time, and compare them.

    python benchmarks/models.py --seconds 300

Each variant of at most 7.5 M parameters, and the field's InversionNet, gets one processor and that
many processor seconds, to a step, of the project's own trainer and recipe, whose schedule the clock
drives. They learn from 2,000 generated maps, two hundred a family; another 500, fifty a family,
judge them. Rows are kept in runs/benchmark-models/<seconds>, so that an interrupted run goes on
where it stopped, and another time has rows of its own. A GPU, where there is one, is hidden.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import nn

from fwi.config import PrepareConfig, TrainConfig, load_config
from fwi.data.dataset import GatherDataset
from fwi.data.folds import split
from fwi.data.loader import ShuffledLoader
from fwi.data.store import Store
from fwi.inference.predictor import Predictor
from fwi.models import count_parameters, create_model, model_names, shots_of
from fwi.openfwi import FAMILIES
from fwi.registry import nearest
from fwi.schedules import Schedule, one_cycle
from fwi.stages import prepare
from fwi.training.callbacks.average import WeightAverage
from fwi.training.callbacks.validation import evaluation
from fwi.training.objectives import create_objective
from fwi.training.recipe import recipe_of
from fwi.training.trainer import Callback, Trainer

LARGEST = 7.5e6
ALSO = [("inversionnet", "base")]
SAMPLES, FOLDS, SEED = 2500, 5, 4
BATCH, TICKS = 16, 1000  # samples a step, and steps of the schedule that the clock goes through
ROWS = Path("runs/benchmark-models")
CPU = torch.device("cpu")


class Budget(Callback):
    """Lets processor time, not steps, drive the schedule, and ends the fit when it is spent.

    Args:
        seconds: processor seconds of the fit.
        config: whose schedule is stretched over them.
    """

    def __init__(self, seconds: float, config: TrainConfig) -> None:
        self.seconds, self.config = seconds, config

    @property
    def spent(self) -> float:
        """The part of the time that is spent."""
        return (time.process_time() - self.started) / self.seconds

    def rate(self, step: int) -> float:
        """Give the learning rate of this moment."""
        tick = min(int(self.spent * TICKS), TICKS - 1)
        return one_cycle(tick, TICKS, self.config.lr)

    def on_fit_start(self, trainer: Trainer) -> None:
        """Start the clock."""
        self.started = time.process_time()

    def on_step_end(self, trainer: Trainer) -> None:
        """Count the steps that are really made, and stop."""
        self.steps = trainer.step
        if self.spent >= 1:
            trainer.stop()


def train(name: str, variant: str, store: Store, seconds: float) -> tuple[Budget, nn.Module]:
    """Fit a fresh network for some processor seconds, and give its averaged weights."""
    config = TrainConfig(epochs=10**6, batch_size=BATCH)
    torch.manual_seed(config.seed)
    objective = create_objective(create_model(name, variant))
    model = objective.model
    dataset = GatherDataset([store], shots_of(model), flip=config.flip, seed=config.seed)
    loader = ShuffledLoader(dataset, BATCH, seed=config.seed)
    average, budget = WeightAverage(model, config.ema_decay), Budget(seconds, config)
    recipe = replace(recipe_of(config, model, TICKS, CPU), schedule=Schedule(budget.rate))
    callbacks = [average, budget]
    Trainer(objective, loader, recipe, epochs=config.epochs, callbacks=callbacks).fit()
    return budget, average.model.eval()


def measure(name: str, variant: str, path: Path, seconds: float) -> dict[str, Any]:
    """Train one variant on one processor, and judge it."""
    torch.set_num_threads(1)
    training, validation = split(Store(path), 0)
    train(name, variant, training, 1)  # the first steps compile and allocate
    budget, model = train(name, variant, training, seconds)
    spent = budget.spent * seconds
    metrics = evaluation(validation)(model)
    gathers = validation.gathers(range(32))
    start = time.process_time()
    Predictor(model).predict(gathers, tta=False)
    forward = len(gathers) / (time.process_time() - start)
    return {
        "model": f"{name} {variant}",
        "parameters, M": count_parameters(name, variant) / 1e6,
        "training, samples a second": budget.steps * BATCH / spent,
        "prediction, samples a second": forward,
        "samples seen": budget.steps * BATCH,
        "processor seconds": spent,
        **metrics,
    }


def pin(queue: Any) -> None:
    """Give this process a processor of its own."""
    os.sched_setaffinity(0, {queue.get()})


def run(seconds: float, names: list[tuple[str, str]], store: Store, folder: Path) -> None:
    """Measure what has no row yet, as many at once as there are processors."""
    processors = sorted(os.sched_getaffinity(0))
    context = get_context("spawn")
    queue = context.Queue()
    for processor in processors:
        queue.put(processor)
    with ProcessPoolExecutor(len(processors), context, pin, (queue,)) as pool:
        rows = {
            pool.submit(measure, name, variant, store.path, seconds): folder
            / f"{name}-{variant}.json"
            for name, variant in names
            if not (folder / f"{name}-{variant}.json").exists()
        }
        for future, file in rows.items():
            file.write_text(json.dumps(future.result(), indent=1))
            print(file.read_text(), flush=True)


def main() -> None:
    """Make the store, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="processor seconds of training")
    parser.add_argument("--only", nargs="*", help="model names; all small ones by default")
    arguments = parser.parse_args()
    names = [n for n in model_names() if count_parameters(*n) <= LARGEST or n in ALSO]
    known = {name for name, _ in names}
    for name in arguments.only or ():
        if name not in known:
            parser.error(f"--only must name small models, got {name!r}; {nearest(name, known)}")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # of the workers, which do the work
    config = load_config(None, ["name=benchmark-models"])
    section = PrepareConfig(n_samples=SAMPLES, n_folds=FOLDS, seed=SEED)
    store = prepare.run(config.model_copy(update={"prepare": section}))
    folder = ROWS / f"{arguments.seconds:g}"
    folder.mkdir(parents=True, exist_ok=True)
    run(arguments.seconds, [n for n in names if n[0] in (arguments.only or known)], store, folder)
    table = pl.DataFrame([json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))])
    table = table.select(pl.all().exclude(FAMILIES)).sort("mae")
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_formatting="MARKDOWN", float_precision=1
    ):
        print(table)


if __name__ == "__main__":
    main()
