"""Train every small network on the same maps for the same processor time, and compare them.

    python benchmarks/models.py --seconds 400

Each variant of at most 7.5 M parameters, and the field's InversionNet, gets one processor and that
many processor seconds of training: the project's own trainer and recipe, 2,000 generated maps, two
hundred of each family. Another 500 generated maps, fifty of each, judge it. Rows are kept in
runs/benchmark-models, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch.utils.data import DataLoader, RandomSampler

from fwi.config import PrepareConfig, TrainConfig, load_config
from fwi.data.dataset import GatherDataset
from fwi.data.store import Store
from fwi.data.transforms import augmentation
from fwi.labels import FAMILIES
from fwi.models import count_parameters, create_model, model_names
from fwi.predictor import Predictor
from fwi.stages import prepare
from fwi.stages.train import Reseed, evaluation, split
from fwi.training.callbacks import WeightAverage
from fwi.training.objectives import objective_of
from fwi.training.precision import choose_precision
from fwi.training.trainer import Trainer

LARGEST = 7.5e6
ALSO = [("inversionnet", "base")]
SAMPLES, FOLDS, SEED = 2500, 5, 4
ROWS = Path("runs/benchmark-models")
CPU = torch.device("cpu")


def train(name: str, variant: str, store: Store, steps: int) -> tuple[WeightAverage, float]:
    """Fit a fresh network for some steps: its averaged weights, and processor seconds spent."""
    config = TrainConfig(epochs=1)
    torch.manual_seed(config.seed)
    model = create_model(name, variant)
    dataset = GatherDataset(store, model.n_shots, augmentation(config.flip))
    sampler = RandomSampler(dataset, num_samples=steps * config.batch_size)
    loader = DataLoader(dataset, config.batch_size, sampler=sampler, drop_last=True)
    average = WeightAverage(model, config.ema_decay)
    callbacks = [Reseed(dataset.augment), average]
    precision = choose_precision(config.precision, CPU)
    trainer = Trainer(objective_of(model), loader, config, precision, CPU, callbacks)
    start = time.process_time()
    trainer.fit()
    return average, time.process_time() - start


def measure(name: str, variant: str, path: Path, seconds: float) -> dict[str, Any]:
    """Train one variant on one processor, and judge it."""
    torch.set_num_threads(1)
    training, validation = split(Store(path), 0)
    _, warm = train(name, variant, training, 2)
    _, longer = train(name, variant, training, 6)
    a_step = (longer - warm) / 4
    steps = max(int(seconds / a_step), 1)
    average, spent = train(name, variant, training, steps)
    metrics = evaluation(validation)(average.model.eval())
    gathers = validation.gathers(range(32))
    predictor = Predictor(average.model)
    start = time.process_time()
    predictor.predict(gathers, tta=False)
    forward = len(gathers) / (time.process_time() - start)
    return {
        "model": f"{name} {variant}",
        "parameters, M": count_parameters(name, variant) / 1e6,
        "training samples a second": steps * 16 / spent,
        "prediction": forward,
        "samples seen": steps * 16,
        "processor seconds": spent,
        **metrics,
    }


def pin(queue: Any) -> None:
    """Give this process a processor of its own."""
    os.sched_setaffinity(0, {queue.get()})


def run(seconds: float, names: list[tuple[str, str]], store: Store) -> None:
    """Measure what has no row yet, as many at once as there are processors."""
    processors = sorted(os.sched_getaffinity(0))
    context = get_context("spawn")
    queue = context.Queue()
    for processor in processors:
        queue.put(processor)
    with ProcessPoolExecutor(len(processors), context, pin, (queue,)) as pool:
        rows = {
            pool.submit(measure, name, variant, store.path, seconds): ROWS
            / f"{name}-{variant}.json"
            for name, variant in names
            if not (ROWS / f"{name}-{variant}.json").exists()
        }
        for future, file in rows.items():
            file.write_text(json.dumps(future.result(), indent=1))
            print(file.read_text(), flush=True)


def main() -> None:
    """Make the store, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=400, help="processor seconds of training")
    parser.add_argument("--only", nargs="*", help="model names; all small ones by default")
    arguments = parser.parse_args()
    config = load_config(None, ["name=benchmark-models"])
    section = PrepareConfig(n_samples=SAMPLES, n_folds=FOLDS, seed=SEED)
    store = prepare.run(config.model_copy(update={"prepare": section}))
    ROWS.mkdir(parents=True, exist_ok=True)
    names = [n for n in model_names() if count_parameters(*n) <= LARGEST or n in ALSO]
    run(arguments.seconds, [n for n in names if n[0] in (arguments.only or [n[0]])], store)
    table = pl.DataFrame([json.loads(file.read_text()) for file in sorted(ROWS.glob("*.json"))])
    table = table.select(pl.all().exclude(FAMILIES)).sort("mae")
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_formatting="MARKDOWN", float_precision=1
    ):
        print(table)


if __name__ == "__main__":
    main()
