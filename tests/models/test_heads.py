"""Preprocessing and heads that all networks share."""

import numpy as np
import pytest
import torch
from torch import nn

from fwi.models.heads import ErrorHead, MapHead
from fwi.models.network import Network
from fwi.models.preprocess import Preprocess


def test_amplitudes_are_compressed_and_further_shots_dropped() -> None:
    gathers = np.random.default_rng(0).normal(size=(2, 6, 1000, 70)).astype(np.float16)
    compressed = Preprocess(5, 10.0)(torch.from_numpy(gathers)).numpy()
    np.testing.assert_allclose(
        compressed,
        np.arcsinh(gathers[:, :5].astype(np.float64) * 10) / 2,
        rtol=1e-6,  # float32
        atol=1e-7,
    )
    raw = Preprocess(5, None)(torch.from_numpy(gathers)).numpy()
    np.testing.assert_array_equal(raw, gathers[:, :5].astype(np.float32))


def test_other_sampling_rates_are_resampled() -> None:
    time = torch.linspace(0, 1, 250)[None, None, :, None].expand(1, 5, 250, 70)
    fine = Preprocess(5, None)(time)
    assert fine.shape == (1, 5, 1000, 70)
    # A straight line stays one, but for half a coarse sample at each end.
    slope = fine[0, 0, 2:-2].diff(dim=0)
    torch.testing.assert_close(slope, torch.full_like(slope, 1 / 249 / 4), rtol=1e-3, atol=1e-6)


def test_gain_must_be_positive() -> None:
    with pytest.raises(ValueError, match="gain must be positive, or none for raw"):
        Preprocess(5, 0.0)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_sigmoid_stays_within_the_physical_range(scale: float) -> None:
    torch.manual_seed(0)
    velocity = MapHead(3, "sigmoid")(torch.randn(2, 3, 70, 70) * scale)
    assert velocity.min() >= 1500
    assert velocity.max() <= 4500


def test_linear_head_is_its_convolution_in_metres_a_second() -> None:
    head = MapHead(3)
    features = torch.randn(2, 3, 70, 70)
    torch.testing.assert_close(head(features), head.conv(features) * 800 + 2900)


def test_unknown_output_is_refused() -> None:
    with pytest.raises(ValueError, match="output must be 'linear' or 'sigmoid', got 'tanh'"):
        MapHead(3, "tanh")


def test_expected_error_is_positive() -> None:
    torch.manual_seed(0)
    assert (ErrorHead(3)(torch.randn(2, 3, 70, 70) * 10) > 0).all()


class Body(nn.Module):
    """The first shots' first samples as features, in the middle of 72 x 72."""

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, 3, 72, 72)."""
        return nn.functional.pad(gathers[:, :3, :70], (1, 1, 1, 1), value=torch.nan)


def test_the_middle_of_the_features_is_the_map() -> None:
    network = Network(Body(), 3, gain=None)
    network.head.conv = nn.Conv2d(3, 1, 1)  # which looks at no neighbour
    gathers = torch.randn(2, 5, 1000, 70)
    expected = network.head.conv(gathers[:, :3, :70]) * 800 + 2900
    torch.testing.assert_close(network(gathers), expected)


class Squares(nn.Module):
    """A body with one weight, so that gradients can be told apart."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, 3, 72, 70)."""
        return gathers[:, :3, :72] * self.weight


def test_optional_heads_say_more_of_the_same_features() -> None:
    network = Network(Squares(), 3, confidence=True, n_families=10)
    gathers = torch.randn(2, 5, 1000, 70)
    said = network.predict_all(gathers)
    torch.testing.assert_close(said.velocity, network(gathers), rtol=0, atol=0)
    assert said.error.shape == (2, 1, 70, 70)
    assert said.family.shape == (2, 10)
    said.error.sum().backward()
    assert network.body.weight.grad is None  # the error head does not shape the features
    said.family.square().sum().backward()
    assert network.body.weight.grad is not None


def test_without_optional_heads_there_is_a_map_alone() -> None:
    said = Network(Squares(), 3).predict_all(torch.randn(1, 5, 1000, 70))
    assert said.error is None
    assert said.family is None


def test_a_family_head_for_fewer_families_than_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"n_families must be 0 or at least 10, .* got 3;"):
        Network(Squares(), 3, n_families=3)
