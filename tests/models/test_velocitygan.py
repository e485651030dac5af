"""The critic of VelocityGAN and the penalty on its slope, against formulas and differences."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from fwi.models.inversionnet import inversionnet
from fwi.models.velocitygan import Critic, gradient_penalty, velocitygan

NARROW = 1 / 8


class Linear(nn.Module):
    """The critic <w, x>, whose slope is |w| everywhere."""

    def __init__(self, size: int, length: float) -> None:
        super().__init__()
        weight = torch.randn(size, size, dtype=torch.float64)
        self.weight = nn.Parameter(length * weight / weight.norm())

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, 1, Z, X) -> (B,)."""
        return (maps[:, 0] * self.weight).sum((1, 2))


def maps(batch: int, side: int = 70, seed: int = 0) -> torch.Tensor:
    """Noise in [-1, 1], float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 1, side, side, generator=generator, dtype=torch.float64) * 2 - 1


def test_generator_is_inversionnet_and_asks_for_a_critic() -> None:
    networks = []
    for build in (velocitygan, inversionnet):
        torch.manual_seed(0)
        networks.append(build(width=NARROW, confidence=True).eval())
    gathers = torch.randn(2, 5, 1000, 70)
    assert torch.equal(networks[0](gathers), networks[1](gathers))
    assert networks[0].objective == "critic"
    assert deepcopy(networks[0]).objective == "critic"  # as the weight average copies it
    assert networks[1].objective == "supervised"


def test_critic_scores_each_map_by_itself() -> None:
    critic = Critic().double()
    three = maps(3)
    scores = critic(three)
    assert scores.shape == (3,)
    assert len(set(scores.tolist())) == 3
    # float64 rounding of sums in another order.
    torch.testing.assert_close(critic(three[1:2]), scores[1:2], rtol=1e-12, atol=1e-14)


def test_critic_stays_in_float32_under_autocast() -> None:
    critic, two = Critic(), maps(2).float()
    with torch.autocast("cpu", torch.bfloat16):
        scores = critic(two)
        torch.manual_seed(1)
        penalty = gradient_penalty(critic, two, -two)
    torch.manual_seed(1)
    assert torch.equal(scores, critic(two))
    assert torch.equal(penalty, gradient_penalty(critic, two, -two))


@pytest.mark.parametrize("length", [0.0, 0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_that_of_its_length(length: float) -> None:
    critic = Linear(8, length)
    penalty = gradient_penalty(critic, maps(5, 8), maps(5, 8, seed=1))
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-14)  # float64 rounding


def test_penalty_is_taken_at_one_point_of_each_samples_own_segment() -> None:
    """For c(x) = |x|^2 / 2 the slope is |x|, here that of the point between constants."""
    real, fake = (
        torch.zeros(4, 1, 2, 2),
        torch.ones(4, 1, 2, 2) * torch.arange(4)[:, None, None, None],
    )

    def critic(x: torch.Tensor) -> torch.Tensor:
        return x.square().sum((1, 2, 3)) / 2

    torch.manual_seed(3)
    penalty = gradient_penalty(critic, real, fake)
    torch.manual_seed(3)
    part = torch.rand(4, 1, 1, 1).flatten()
    slopes = (1 - part) * torch.arange(4) * 2  # 4 cells: a length of twice the constant
    assert len(set(part.tolist())) == 4
    torch.testing.assert_close(penalty, (slopes - 1).square().mean())


def test_penalty_leaves_the_maps_without_gradients() -> None:
    real, fake = maps(2, 8).requires_grad_(), maps(2, 8, seed=1).requires_grad_()
    gradient_penalty(Linear(8, 2.0), real, fake).backward()
    assert real.grad is None
    assert fake.grad is None


def test_second_derivatives_reach_a_smooth_critics_weights() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Conv2d(2, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1)
    ).double()
    names, weights = zip(*critic.named_parameters(), strict=True)

    def penalty(*values: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        return gradient_penalty(
            lambda x: functional_call(critic, dict(zip(names, values, strict=True)), (x,)),
            maps(3, 5),
            maps(3, 5, seed=1),
        )

    assert torch.autograd.gradcheck(penalty, weights)


def test_second_derivatives_of_the_critic_agree_with_central_differences() -> None:
    torch.manual_seed(0)
    critic = Critic().double()
    real, fake = maps(2), maps(2, seed=1)

    def penalty() -> torch.Tensor:
        torch.manual_seed(1)
        return gradient_penalty(critic, real, fake)

    penalty().backward()
    weights = [p for p in critic.parameters() if p.ndim > 1]
    directions = [torch.randn_like(p) for p in weights]
    slope = sum(float((p.grad * d).sum()) for p, d in zip(weights, directions, strict=True))
    step, ends = 1e-7, []
    with torch.no_grad():
        for sign in (1, -2):  # from the middle to one end, and on to the other
            for p, d in zip(weights, directions, strict=True):
                p += sign * step * d
            with torch.enable_grad():
                ends.append(penalty().item())
    # float64 rounding over the step, 1e-16 / 1e-7, and the few rectifiers that switch within it.
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)
    assert abs(slope) > 1e-4
