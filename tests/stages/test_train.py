"""Training as a stage: killed and restarted it ends where an undisturbed one does."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import timm
import torch
from safetensors.torch import save_file

from fwi.config import Config, MachineConfig, TrainConfig
from fwi.data.store import Store
from fwi.data.writer import StoreWriter
from fwi.inference.checkpoint import read_description, read_tensors
from fwi.inference.predictor import load
from fwi.stages import train
from fwi.training.callbacks.progress import ProgressBar
from fwi.training.trainer import Trainer

OPTIONS = {"stem_channels": [4, 8], "decoder_channels": [16, 16, 8, 8]}


@pytest.fixture(scope="module")
def runs(small_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this module's runs."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def config(small_config: Config, small_store: Store, tmp_path: Path) -> Config:
    """The small experiment with a small network and a runs folder of its own."""
    section = small_config.train.model_copy(update={"variant": "resnet10t", "options": OPTIONS})
    return small_config.model_copy(update={"runs": tmp_path / "runs", "train": section})


def changed(config: Config, **changes: object) -> Config:
    section = TrainConfig.model_validate(config.train.model_dump() | changes)
    return config.model_copy(update={"train": section})


def start_command(name: str, runs: Path, store: Store, **changes: object) -> list[str]:
    """Three epochs of a tiny network on one thread, but for changes."""
    options = {
        "runs": runs,
        "train.epochs": 3,
        "train.batch_size": 4,
        "train.variant": "resnet10t",
        "train.options": "{stem_channels: [4, 8], decoder_channels: [16, 16, 8, 8]}",
        "train.precision": "float32",
        "machine.threads": 1,
        **changes,
    }
    command = [sys.executable, "-m", "fwi", "train", "--name", name, "--store", str(store.path)]
    return command + [f"--set={key}={value}" for key, value in options.items()]


def start(name: str, runs: Path, store: Store, **changes: object) -> subprocess.Popen[bytes]:
    """Begin or go on with a fit in a process of its own."""
    return subprocess.Popen(
        start_command(name, runs, store, **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # To the bit on a processor; a GPU adds up in the order in which its threads arrive.
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output.decode()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, "it had ended before it could be killed"


def await_epoch(run: Path, process: subprocess.Popen[bytes], epoch: int) -> None:
    """Wait until the last checkpoint is that of an epoch."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if read_epoch(run) >= epoch:
                return
        except (FileNotFoundError, ValueError):
            pass  # not there yet, or just being replaced
        time.sleep(0.005)
    pytest.fail(f"epoch {epoch} did not come")


def await_step(run: Path, process: subprocess.Popen[bytes], step: int) -> None:
    """Wait until the last checkpoint is that of a step."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if kept_step(run) >= step:
                return
        except (FileNotFoundError, ValueError):
            pass  # not there yet, or just being replaced
        time.sleep(0.002)
    pytest.fail(f"step {step} did not come")


def kept_step(run: Path) -> int:
    """Read the step that the last checkpoint is of; recovered first, as its writer would."""
    last = run / "checkpoints" / "last"
    return int(read_tensors(last / "training.safetensors")["trainer.step"])


def read_epoch(run: Path) -> int:
    """Read an epoch without repairing the folder, which is its writer's to do."""
    text = (run / "checkpoints" / "last" / "checkpoint.json").read_text()
    return int(text.split('"epoch": ', 1)[1].split(",", 1)[0])


@pytest.fixture(scope="module")
def undisturbed(small_store: Store, runs: Path) -> Path:
    """A run that nothing stopped."""
    finish(start("undisturbed", runs, small_store))
    return runs / "undisturbed"


def same(one: Path, other: Path) -> None:
    """Check that two runs have the same metrics and weights, to the bit."""
    tables = [pl.read_parquet(run / "metrics.parquet").drop("seconds") for run in (one, other)]
    assert tables[0].equals(tables[1]), tables
    for kind in ("best", "last"):
        folders = [run / "checkpoints" / kind for run in (one, other)]
        assert read_description(folders[0]).epoch == read_description(folders[1]).epoch
        weights = [read_tensors(folder / "weights.safetensors") for folder in folders]
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0]), kind


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_killed_again_and_again_it_ends_as_if_undisturbed(
    undisturbed: Path, runs: Path, small_store: Store
) -> None:
    run, delays = runs / "killed", random.Random()
    process = start("killed", runs, small_store)
    time.sleep(delays.uniform(0, 2))
    kill(process)  # while it starts
    moments = []
    for epoch in (1, 2):
        process = start("killed", runs, small_store)
        await_epoch(run, process, epoch)
        moments.append(delays.uniform(0, 0.2))
        time.sleep(moments[-1])
        kill(process)  # in the next epoch, or while files are written
        assert not (run / "checkpoints" / "last").exists() or read_epoch(run) < 3, moments
    finish(start("killed", runs, small_store))
    same(undisturbed, run)
    assert [p.name for p in run.rglob(".*")] == []  # what the kills left is gone


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_killed_in_an_epoch_it_goes_on_from_there(
    undisturbed: Path, runs: Path, small_store: Store
) -> None:
    """Checkpoints every step: a kill costs one, and not the epoch."""
    run = runs / "midway"
    often = {"machine.checkpoint_minutes": 1e-9}
    process = start("midway", runs, small_store, **often)
    await_step(run, process, 7)  # of five an epoch
    kill(process)
    step = kept_step(run)
    assert step >= 7
    finish(start("midway", runs, small_store, **often))
    same(undisturbed, run)


