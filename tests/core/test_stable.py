"""Exponentials without overflow, against torch and at the ends of float32 and float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fwi.core.stable import log_softmax, sigmoid, softmax, softplus

# A few roundings of float64, relative to the value.
ROUNDING = 1e-14

logits = arrays(np.float64, (3, 4), elements=st.floats(-800, 800, allow_subnormal=False))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (sigmoid, torch.sigmoid),
        (softplus, lambda z: -torch.nn.functional.logsigmoid(-z)),
        (lambda z: softmax(z, 1), lambda z: torch.softmax(z, 1)),
        (lambda z: log_softmax(z, 1), lambda z: torch.log_softmax(z, 1)),
    ],
)
@given(z=logits)
def test_values_agree_with_torch_on_both_kinds_of_array(
    ours: Callable, theirs: Callable, z: np.ndarray
) -> None:
    expected = theirs(torch.from_numpy(z)).numpy()
    # e^(z - log sum) carries the rounding of z - log sum, up to 1600, into the value.
    np.testing.assert_allclose(ours(z), expected, rtol=1600 * ROUNDING, atol=ROUNDING)
    np.testing.assert_array_equal(ours(torch.from_numpy(z)).numpy().shape, expected.shape)
    np.testing.assert_allclose(
        ours(torch.from_numpy(z)).numpy(), expected, rtol=1600 * ROUNDING, atol=ROUNDING
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [sigmoid, softplus, lambda z: softmax(z, 0)])
def test_huge_values_neither_overflow_nor_change_precision(function: Callable, dtype: str) -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = function(np.array([-1e30, -1e3, 0, 1e3, 1e30], dtype))
    assert y.dtype == dtype
    assert np.isfinite(y).all()


def test_softmax_sums_to_one_however_far_the_values_lie_from_zero() -> None:
    z = 1e6 + np.random.default_rng(0).normal(size=(50, 10))
    # A few roundings of 1, and none of the 1e6.
    np.testing.assert_allclose(softmax(z, 1).sum(1), 1, rtol=ROUNDING, atol=0)


def test_softplus_keeps_its_small_values() -> None:
    # log(1 + e^-40) = e^-40 to 17 digits; the plain formula gives 0.
    assert softplus(np.array([-40.0]))[0] == pytest.approx(np.exp(-40.0), rel=1e-15)
