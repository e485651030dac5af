"""Every optimizer goes on to the bit; those written here against hand-worked steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from batches import batch_of
from torch import nn

from fwi.config import Choice, TrainConfig
from fwi.data.loader import FixedBatches
from fwi.schedules import create_schedule
from fwi.training.objectives.supervised import Supervised
from fwi.training.optimizers import OPTIMIZERS, create_optimizer
from fwi.training.optimizers.sam import SharpnessAware
from fwi.training.recipe import Recipe, recipe_of
from fwi.training.state import flatten_optimizer, restore_optimizer
from fwi.training.trainer import Trainer

CPU = torch.device("cpu")
X = torch.randn(16, 3, 6, 6, generator=torch.Generator().manual_seed(0))
Y = X.mean(dim=(2, 3))


def network() -> nn.Module:
    """Build a small network with a convolution, a normalisation and biases."""
    torch.manual_seed(1)
    layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 4)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> list[float]:
    """Take steps, and give the loss before each."""

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (model(X).mean(dim=(2, 3)) - Y).square().mean()
        loss.backward()
        return loss.detach()

    losses = []
    for step in steps:
        torch.manual_seed(step)
        losses.append(float(optimizer.step(closure)))  # type: ignore[arg-type]
    return losses


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends_and_goes_on_to_the_bit(name: str) -> None:
    model = network()
    optimizer = create_optimizer(Choice(name=name), model, 1e-3, 0.01)
    first = descend(model, optimizer, range(4))
    kept = {key: value.clone() for key, value in flatten_optimizer(optimizer).items()}
    other = network()
    other.load_state_dict(model.state_dict())
    resumed = create_optimizer(Choice(name=name), other, 1e-3, 0.01)
    restore_optimizer(resumed, kept)
    assert descend(other, resumed, range(4, 8)) == (rest := descend(model, optimizer, range(4, 8)))
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert rest[-1] < first[0]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("nadam", torch.optim.NAdam),
        ("radam", torch.optim.RAdam),
        ("rmsprop", torch.optim.RMSprop),
        ("adagrad", torch.optim.Adagrad),
    ],
)
def test_torchs_are_torchs(name: str, theirs: Any) -> None:
    ours, other = network(), network()
    steps = range(5)
    losses = descend(ours, create_optimizer(Choice(name=name), ours, 1e-3, 0.1), steps)
    extra = {"momentum": 0.9, "alpha": 0.9} if name == "rmsprop" else {}  # timm's settings
    reference = theirs(other.parameters(), lr=1e-3, weight_decay=0.1, **extra)
    # A fused step rounds in another order than one operation after another.
    assert losses == pytest.approx(descend(other, reference, steps), rel=1e-5)


def test_muon_makes_a_gradient_orthogonal() -> None:
    """One step of the published iteration, here in float64; timm's runs in bfloat16 or float32."""
    model = nn.Linear(4, 6, bias=False)
    options = {"momentum": 0.0, "adjust_lr_fn": "original", "ns_coefficients": "original"}
    optimizer = create_optimizer(Choice(name="muon", options=options), model, 0.1, 0.0)
    before = model.weight.detach().double().clone()
    gradient = torch.randn(6, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model.weight.grad = gradient.float()
    optimizer.step()
    a, b, c = 3.4445, -4.7750, 2.0315  # Jordan et al., 2024
    x = gradient.T / gradient.norm()
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    expected = before - 0.1 * (6 / 4) ** 0.5 * x.T
    # Five products with factors of bfloat16 (2^-9 each) move singular values near 1.
    torch.testing.assert_close(model.weight.detach().double(), expected, rtol=0, atol=5e-3)


class Line(nn.Module):
    """Maps of w^2 wherever the gathers are 1."""

    def __init__(self, w: float = 2.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[w]]))

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Give maps (B, 1, 2, 2)."""
        return (self.w**2 * gathers[:, :, :2, :2]).float()


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        ({"name": "sam", "options": {"rho": 0.1}}, 0.1),
        ({"name": "asam", "options": {"rho": 0.1, "eta": 0.5}}, 0.1 * 2.5),
    ],
    ids=["sam", "asam"],
)
def test_the_trainer_takes_the_gradient_where_the_loss_is_worse(
    options: dict[str, Any], moved: float
) -> None:
    """|w^2 - 5| at w = 2 falls with the slope -2 w, so w + e is 2 - rho, or 2 - rho (|w| + eta)."""
    model = Line()
    options["options"] |= {"base": "sgd", "base_options": {"momentum": 0.0, "nesterov": False}}
    optimizer = create_optimizer(Choice(**options), model, 0.01, 0.0)
    batch = batch_of(torch.ones(1, 1, 4, 4), torch.full((1, 2, 2), 5.0))
    fitted = Trainer(Supervised(model), FixedBatches([batch]), Recipe(optimizer), epochs=1)
    assert fitted.fit()[0]["train_loss"] == pytest.approx(1.0)  # at w itself
    assert model.w.item() == pytest.approx(2 + 0.01 * 2 * (2 - moved), rel=1e-6)  # float32


def test_the_adaptive_step_does_not_see_the_scale_of_layers() -> None:
    """Two layers scaled by s and 1 / s are one function; ASAM with eta = 0 perturbs it alike."""

    def worst(scale: float) -> float:
        model = nn.Sequential(nn.Linear(3, 5, bias=False), nn.Linear(5, 1, bias=False)).double()
        generator = torch.Generator().manual_seed(3)
        weights = [torch.randn(p.shape, generator=generator).double() for p in model.parameters()]
        losses: list[float] = []
        with torch.no_grad():
            for p, w, s in zip(model.parameters(), weights, (scale, 1 / scale), strict=True):
                p.copy_(s * w)
        base = torch.optim.SGD(model.parameters(), lr=0.0)
        optimizer = SharpnessAware(base, model, 0.2, adaptive=True, eta=0.0)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(X[:, :, 0, 0].double()).square().mean()
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(closure)
        return losses[1]

    assert worst(10.0) == pytest.approx(worst(1.0), rel=1e-12)


def test_the_second_pass_leaves_the_statistics_and_the_weights() -> None:
    model, plain = network(), network()
    base = torch.optim.SGD(model.parameters(), lr=0.0)
    descend(model, SharpnessAware(base, model, 10.0), range(2))
    descend(plain, torch.optim.SGD(plain.parameters(), lr=0.0), range(2))
    for key, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert model[1].track_running_stats


def test_layer_decay_keeps_its_parts_of_the_rate() -> None:
    """Timm gives each depth of a network its part of the rate; the schedule keeps the parts."""
    import timm

    model = timm.create_model("resnet18", num_classes=2)
    train = TrainConfig(optimizer={"name": "adamw", "options": {"layer_decay": 0.5}})
    recipe = recipe_of(train, model, 10, CPU)
    rate = recipe.set_rate(3)
    rates = {group["lr"] / rate for group in recipe.optimizer.param_groups}
    assert len(rates) > 3
    assert {max(rates) * 0.5**i for i in range(len(rates))} == rates


def test_momentum_is_cycled_against_the_rate() -> None:
    model = network()
    options = {"momentum": [0.85, 0.95]}
    for name, key in (("adamw", "betas"), ("sgd", "momentum"), ("sam", "betas")):
        train = TrainConfig(
            optimizer={"name": name}, schedule={"name": "one_cycle", "options": options}
        )
        recipe = recipe_of(train, model, 20, CPU)
        seen = []
        for step in range(20):
            recipe.set_rate(step)
            value = recipe.optimizer.param_groups[0][key]
            seen.append(value[0] if key == "betas" else value)
        schedule = create_schedule("one_cycle", 20, 2e-3, None, options)
        assert schedule.momentum is not None
        assert seen == [schedule.momentum(step) for step in range(20)]
        assert min(seen) == 0.85


def test_an_optimizer_without_momentum_cannot_cycle_it() -> None:
    train = TrainConfig(
        optimizer={"name": "adadelta"},
        schedule={"name": "one_cycle", "options": {"momentum": [0.8, 0.9]}},
    )
    with pytest.raises(ValueError, match="needs an optimizer with one"):
        recipe_of(train, network(), 10, CPU)


@pytest.mark.parametrize(
    ("choice", "error", "says"),
    [
        ({"name": "adamv"}, KeyError, "unknown optimizer 'adamv'; did you mean 'adam"),
        ({"name": "adamw", "options": {"beta": 1}}, TypeError, "'beta' of optimizer adamw; did"),
        ({"name": "sam", "options": {"rh": 1}}, TypeError, "'rh' of optimizer sam; did you"),
        ({"name": "sam", "options": {"rho": 0.0}}, ValueError, "rho must be above 0"),
        ({"name": "sam", "options": {"base": "adm"}}, KeyError, "unknown optimizer 'adm'"),
    ],
)
def test_what_is_no_optimizer_is_refused(
    choice: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        create_optimizer(Choice(**choice), network(), 1e-3, 0.0)
