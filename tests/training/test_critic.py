"""The game of network and critic: who learns from what, and that a killed fit goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from batches import batch_of
from torch import nn

from fwi.config import Config, TrainConfig
from fwi.data.batch import Batch
from fwi.data.store import Store
from fwi.inference.checkpoint import read_tensors
from fwi.models import create_model
from fwi.runs import RunFolder
from fwi.stages import train
from fwi.training.callbacks.average import WeightAverage
from fwi.training.callbacks.checkpoints import Checkpoints
from fwi.training.callbacks.validation import Validation
from fwi.training.objectives.base import Objective
from fwi.training.objectives.critic import AgainstCritic
from fwi.training.objectives.supervised import Supervised
from fwi.training.recipe import recipe_of
from fwi.training.trainer import Callback, Trainer

CPU = torch.device("cpu")
OPTIONS = {"width": 1 / 16}


class Constant(nn.Module):
    """One learned map, whatever the gathers."""

    def __init__(self, velocity: torch.Tensor) -> None:
        super().__init__()
        self.velocity = nn.Parameter(velocity)

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, ...) -> (B, 1, 70, 70)."""
        return self.velocity.expand(len(gathers), 1, 70, 70)


def batch(n: int = 4, family: torch.Tensor | None = None) -> Batch:
    """Gathers and layered maps."""
    generator = torch.Generator().manual_seed(0)
    steps = torch.rand(n, 7, generator=generator).cumsum(1) * 400 + 1600
    velocity = steps.repeat_interleave(10, 1)[:, :, None].expand(n, 70, 70).contiguous()
    return batch_of(torch.randn(n, 5, 1000, 70, generator=generator), velocity, family)


def game(**options: Any) -> AgainstCritic:
    torch.manual_seed(0)
    return AgainstCritic(Constant(torch.full((70, 70), 2500.0)), **options)


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in module.state_dict().items()}


def test_loss_is_the_papers_times_30_metres_a_second() -> None:
    objective = game().eval()
    samples = batch()
    velocity = samples.velocity
    real = (velocity.double() - 3000) / 1500
    fake = torch.full((4, 1, 70, 70), -1 / 3)
    score = objective.critic(fake).double().mean()
    error = -1 / 3 - real
    expected = 50 * error.abs().mean() + 100 * error.square().mean() - score
    # float32 rounding of means of some 1000 m/s.
    assert objective(samples).item() == pytest.approx(30 * expected.item(), rel=1e-5)
    first = (1500 * error.abs().mean()).item()
    assert first == pytest.approx((2500 - velocity.double()).abs().mean().item())


def test_heads_beside_the_map_are_trained_too() -> None:
    model = create_model("velocitygan", **OPTIONS, confidence=True, n_families=10)
    AgainstCritic(model, critic_steps=1).train()(batch(family=torch.arange(4))).backward()
    for head in (model.error_head, model.family_head):
        assert all(p.grad.abs().max() > 0 for p in head.parameters())


def test_the_loss_changes_nothing_and_the_step_before_it_the_critic() -> None:
    torch.manual_seed(0)
    objective = AgainstCritic(create_model("velocitygan", **OPTIONS), critic_steps=2).train()
    before = state(objective)
    objective.before_step(batch())
    after = state(objective)
    learned = {k for k in before if not torch.equal(before[k], after[k])}
    # Only the count of batches moves in the network: its statistics keep what they knew.
    assert {k for k in learned if k.startswith("critic.")} == {
        k for k in before if k.startswith("critic.")
    }
    assert all(k.startswith("critic.") or k.endswith("num_batches_tracked") for k in learned)
    twice = [objective.eval()(batch()).item() for _ in range(2)]
    assert twice[0] == twice[1]
    assert all(torch.equal(after[k], v) for k, v in state(objective).items())


def test_networks_step_leaves_the_critic_and_its_gradients_alone() -> None:
    objective = game(critic_steps=1).train()
    objective.before_step(batch())
    loss = objective(batch())
    weights = state(objective.critic)
    grads = [p.grad.clone() for p in objective.critic.parameters()]
    loss.backward()
    assert all(torch.equal(weights[k], v) for k, v in state(objective.critic).items())
    for grad, parameter in zip(grads, objective.critic.parameters(), strict=True):
        assert torch.equal(grad, parameter.grad)
        assert parameter.requires_grad
    assert objective.model.velocity.grad.abs().max() > 0


def test_critics_steps_leave_the_networks_gradients_alone() -> None:
    objective = game(critic_steps=1).train()
    objective.before_step(batch())
    assert all(p.grad is not None for p in objective.critic.parameters())
    assert objective.model.velocity.grad is None


def test_trainer_optimises_the_network_and_not_the_critic() -> None:
    trainer = fit_of(AgainstCritic(create_model("velocitygan", **OPTIONS)), Path())
    optimised = {id(p) for group in trainer.recipe.optimizer.param_groups for p in group["params"]}
    assert optimised == {id(p) for p in trainer.model.parameters()}
    assert not optimised & {id(p) for p in trainer.objective.critic.parameters()}


def test_critic_learns_to_tell_true_maps_by_their_distance() -> None:
    """The best of all critics of slope 1 tells x from y by |x - y|."""
    torch.manual_seed(0)
    objective = AgainstCritic(Constant(torch.zeros(70, 70)))
    real, fake = torch.zeros(2, 1, 70, 70), torch.full((2, 1, 70, 70), -0.1)
    real[:, :, :35] = 0.1

    def told() -> float:
        with torch.inference_mode():
            return (objective.critic(real) - objective.critic(fake)).mean().item()

    before = told()
    for _ in range(25):
        objective._teach_critic(real, fake)
    distance = (real - fake)[0].norm().item()
    assert abs(before) < 0.1 * distance
    # It has the scale after 25 steps, and still swings about it.
    assert distance / 2 < told() < 2 * distance


