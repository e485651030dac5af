"""The training loop: its loss, its rate, its average and its errors."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from batches import batch_of
from torch import nn

from fwi.config import TrainConfig
from fwi.data.batch import Batch
from fwi.inference.precision import choose_precision
from fwi.schedules import one_cycle
from fwi.training.callbacks.average import WeightAverage
from fwi.training.callbacks.validation import Validation
from fwi.training.objectives.supervised import Supervised
from fwi.training.recipe import Recipe, check_rates, recipe_of
from fwi.training.trainer import Callback, Trainer

CPU = torch.device("cpu")


class Toy(nn.Module):
    """Maps of one velocity a sample, linear in the gathers' mean."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, 1, 4, 4) -> (B, 1, 2, 2)."""
        mean = self.linear(self.norm(gathers.mean((2, 3))))
        return mean[:, :, None, None].expand(-1, -1, 2, 2)


class Watch(Callback):
    """Notes the rate and the weights after every step, and the events."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.weights: list[dict[str, torch.Tensor]] = []
        self.steps: list[int] = []
        self.events: list[str] = []

    def on_fit_start(self, trainer: Trainer) -> None:
        """Note the event."""
        self.events.append("start")

    def on_step_end(self, trainer: Trainer) -> None:
        """Note the step."""
        self.rates.append(trainer.recipe.optimizer.param_groups[0]["lr"])
        self.weights.append({k: v.clone() for k, v in trainer.model.state_dict().items()})
        self.steps.append(trainer.step)

    def on_fit_end(self, trainer: Trainer) -> None:
        """Note the event."""
        self.events.append("end")


class Shuffled:
    """Sixteen samples whose velocity is linear in the gathers, four batches, by epoch."""

    def __init__(self, poison: bool = False) -> None:
        self.gathers = torch.linspace(-1, 1, 16)[:, None, None, None].expand(16, 1, 4, 4).clone()
        self.velocity = 3 + 2 * self.gathers[:, 0, :2, :2]
        if poison:
            self.velocity[5] = torch.nan

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return 4

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Shuffle by the epoch."""
        order = torch.randperm(16, generator=torch.Generator().manual_seed(epoch))
        for part in order.reshape(4, 4)[first:]:
            yield batch_of(self.gathers[part], self.velocity[part])


def toy_trainer(*callbacks: Callback, poison: bool = False, **changes: Any) -> Trainer:
    torch.manual_seed(0)
    config = TrainConfig(
        **{"epochs": 5, "lr": 0.3, "weight_decay": 0, "warmup": 0.3, "precision": "float32"}
        | changes
    )
    model = next((c.source for c in callbacks if isinstance(c, Averaged)), None) or Toy()
    recipe = recipe_of(config, model, 4 * config.epochs, CPU)
    return Trainer(
        Supervised(model), Shuffled(poison), recipe, epochs=config.epochs, callbacks=callbacks
    )


class Averaged(WeightAverage):
    """A weight average that remembers what it averages, and its course."""

    def __init__(self, decay: float) -> None:
        torch.manual_seed(0)
        self.source = Toy()
        super().__init__(self.source, decay)
        self.start = {k: v.clone() for k, v in self.model.state_dict().items()}


def test_loss_falls() -> None:
    history = toy_trainer(Watch(), epochs=20).fit()
    assert [row["epoch"] for row in history] == list(range(1, 21))
    # Normalising by four samples' own statistics leaves some noise.
    assert history[-1]["train_loss"] < 0.3 * history[0]["train_loss"]


def test_rate_follows_the_one_cycle_schedule() -> None:
    watch = Watch()
    trainer = toy_trainer(watch)
    history = trainer.fit()
    assert trainer.total_steps == 20
    assert watch.steps == list(range(1, 21))
    assert watch.rates == [one_cycle(step, 20, 0.3, 0.3) for step in range(20)]
    assert [row["lr"] for row in history] == watch.rates[3::4]