def test_finished_run_started_again_returns_what_it_was(
    undisturbed: Path, runs: Path, small_store: Store, small_config: Config
) -> None:
    there = pl.read_parquet(undisturbed / "metrics.parquet")
    before = (undisturbed / "checkpoints" / "last" / "weights.safetensors").stat().st_mtime_ns
    section = TrainConfig(
        epochs=3, batch_size=4, variant="resnet10t", options=OPTIONS, precision="float32"
    )
    config = small_config.model_copy(update={"name": "undisturbed", "runs": runs, "train": section})
    result = train.run(config)
    assert result.history == there.to_dicts()
    assert result.best["mae"] == there["mae"].min()
    after = (undisturbed / "checkpoints" / "last" / "weights.safetensors").stat().st_mtime_ns
    assert after == before


def test_best_checkpoint_is_that_of_the_least_error(undisturbed: Path) -> None:
    table = pl.read_parquet(undisturbed / "metrics.parquet")
    description = read_description(undisturbed / "checkpoints" / "best")
    best = table.row(table["mae"].arg_min(), named=True)
    assert description.epoch == best["epoch"]
    assert description.metrics["mae"] == best["mae"]
    assert table["epoch"].to_list() == [1, 2, 3]


def test_run_keeps_its_config_log_and_metrics(config: Config) -> None:
    result = train.run(config)
    assert result.run == config.run_path
    assert Config.model_validate_json((result.run / "config.json").read_text()) == config
    assert "epoch 1: loss" in (result.run / "log.txt").read_text()
    assert {"epoch", "lr", "train_loss", "mae", "mae_scored", "seconds"} < set(result.history[0])


def test_another_config_in_the_same_folder_is_refused_and_forced(config: Config) -> None:
    first = train.run(config)
    other = changed(config, lr=1e-4)
    with pytest.raises(FileExistsError, match=r"holds a run of another config.*--force"):
        train.run(other)
    assert read_description(first.run / "checkpoints" / "last").config["lr"] == 2e-3
    again = train.run(other, force=True)
    assert read_description(again.run / "checkpoints" / "last").config["lr"] == 1e-4
    assert again.history != first.history