class Stop(Callback):
    """Ends a fit in the middle of an epoch, as a kill does."""

    def __init__(self, step: int) -> None:
        self.last = step

    def on_step_end(self, trainer: Trainer) -> None:
        """Raise at the step."""
        if trainer.step > self.last:
            raise KeyboardInterrupt


class Shuffled:
    """Eight samples in two batches."""

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return 2

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Shuffle by the epoch."""
        order = torch.randperm(8, generator=torch.Generator().manual_seed(epoch))
        for part in order.reshape(2, 4)[first:]:
            yield Batch(*(values[part] for values in batch(8)))


def fit_of(objective: Objective, run: Path, *callbacks: Callback, seconds: float = 1e9) -> Trainer:
    """Set up three epochs of two batches, with checkpoints."""
    config = TrainConfig(lr=1e-3, precision="float32")
    average = WeightAverage(objective.model, 0.9)
    described = {"model": "velocitygan", "variant": "base", "options": OPTIONS, "data": {}}
    keep = Checkpoints(RunFolder(run), described, average, 7, seconds)
    watch = Validation(lambda model: {"mae": 0.0}, average)
    recipe = recipe_of(config, objective.model, 6, CPU)
    callbacks = (average, watch, keep, *callbacks)
    return Trainer(objective, Shuffled(), recipe, epochs=3, callbacks=callbacks)


def critic_fit(run: Path, *callbacks: Callback, seconds: float = 1e9) -> Trainer:
    torch.manual_seed(0)
    objective = AgainstCritic(create_model("velocitygan", **OPTIONS), 2)
    return fit_of(objective, run, *callbacks, seconds=seconds)


@pytest.mark.parametrize("seconds", [1e9, 0], ids=["epochs are kept", "steps are kept"])
def test_killed_fit_ends_as_if_uninterrupted(tmp_path: Path, seconds: float) -> None:
    whole = critic_fit(tmp_path / "whole")
    whole.fit()
    with pytest.raises(KeyboardInterrupt):
        critic_fit(tmp_path / "killed", Stop(4), seconds=seconds).fit()
    kept = read_tensors(tmp_path / "killed" / "checkpoints" / "last" / "training.safetensors")
    assert kept["trainer.step"] == (4 if seconds else 5)
    resumed = critic_fit(tmp_path / "killed")
    history = resumed.fit()
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in whole.history]
    kept = [
        read_tensors(tmp_path / name / "checkpoints" / "last" / f"{kind}.safetensors")
        for kind in ("weights", "training")
        for name in ("whole", "killed")
    ]
    for one, other in (kept[:2], kept[2:]):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    kinds = {key.split(".")[0] for key in kept[2]}
    assert kinds == {"model", "critic", "optimizer", "optimizers", "trainer"}


def test_critic_of_a_resumed_fit_is_the_one_that_was_kept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        critic_fit(tmp_path, Stop(2)).fit()
    resumed = critic_fit(tmp_path)
    fresh = state(resumed.objective.critic)
    for callback in resumed.callbacks:
        callback.on_fit_start(resumed)
    tensors = read_tensors(tmp_path / "checkpoints" / "last" / "training.safetensors")
    for key, value in state(resumed.objective.critic).items():
        assert torch.equal(value, tensors[f"critic.{key}"])
        assert not torch.equal(value, fresh[key])
    moments = resumed.objective.optimizers[0].state_dict()["state"]
    assert {int(values["step"]) for values in moments.values()} == {4}  # two a batch


def test_plain_fit_keeps_what_it_always_kept(tmp_path: Path) -> None:
    """The network, one optimizer's moments, and the place in the fit."""
    model = create_model("unet", "resnet10t", stem_channels=[4, 8], decoder_channels=[8] * 4)
    trainer = fit_of(Supervised(model), tmp_path)
    trainer.fit()
    tensors = read_tensors(tmp_path / "checkpoints" / "last" / "training.safetensors")
    names = {f"model.{k}" for k in model.state_dict()}
    parameters = range(len(list(model.parameters())))
    moments = {
        f"optimizer.{i}.{name}" for i in parameters for name in ("step", "exp_avg", "exp_avg_sq")
    }
    place = {"trainer.step", "trainer.loss_sum", "trainer.samples", "trainer.tensors"}
    assert tensors.keys() == names | moments | place


def test_other_samples_are_not_learned_from_halfway(tmp_path: Path) -> None:
    critic_fit(tmp_path).fit()
    again = critic_fit(tmp_path)
    [keep] = [c for c in again.callbacks if isinstance(c, Checkpoints)]
    keep.samples = 8
    with pytest.raises(ValueError, match="was trained on a store made otherwise"):
        again.fit()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_stage_trains_a_network_against_its_critic(
    small_config: Config, small_store: Store, tmp_path: Path, precision: str
) -> None:
    section = small_config.train.model_copy(
        update={"model": "velocitygan", "options": OPTIONS, "precision": precision}
    )
    config = small_config.model_copy(update={"runs": tmp_path, "train": section})
    result = train.run(config)
    assert len(result.history) == 1
    last = read_tensors(result.run / "checkpoints" / "last" / "training.safetensors")
    assert {v.dtype for k, v in last.items() if k.startswith("critic.")} == {torch.float32}