def test_what_a_network_draws_hangs_on_the_seed_and_the_step() -> None:
    class Draws(nn.Module):
        """A map that is drawn anew each time."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.drawn: list[float] = []

        def forward(self, gathers: torch.Tensor) -> torch.Tensor:
            value = torch.rand(())
            self.drawn.append(value.item())
            return self.scale * value.expand(len(gathers), 1, 2, 2)

    def drawn(seed: int) -> list[float]:
        model = Draws()
        recipe = Recipe(torch.optim.SGD(model.parameters(), lr=0.0))
        Trainer(Supervised(model), Shuffled(), recipe, epochs=2, seed=seed).fit()
        return model.drawn

    first = drawn(1)
    assert len(set(first)) == 8
    assert drawn(1) == first
    assert not set(drawn(2)) & set(first)


def test_history_needs_no_callback() -> None:
    history = toy_trainer(epochs=2).fit()
    assert [set(row) for row in history] == [{"epoch", "lr", "train_loss"}] * 2


def test_stop_ends_the_fit_and_closes_the_epoch() -> None:
    class Stop(Callback):
        def on_step_end(self, trainer: Trainer) -> None:
            if trainer.step == 6:
                trainer.stop()

    watch = Watch()
    trainer = toy_trainer(Stop(), watch)
    history = trainer.fit()
    assert watch.steps == [1, 2, 3, 4, 5, 6]
    assert [row["epoch"] for row in history] == [1, 2]
    assert watch.events == ["start", "end"]
    assert trainer.step == 8  # where the next epoch would begin


def test_without_a_schedule_the_optimizers_rate_stays() -> None:
    model = Toy()
    recipe = Recipe(torch.optim.SGD(model.parameters(), lr=0.05))
    history = Trainer(Supervised(model), Shuffled(), recipe, epochs=2).fit()
    assert [row["lr"] for row in history] == [0.05, 0.05]


def test_nan_loss_stops_with_advice_and_tells_the_callbacks() -> None:
    watch = Watch()
    trainer = toy_trainer(watch, poison=True)
    with pytest.raises(FloatingPointError) as caught:
        trainer.fit()
    assert str(caught.value) == (
        f"the loss is nan at step {trainer.step}; lower train.lr "
        f"({one_cycle(trainer.step, 20, 0.3, 0.3):g} there) or use train.precision=float32"
    )
    assert watch.events == ["start", "end"]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_validation_that_is_not_finite_stops_with_the_epoch_and_the_step(wrong: float) -> None:
    watch, average = Watch(), Averaged(0.9)
    errors = iter([200.0, wrong, 100.0])
    validation = Validation(lambda _: {"mae": next(errors)}, average)
    trainer = toy_trainer(average, validation, watch, epochs=3)
    with pytest.raises(FloatingPointError, match=f"mae is {wrong} after epoch 2, step 8;"):
        trainer.fit()
    assert watch.events == ["start", "end"]


@pytest.mark.parametrize("name", ["lr", "weight_decay", "clip_norm", "ema_decay", "warmup"])
def test_a_recipe_of_no_numbers_is_refused(name: str) -> None:
    train = TrainConfig().model_copy(update={name: float("nan")})  # as no config can be
    with pytest.raises(ValueError, match=f"train.{name} must be finite, got nan"):
        check_rates(train)
    check_rates(TrainConfig().model_copy(update={"clip_norm": float("inf")}))


def test_gradients_are_clipped() -> None:
    class Norm(Callback):
        worst = 0.0

        def on_step_end(self, trainer: Trainer) -> None:
            norms = [p.grad.norm() for p in trainer.model.parameters() if p.grad is not None]
            self.worst = max(self.worst, float(torch.stack(norms).norm()))

    norm = Norm()
    toy_trainer(norm, clip_norm=0.01).fit()
    # Clipping divides by the norm plus 1e-6: float32 rounding above that.
    assert 0.005 < norm.worst < 0.01 * (1 + 1e-5)


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_average_equals_one_by_hand(decay: float) -> None:
    """Step n is averaged with the decay min(decay, 1 - n^(-2/3)), n at least 1."""
    watch, average = Watch(), Averaged(decay)
    toy_trainer(watch, average, epochs=2).fit()
    by_hand = {k: v.double() for k, v in average.start.items()}
    for step, weights in enumerate(watch.weights):
        kept = min(decay, 1 - max(step, 1) ** (-2 / 3))
        for key, value in weights.items():
            by_hand[key] = kept * by_hand[key] + (1 - kept) * value.double()
    result = average.model.state_dict()
    for key in ("linear.weight", "linear.bias", "norm.weight", "norm.running_mean"):
        # Eight float32 roundings.
        torch.testing.assert_close(result[key].double(), by_hand[key], rtol=2e-6, atol=1e-7)
    assert result["norm.num_batches_tracked"] == 8
    assert not torch.equal(result["linear.weight"], watch.weights[-1]["linear.weight"])


def test_precision_that_is_asked_for_is_taken() -> None:
    assert choose_precision("float32", CPU) == "float32"
    assert choose_precision("bfloat16", CPU) == "bfloat16"


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({}, "float32"),
        ({"avx2": True, "avx512_bf16": False}, "float32"),
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"bf16": True}, "bfloat16"),
    ],
)
def test_automatic_precision_follows_the_processor(
    capabilities: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision("auto", CPU) == expected


@pytest.mark.parametrize(("version", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16")])
def test_automatic_precision_follows_the_gpu(
    version: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: version)
    assert choose_precision("auto", torch.device("cuda")) == expected
