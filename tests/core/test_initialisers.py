"""The initialisers against torch's fans and formulas, and against what they promise."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.core.initialisers import INITIALISERS, fans, initial

SHAPES = [(300, 200), (64, 32, 5, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_fans_are_those_of_torch(shape: tuple[int, ...]) -> None:
    calculate = torch.nn.init._calculate_fan_in_and_fan_out
    assert fans(shape) == calculate(torch.empty(shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("glorot_uniform", torch.nn.init.xavier_uniform_, {}),
        ("glorot_normal", torch.nn.init.xavier_normal_, {}),
        ("he_uniform", torch.nn.init.kaiming_uniform_, {"nonlinearity": "relu"}),
        ("he_normal", torch.nn.init.kaiming_normal_, {"nonlinearity": "relu"}),
    ],
)
def test_draws_are_distributed_as_those_of_torch(
    name: str, theirs: object, options: dict, shape: tuple[int, ...]
) -> None:
    weight = initial(name, shape, 0, "float64")
    peer = theirs(torch.empty(shape), generator=torch.Generator().manual_seed(0), **options)
    # The standard deviation of n draws is off by 1/sqrt(2n), 0.4 % for 30,000 draws: four of that.
    assert weight.std() == pytest.approx(peer.std().item(), rel=0.02)
    assert abs(weight.mean()) < 4 * weight.std() / math.sqrt(weight.size)
    if "uniform" in name:
        # 30,000 uniform draws come within 0.1 % of their bound.
        assert np.abs(weight).max() == pytest.approx(peer.abs().max().item(), rel=1e-3)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (5, 2, 3, 3), (40, 2, 3, 3)])
def test_an_orthogonal_weight_has_orthonormal_rows_or_columns(shape: tuple[int, ...]) -> None:
    weight = initial("orthogonal", shape, 0, "float64").reshape(shape[0], -1)
    small = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    # Householder's QR is orthogonal to some roundings.
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-13)


def test_orthogonal_draws_favour_no_sign() -> None:
    rng = np.random.default_rng(0)
    traces = [np.trace(initial("orthogonal", (3, 3), rng, "float64")) for _ in range(2000)]
    # Uniform over the rotations and reflections the trace has mean 0 and variance 1; without the
    # sign of R's diagonal its mean is far below. Four standard errors.
    assert abs(np.mean(traces)) < 4 / math.sqrt(2000)
    assert np.var(traces) == pytest.approx(1, abs=0.15)


@given(st.sampled_from(sorted(INITIALISERS)), st.sampled_from(["float32", "float64"]))
def test_every_initialiser_gives_the_shape_and_precision_and_repeats_by_seed(
    name: str, dtype: str
) -> None:
    weight = initial(name, (4, 3, 2, 2), 5, dtype)
    assert weight.shape == (4, 3, 2, 2)
    assert weight.dtype == dtype
    np.testing.assert_array_equal(weight, initial(name, (4, 3, 2, 2), 5, dtype))


def test_a_shape_without_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape must be \(outputs, inputs, ...\), got \(4,\)"):
        initial("he_normal", (4,), 0)
