"""Whether reading keeps up with training: the loader beside raw reads, an epoch beside a bare loop.

    python benchmarks/loader.py

- Samples a second through the training loader, in batches of 16 with flips, in line and through
  worker processes; beside it the same arrays copied out of the store's files, shard by shard; and
  the competition's own layout, files of 500 five-shot float32 samples, by np.load as its notebooks
  read them, with and without a memory map.
- Samples a second of the steps of `fwi train` beside a bare torch loop of the same network,
  precision, optimizer and batches, which lie in memory: three steps of one, three of the other in
  turns; the median counts.

Files are read more than once, so that the system keeps them in memory: what is measured is the
work of the processor, not the disk.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import torch

from fwi.config import MachineConfig, PrepareConfig, TrainConfig, load_config
from fwi.data.batch import Batch
from fwi.data.dataset import GatherDataset
from fwi.data.loader import ShuffledLoader
from fwi.data.store import Store, shard_folder
from fwi.inference.precision import autocast, choose_precision
from fwi.models import create_model
from fwi.stages import prepare
from fwi.training.callbacks.average import WeightAverage
from fwi.training.callbacks.progress import ProgressBar
from fwi.training.experiment import Experiment
from fwi.training.recipe import recipe_of
from fwi.training.trainer import Callback, Trainer

SAMPLES, SHARD, FILE = 2000, 100, 500
TRAINED, STEPS = 400, 3  # samples that are trained on, and steps taken in turns
ROUNDS = 5
CPU = torch.device("cpu")


def rate(work: Callable[[], int], rounds: int = ROUNDS) -> float:
    """Give samples a second, the median of some rounds after one that warms up."""
    work()
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        n = work()
        rates.append(n / (time.perf_counter() - started))
    return median(rates)


def raw(store: Store) -> Callable[[], int]:
    """Copy every shard's gathers and maps out of their memory maps into the same memory."""
    files = [shard_folder(store.path, shard) for shard in range(SAMPLES // SHARD)]
    maps = [
        [np.load(f / f"{kind}.npy", mmap_mode="r") for kind in ("gathers", "maps")] for f in files
    ]
    rooms = [np.empty(array.shape, array.dtype) for array in maps[0]]

    def work() -> int:
        for arrays in maps:
            for room, array in zip(rooms, arrays, strict=True):
                np.copyto(room, array)
        return SAMPLES

    return work


def through(loader: ShuffledLoader) -> Callable[[], int]:
    """Take every batch of an epoch after the other."""
    epochs = iter(range(10**6))

    def work() -> int:
        return sum(len(batch.velocity) for batch in loader.epoch(next(epochs)))

    return work


def competition_files(store: Store, folder: Path) -> list[Path]:
    """Write the gathers as the competition does: five shots, float32, 500 samples a file."""
    files = []
    for first in range(0, SAMPLES, FILE):
        files.append(folder / f"data{first // FILE}.npy")
        gathers = store.gathers(range(first, first + FILE))[:, :5]
        np.save(files[-1], gathers.astype(np.float32))
    return files


def loaded(files: list[Path], mapped: bool) -> Callable[[], int]:
    """Take samples one by one in a shuffled order, from whole files or from memory maps."""
    order = np.random.default_rng(0).permutation(SAMPLES)

    def mapped_work() -> int:
        arrays = [np.load(file, mmap_mode="r") for file in files]
        for i in order:
            np.array(arrays[i // FILE][i % FILE])
        return SAMPLES

    def whole_work() -> int:
        for file in files:
            gathers = np.load(file)
            for i in range(FILE):
                np.array(gathers[i])
        return SAMPLES

    return mapped_work if mapped else whole_work


def reading(store: Store, folder: Path) -> Iterator[tuple[str, float]]:
    """Measure what reads samples."""
    yield "raw copies of the store's arrays", rate(raw(store))
    dataset = GatherDataset([store], 5, flip=0.5)
    for workers in (0, 1, 2):
        loader = ShuffledLoader(dataset, 16, workers=workers)
        name = f"the loader, {workers} worker processes" if workers else "the loader, in line"
        yield name, rate(through(loader), 3 if workers else ROUNDS)
    files = competition_files(store, folder)
    for name, mapped in (("memory-mapped, shuffled", True), ("whole, in order", False)):
        yield f"np.load of the competition's files, {name}", rate(loaded(files, mapped), 1)


def bare(experiment: Experiment) -> Callable[[], None]:
    """Give a step as a tutorial takes it, on batches that lie in memory."""
    train = experiment.train
    torch.manual_seed(train.seed)
    model = create_model(train.model, train.variant).to(memory_format=torch.channels_last).train()
    loader = ShuffledLoader(experiment.dataset, train.batch_size)
    batches = cycle([Batch(*(part.clone() for part in batch)) for batch in loader.epoch(0)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=train.lr)
    precision = choose_precision(train.precision, CPU)

    def step() -> None:
        batch = next(batches)
        with autocast(precision, CPU):
            loss = (model(batch.gathers)[:, 0].float() - batch.velocity).abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


class Alternate(Callback):
    """Times a few steps with all that stands beside them, then as many bare ones, and so on."""

    def __init__(self, step: Callable[[], None]) -> None:
        self.step = step
        self.ours: list[float] = []
        self.bare: list[float] = []

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def on_step_end(self, trainer: Trainer) -> None:
        """Stop it after some steps, and time the bare ones."""
        if trainer.step % STEPS:
            return
        self.ours.append(time.perf_counter() - self.started)
        started = time.perf_counter()
        for _ in range(STEPS):
            self.step()
        self.bare.append(time.perf_counter() - started)
        self.started = time.perf_counter()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Give the progress bar what it shows."""
        trainer.metrics["mae"] = 0.0


def training(store: Store, epochs: int) -> tuple[float, float]:
    """Give the samples a second of our steps and of bare ones, after some that warm up."""
    train = TrainConfig(epochs=epochs)
    few = store.where(pl.col("shard") < TRAINED // SHARD)
    experiment = Experiment.build(train, MachineConfig(), few)
    model, loader = experiment.objective.model, experiment.loader()
    alternate = Alternate(bare(experiment))
    trainer = Trainer(
        experiment.objective,
        loader,
        recipe_of(train, model, train.epochs * len(loader), CPU),
        epochs=train.epochs,
        callbacks=[
            WeightAverage(model, train.ema_decay),
            alternate,
            ProgressBar(loader.batch_size),
        ],
    )
    trainer.fit()
    samples = STEPS * loader.batch_size
    return samples / median(alternate.ours[1:]), samples / median(alternate.bare[1:])


def main() -> None:
    """Make the store, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--epochs", type=int, default=3, help="of training, in turns with bare steps"
    )
    arguments = parser.parse_args()
    section = PrepareConfig(n_samples=SAMPLES, n_folds=4, shard_size=SHARD, seed=11)
    config = load_config(None, ["name=benchmark-loader"]).model_copy(update={"prepare": section})
    store = prepare.run(config)
    print(f"{torch.get_num_threads()} threads, {SAMPLES} samples of {store.gather_shape}")
    with TemporaryDirectory() as folder:
        for name, value in reading(store, Path(folder)):
            print(f"{name}: {value:.0f} samples/s", flush=True)
    ours, alone = training(store, arguments.epochs)
    print(f"steps of fwi train: {ours:.1f} samples/s; of a bare loop: {alone:.1f} samples/s")
    print(f"ours / bare: {ours / alone:.3f}")


if __name__ == "__main__":
    main()
