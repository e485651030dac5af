"""What fits minimise: formulas by hand, and what the minimum is."""

import numpy as np
import pytest
import torch
from batches import batch_of
from scipy.stats import norm
from torch import nn

from fwi import families
from fwi.config import Choice
from fwi.data.batch import Batch
from fwi.models import create_model
from fwi.models.network import Network, Prediction
from fwi.openfwi import FAMILIES, UNKNOWN, family_label
from fwi.training.objectives.base import Objective, create_objective, register_objective
from fwi.training.objectives.critic import AgainstCritic
from fwi.training.objectives.supervised import Supervised, heads_loss


class Halves(nn.Module):
    """A body whose two features tell the left half of the map from the right."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2, 1, 1))

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, T, R) -> (B, 2, 70, 70)."""
        right = (torch.arange(70) >= 35).float().expand(len(gathers), 70, 70)
        return torch.stack([1 - right, right], 1) * self.scale


def halves(**heads: object) -> Network:
    torch.manual_seed(0)
    return Network(Halves(), 2, n_shots=1, **heads)


def batch(seed: int = 0, family: torch.Tensor | None = None) -> Batch:
    """Gathers without a signal, and maps spread about 3000 m/s by 50 on the left, 300 right."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.where(torch.arange(70) < 35, 50.0, 300.0)
    velocity = 3000 + spread * torch.randn(4, 70, 70, generator=generator)
    return batch_of(torch.zeros(4, 1, 1000, 70), velocity, family)


def test_supervised_loss_is_the_mean_absolute_error() -> None:
    model = create_model("unet", "resnet10t", stem_channels=(4, 8), decoder_channels=(8, 8, 8, 8))
    gathers, velocity = torch.randn(4, 5, 1000, 70), batch().velocity
    model.eval()
    with torch.inference_mode():
        loss = Supervised(model)(batch_of(gathers, velocity, torch.arange(4)))
        predicted = model(gathers)[:, 0].double().numpy()
    # float32 rounding of a mean of some 1000 m/s.
    assert loss.item() == pytest.approx(np.abs(predicted - velocity.numpy()).mean(), rel=1e-5)


def test_supervised_loss_takes_any_network_of_maps() -> None:
    class Mean(nn.Module):
        def forward(self, gathers: torch.Tensor) -> torch.Tensor:
            return gathers.mean((1, 2, 3), keepdim=True).expand(-1, 1, 2, 2)

    loss = Supervised(Mean())(batch_of(torch.full((3, 1, 4, 4), 7.0), torch.full((3, 2, 2), 9.0)))
    assert loss.item() == 2


def test_loss_is_float32_where_products_are_bfloat16() -> None:
    objective = Supervised(halves(confidence=True, n_families=10))
    with torch.autocast("cpu", torch.bfloat16):
        loss = objective(batch(family=torch.arange(4)))
    assert loss.dtype == torch.float32


def test_error_head_learns_the_median_deviation_of_each_place() -> None:
    """Half of normal deviates s x are within 0.6745 s."""
    model = halves(confidence=True)
    objective = Supervised(model)
    with torch.no_grad():
        model.head.conv.weight.zero_()
        model.head.conv.bias.fill_((3000 - 2900) / 800)  # the best map, which stands still
    optimizer = torch.optim.Adam(model.error_head.parameters())
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        loss = objective(batch(seed=step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        error = model.predict_all(batch().gathers).error[0, 0]
    # Away from the edges, where a 3x3 convolution sees one half alone.
    for part, spread in ((error[2:-2, 2:33], 50), (error[2:-2, 37:-2], 300)):
        expected = spread * norm.ppf(0.75)
        # The last steps see some 10,000 deviates each: a standard error of 1 %.
        assert part.mean().item() == pytest.approx(expected, rel=0.04)


def test_error_heads_loss_reaches_neither_the_map_nor_the_body() -> None:
    grads = []
    for confidence in (False, True):
        model = halves(confidence=confidence)
        Supervised(model)(batch()).backward()
        grads.append([model.body.scale.grad, model.head.conv.weight.grad])
        assert all(g.abs().max() > 0 for g in grads[-1])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


def test_error_head_costs_its_absolute_error() -> None:
    said = Prediction(torch.full((2, 1, 2, 2), 3100.0), torch.full((2, 1, 2, 2), 40.0))
    loss = heads_loss(said, batch_of(torch.zeros(2), torch.full((2, 2, 2), 3000.0)))
    assert loss.item() == pytest.approx(100 - 40)


def test_unknown_families_leave_the_loss_unchanged() -> None:
    with_head, without = halves(n_families=10), halves()
    without.load_state_dict(
        {k: v for k, v in with_head.state_dict().items() if not k.startswith("family_head")}
    )
    loss = Supervised(with_head)(batch())
    assert loss.item() == Supervised(without)(batch()).item()
    loss.backward()
    assert all(p.grad is None or not p.grad.any() for p in with_head.family_head.parameters())


def test_family_loss_is_the_mean_surprise_of_the_known_families() -> None:
    said = Prediction(torch.zeros(4, 1, 2, 2), family=torch.randn(4, 10))
    labels = torch.tensor([3, UNKNOWN, 9, UNKNOWN])
    loss = heads_loss(
        said, batch_of(torch.zeros(4), torch.zeros(4, 2, 2), labels), family_weight=7.0
    )
    shares = np.exp(said.family.double().numpy())
    shares /= shares.sum(1, keepdims=True)
    surprise = -(np.log(shares[0, 3]) + np.log(shares[2, 9])) / 2
    assert loss.item() == pytest.approx(7 * surprise, rel=1e-6)  # float32 rounding


def test_guessing_costs_the_documented_46_metres_a_second() -> None:
    said = Prediction(torch.zeros(4, 1, 2, 2), family=torch.zeros(4, 10))
    loss = heads_loss(said, batch_of(torch.zeros(4), torch.zeros(4, 2, 2), torch.arange(4)))
    assert loss.item() == pytest.approx(46, abs=0.1)


def test_the_experiment_chooses_the_objective_and_else_the_network() -> None:
    model = halves()
    assert type(create_objective(model)) is Supervised
    assert create_objective(model).model is model
    model.objective = "critic"
    assert type(create_objective(model)) is AgainstCritic
    chosen = create_objective(model, Choice(name="supervised", options={"family_weight": 3.0}))
    assert type(chosen) is Supervised
    assert chosen.family_weight == 3


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({"name": "critics"}, KeyError, "unknown objective 'critics'; did you mean 'critic'"),
        (
            {"name": "critic", "options": {"critic_step": 1}},
            TypeError,
            "unknown option 'critic_step' of objective critic; did you mean 'critic_steps'",
        ),
        (
            {"name": "supervised", "options": {"model": 1}},
            TypeError,
            "unknown option 'model' of objective supervised; known: family_weight",
        ),
        ({"name": "feedback"}, TypeError, "model must be a corrector, got Network"),
    ],
    ids=["name", "option", "the network", "another network"],
)
def test_choices_that_do_not_fit_are_refused(
    choice: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        create_objective(halves(), Choice(**choice))


def test_a_samples_weight_scales_what_it_asks_for() -> None:
    """Weights of 1 and 0 give half of the loss of the first two samples alone."""
    half = torch.tensor([1.0, 1.0, 0.0, 0.0])
    for kind in (Supervised, AgainstCritic):
        torch.manual_seed(0)
        objective = kind(halves(confidence=True, n_families=10))
        whole = batch(family=torch.arange(4))
        first = Batch(*(part[:2] for part in whole))
        alone = objective(first)
        known_twice = objective.model.predict_all(first.gathers).family
        surprise = torch.nn.functional.cross_entropy(known_twice, first.family) * 20
        # The family's loss is a mean over the labels that are known, all four here.
        expected = (alone - surprise) / 2 + surprise / 2
        got = objective(whole._replace(weight=half))
        assert got.item() == pytest.approx(expected.item(), rel=1e-5)  # float32 rounding


def test_an_objectives_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'supervised' is registered already"):
        register_objective("supervised")


def test_an_objective_without_a_loss_cannot_be_built() -> None:
    class Nothing(Objective):
        pass

    with pytest.raises(TypeError, match="forward"):
        Nothing(halves())


def test_families_are_those_that_are_generated() -> None:
    assert all(families.sample(name, 1, rng=0).shape == (1, 70, 70) for name in FAMILIES)
    assert [family_label(name) for name in FAMILIES] == list(range(10))
    assert family_label("Salt") == UNKNOWN
