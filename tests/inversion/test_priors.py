"""Priors: their slopes, and quadratics above them."""

import numpy as np
import pytest
import torch

from fwi.inversion.priors import PRIORS, Gaussian, Nothing, Prior, Reference, Regions, Variation
from fwi.inversion.priors.gaussian import PROCESSES
from fwi.inversion.priors.within import Within
from fwi.inversion.unknowns import Unknown

SHAPE = 7, 9


SOME = {
    "variation": Variation(10, 1.0),
    "variation along": Variation(3, 0.5, across=30),
    "variation sharp": Variation(1, 0.3),
    "variation along a curve": Variation(
        3, 0.5, across=2, curve=torch.tensor([0, 1, 3, 2, 1, 1, 0, -2, -9])
    ),
    "reference": Reference(torch.full(SHAPE, 2600.0, dtype=torch.float64)),
    "none": Nothing(),
    "regions": Regions(torch.rand(63, 4, generator=torch.Generator().manual_seed(2)).double(), 7.0),
    "within": Within(Variation(10, 1.0), (2000.0, 3000.0)),
    **{name: Gaussian(name, SHAPE) for name in PROCESSES},
}


def maps() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 1500 + 2500 * torch.rand(SHAPE, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("prior", SOME.values(), ids=SOME.keys())
def test_gradient_is_the_derivative_of_the_value(prior: Prior) -> None:
    velocity, direction = maps(), torch.cos(torch.arange(63.0, dtype=torch.float64)).view(SHAPE)
    step = 1e-4
    change = prior.value(velocity + step * direction) - prior.value(velocity - step * direction)
    slope = float((prior.gradient(velocity) * direction).sum())
    assert change / (2 * step) == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("prior", SOME.values(), ids=SOME.keys())
def test_both_faces_of_the_curvature_are_one_matrix(prior: Prior) -> None:
    curvature = prior.curvature(maps())
    dense = torch.zeros(63, 63, dtype=torch.float64)
    curvature.add_to(dense)
    torch.testing.assert_close(dense, dense.T)
    x = torch.sin(torch.arange(63.0, dtype=torch.float64))
    torch.testing.assert_close(dense @ x, curvature.apply(x))


@pytest.mark.parametrize("p", [1.0, 0.5, 0.3])
def test_the_quadratic_lies_above_the_variation(p: float) -> None:
    prior, here = Variation(2.0, p), maps()
    curvature = prior.curvature(here)
    for seed in range(20):
        step = 300 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)).double()
        quadratic = prior.value(here) + float((prior.gradient(here) * step).sum())
        quadratic += 0.5 * float(step.flatten() @ curvature.apply(step.flatten()))
        assert prior.value(here + step) <= quadratic


def test_variation_of_steps_alone() -> None:
    velocity = torch.full((4, 6), 2000.0, dtype=torch.float64)
    velocity[2:] += 300.0
    # Six differences of 300 m/s in units of 30, where the others, 32 of them, are eps / 30 each.
    value = Variation(1e-6, 1.0, 30.0).value(velocity)
    assert value == pytest.approx(6 * 10.0, rel=1e-6)


def test_values_of_regions_lie_where_they_cost_least() -> None:
    generator = torch.Generator().manual_seed(3)
    velocity, shares = maps(), torch.rand(63, 4, generator=generator, dtype=torch.float64)
    flat, std = velocity.flatten(), 12.0
    values = (shares * flat[:, None]).sum(0) / shares.sum(0)
    by_hand = float((shares * (flat[:, None] - values) ** 2).sum()) / (2 * std**2)
    assert Regions(shares, std).value(velocity) == pytest.approx(by_hand, rel=1e-12)


def test_a_whole_region_moves_freely() -> None:
    shares = torch.zeros(63, 2, dtype=torch.float64)
    shares[:30, 0] = shares[30:, 1] = 1
    prior, velocity = Regions(shares, 3.0), maps()
    moved = velocity + 250.0 * shares[:, 1].view(SHAPE)
    assert prior.value(moved) == pytest.approx(prior.value(velocity), rel=1e-9)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_a_process_measures_its_own_draws_by_their_number(name: str) -> None:
    prior = Gaussian(name, SHAPE)
    covariance = torch.linalg.inv(prior._precision)
    factor = torch.linalg.cholesky(covariance)
    generator = torch.Generator().manual_seed(1)
    draws = factor @ torch.randn(63, 400, generator=generator, dtype=torch.float64)
    squares = (draws * (prior._precision @ draws)).sum(0)
    assert float(squares.mean()) == pytest.approx(63, rel=0.05)  # 400 draws: 2 % is one deviation


def test_unknown_priors_name_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'variation'"):
        PRIORS["varation"]


@pytest.mark.parametrize("power", range(4))
def test_a_small_step_of_the_unknown_follows_its_slope(power: int) -> None:
    unknown, velocity = Unknown(power), maps()
    step = 1e-3 * torch.ones(SHAPE, dtype=torch.float64)
    moved = unknown.move(velocity, step, (1000.0, 5000.0)) - velocity
    torch.testing.assert_close(moved, unknown.slope(velocity) * step, rtol=1e-5, atol=0)


@pytest.mark.parametrize("power", range(4))
def test_a_large_step_ends_at_the_bounds(power: int) -> None:
    unknown, velocity = Unknown(power), maps()
    for step, bound in ((-1e5, 1470.0), (1e5, 4550.0)):
        moved = unknown.move(
            velocity, torch.full(SHAPE, step, dtype=torch.float64), (1470.0, 4550.0)
        )
        np.testing.assert_allclose(moved, bound)


def test_bounds_cost_nothing_within_and_a_square_beyond() -> None:
    within = Within(Nothing(), (2000.0, 3000.0))
    velocity = torch.tensor([[1985.0, 2000.0, 2500.0, 3030.0]], dtype=torch.float64)
    # 15 m/s below and 30 above, in units of 15: halves of 1 and 4.
    assert within.value(velocity) == pytest.approx(2.5)
    torch.testing.assert_close(
        within.curvature(velocity).apply(torch.ones(4, dtype=torch.float64)),
        torch.tensor([1, 0, 0, 1], dtype=torch.float64) / 225,
    )
