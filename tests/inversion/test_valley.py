"""The curve that layers share, and which bands a map is taken through."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import fwi
from fwi.geometry import OPENFWI
from fwi.inversion.curves import curve_of
from fwi.inversion.ladder import approach, followed
from fwi.inversion.priors import Variation
from fwi.inversion.problem import Problem
from fwi.inversion.rung import Rung, State
from fwi.inversion.walk import Walk

DEPTH = np.arange(70)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(2.0, 12.0), st.floats(0.0, 6.28))
def test_a_shifted_profile_has_its_shifts(seed: int, amplitude: float, phase: float) -> None:
    rng = np.random.default_rng(seed)
    shifts = np.rint(amplitude * np.sin(2 * np.pi * np.arange(70) / 70 + phase)).astype(int)
    interfaces = np.array([13, 27, 41, 55]) + rng.integers(0, 5, 4)
    values = 1500 + 3000 * rng.permutation(5) / 4  # neighbours differ by 750 m/s or more
    velocity = values[(DEPTH[:, None] - shifts >= interfaces[:, None, None]).sum(0)]
    # Up to one row for all: profile and shifts are known together.
    np.testing.assert_array_equal(np.diff(curve_of(velocity)), np.diff(shifts))


def test_flat_layers_have_no_curve() -> None:
    flat = fwi.families.sample("FlatVel_B", 1, 3)[0]
    assert not curve_of(flat).any()


def test_layers_of_a_family_differ_least_along_their_curve() -> None:
    for velocity in fwi.families.sample("CurveVel_B", 8, 5).astype(np.float64):
        map_ = torch.from_numpy(velocity)
        along = Variation(1.0, 1.0, curve=torch.from_numpy(curve_of(velocity)))
        # Depth counts alike in both; a curve of some rows leaves no more than its jitter of one.
        assert along.value(map_) < 0.9 * Variation(1.0, 1.0).value(map_)


def test_variation_takes_cells_of_one_layer() -> None:
    curve = torch.tensor([0, 1, 3, 2, 2])
    profile = torch.tensor([1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 9.0, 9.0, 9.0]).double()
    rows = (torch.arange(8)[:, None] - curve + 3).clamp(0, 9)
    velocity = profile[rows]
    prior = Variation(eps=1e-9, p=1.0, scale=1.0, curve=curve)
    down = float(velocity.diff(dim=0).abs().sum())
    assert prior.value(velocity) == pytest.approx(down, rel=1e-6)
    beside = float(velocity.diff(dim=1).abs().sum())
    flat = replace(prior, curve=None)
    assert flat.value(velocity) == pytest.approx(down + beside, rel=1e-6)


def test_rungs_follow_the_curve_of_their_map() -> None:
    velocity = torch.from_numpy(fwi.families.sample("CurveVel_B", 1, 5)[0]).double()
    for rung in approach("layered", velocity, 15.0):
        priors = followed(rung, velocity).priors
        expected = torch.from_numpy(curve_of(velocity.numpy()))
        assert all(torch.equal(prior.curve, expected) for prior in priors)  # type: ignore[attr-defined]
    first = approach("smooth", velocity, 15.0)[0]
    assert followed(first, velocity) is first


@pytest.fixture(scope="module")
def climbed() -> Callable[[float], list[float]]:
    """Peaks of the bands that a map is taken through which is so many times too fast."""
    true = torch.full((70, 70), 2500.0, dtype=torch.float64)
    true[30:] = 3500.0
    observed = torch.from_numpy(fwi.simulate(true[None].float().numpy())[0])
    problem = Problem(observed, torch.full_like(observed, 1e-5), OPENFWI)

    def run(factor: float) -> list[float]:
        peaks: list[float] = []

        def descend(problem: Problem, state: State, rung: Rung, *_: object) -> State:
            peaks.append(rung.peak)
            return state

        walk = Walk(problem, descend, lambda progress: None, lambda: False)
        start = factor * true
        walk.rise(State(start, float(start.min())), approach("layered", start, 15.0))
        return peaks

    return run


def test_a_good_start_leaves_out_the_low_bands(climbed: Callable[[float], list[float]]) -> None:
    assert climbed(1.0) == []  # explained everywhere
    peaks = [rung.peak for rung in approach("layered", torch.zeros(70, 70), 15.0)]
    assert climbed(1.3) == peaks  # waves are shifted by more than their length
    near = climbed(1.0005)
    assert near
    assert set(near) == {15.0}