def test_the_machine_is_no_part_of_a_runs_identity(config: Config) -> None:
    before = torch.get_num_threads()
    try:
        first = train.run(config)
        one = config.model_copy(update={"machine": MachineConfig(threads=1, workers=1)})
        assert train.run(one).history == first.history
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"fold": 7}, ValueError, r"fold must leave samples.*got 7, .*one of 0, 1"),
        ({"model": "unett"}, KeyError, "did you mean 'unet'"),
        ({"variant": "resnet10"}, KeyError, "did you mean 'resnet10t'"),
        ({"options": {"n_shots": 7}}, ValueError, "has 6 shots, the network takes 7"),
        ({"objective": "superwised"}, KeyError, "did you mean 'supervised'"),
        ({"objective": "feedback"}, TypeError, "model must be a corrector"),
        ({"stores": ["nowhere"]}, FileNotFoundError, "the store nowhere does not exist"),
        (
            {"pretrained": "no.safetensors"},
            FileNotFoundError,
            "weights no.safetensors do not exist",
        ),
    ],
    ids=[
        "fold",
        "model",
        "variant",
        "shots",
        "objective",
        "another network's",
        "store",
        "pretrained",
    ],
)
def test_config_that_does_not_fit_is_refused_and_takes_no_folder(
    config: Config, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train.run(changed(config, **changes), force=True)
    assert not config.run_path.exists()


def test_force_deletes_nothing_before_the_config_is_known_to_fit(config: Config) -> None:
    config.run_path.mkdir(parents=True)
    (config.run_path / "kept").touch()
    with pytest.raises(KeyError):
        train.run(changed(config, model="unett"), force=True)
    assert (config.run_path / "kept").exists()


def test_missing_and_unfinished_stores_are_refused(config: Config, tmp_path: Path) -> None:
    for name, state in (("none", "does not exist"), ("begun", "is not finished")):
        if name == "begun":
            with StoreWriter(tmp_path / name, {}, 1).claim():
                pass
        with pytest.raises(FileNotFoundError, match=f"{state}; run fwi prepare"):
            train.run(config.model_copy(update={"store": tmp_path / name}))


def test_store_without_maps_is_refused(config: Config, small_store: Store, tmp_path: Path) -> None:
    shutil.copytree(small_store.path, tmp_path / "bare")
    for file in (tmp_path / "bare").rglob("maps.npy"):
        file.unlink()
    with pytest.raises(ValueError, match="must hold velocity maps, got gathers alone"):
        train.run(config.model_copy(update={"store": tmp_path / "bare"}))
    assert not config.run_path.exists()


@pytest.mark.parametrize(
    ("model", "variant", "options"),
    [
        ("velocitygan", "small", {"width": 0.1}),
        ("corrector", "resnet10t", OPTIONS),
        ("unet", "resnet10t", OPTIONS | {"confidence": True, "n_families": 10}),
    ],
    ids=["critic", "feedback", "all heads"],
)
def test_every_objective_is_trained_and_its_checkpoint_predicts(
    config: Config, small_store: Store, model: str, variant: str, options: dict[str, object]
) -> None:
    result = train.run(changed(config, model=model, variant=variant, options=options))
    assert all(np.isfinite(row["train_loss"]) for row in result.history)
    maps = load(result.run).predict(small_store.gathers([0, 1]))
    assert np.isfinite(maps).all()


def test_local_weights_start_the_encoder_and_are_not_asked_for_again(
    config: Config, tmp_path: Path
) -> None:
    file = tmp_path / "resnet10t.safetensors"
    save_file(timm.create_model("resnet10t").state_dict(), file)
    result = train.run(changed(config, pretrained=str(file)))
    file.unlink()
    assert load(result.run).description is not None  # the checkpoint holds all weights itself
    again = train.run(changed(config, pretrained=str(file)))  # nor when a fit goes on
    assert again.history == result.history


def test_an_objective_of_the_experiment_is_taken(config: Config) -> None:
    """A critic beside an ordinary U-Net, one step a step."""
    chosen = {"name": "critic", "options": {"critic_steps": 1}}
    result = train.run(changed(config, objective=chosen))
    tensors = read_tensors(result.run / "checkpoints" / "last" / "training.safetensors")
    assert any(name.startswith("critic.") for name in tensors)


def test_further_stores_are_learned_from_by_their_weight(
    config: Config, small_store: Store, tmp_path: Path
) -> None:
    """Twice the samples: as many steps more; a weight of almost nothing leaves the loss small."""
    shutil.copytree(small_store.path, tmp_path / "more")
    alone = train.run(config)
    config = config.model_copy(update={"name": "more"})
    light = {"path": str(tmp_path / "more"), "weight": 1e-6}
    both = train.run(changed(config, stores=[light]))
    steps = [
        int(read_tensors(r.run / "checkpoints" / "last" / "training.safetensors")["trainer.step"])
        for r in (alone, both)
    ]
    assert steps == [5, 10]
    # Half of the samples of an epoch cost nothing, on the way to maps that are as far off.
    assert both.history[0]["train_loss"] < 0.75 * alone.history[0]["train_loss"]


@pytest.mark.slow
def test_a_store_of_many_shards_needs_few_open_files(tmp_path: Path) -> None:
    """Two thousand shards, and 256 files: the least that systems allow a process."""
    n = 2000
    writer, rng = StoreWriter(tmp_path / "store", {}, n), np.random.default_rng(0)
    for i in range(n):
        row = {"sample_id": [str(i)], "family": ["A"], "fold": [i % 10], "origin": [""]}
        maps = rng.uniform(1500, 4500, (1, 70, 70))
        writer.write(i, row, gathers=rng.normal(size=(1, 5, 20, 10)), maps=maps)
    store = writer.finish()
    command = start_command("many", tmp_path / "runs", store, **{"train.epochs": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # a child inherits it
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert process.returncode == 0, process.stderr
    assert "best epoch 1" in process.stdout


@pytest.mark.parametrize("optimizer", ["sam", "muon"])
def test_a_stopped_fit_goes_on_with_any_optimizer(
    config: Config, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the base of SAM and Muon's two kinds of state remember comes back."""
    schedule = {"name": "one_cycle_linear", "options": {"momentum": [0.85, 0.95]}}
    config = changed(config, optimizer=optimizer, schedule=schedule)
    config = config.model_copy(update={"machine": MachineConfig(checkpoint_minutes=1e-9)})
    whole = train.run(config)
    counted = ProgressBar.on_step_end

    def stop(bar: ProgressBar, trainer: Trainer) -> None:
        counted(bar, trainer)
        if trainer.step == 3:
            raise KeyboardInterrupt

    stopped = config.model_copy(update={"name": "stopped"})
    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_step_end", stop)
        with pytest.raises(KeyboardInterrupt):
            train.run(stopped)
    histories = whole.history, train.run(stopped).history
    first, second = ([row | {"seconds": None} for row in rows] for rows in histories)
    assert first == second
    for name in ("last/weights", "last/training"):
        files = [c.run_path / "checkpoints" / f"{name}.safetensors" for c in (config, stopped)]
        kept = [read_tensors(file) for file in files]
        assert kept[0].keys() == kept[1].keys()
        assert all(torch.equal(kept[0][key], kept[1][key]) for key in kept[0])
