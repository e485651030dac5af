"""Clipping against torch's, and by its own definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.core.clipping import clip_by_norm, clip_by_value, gradient_norm
from fwi.core.containers import Sequential
from fwi.core.linear import Linear

LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}


def with_gradients(size: float = 1.0, library: str = "numpy", seed: int = 0) -> Sequential:
    rng = np.random.default_rng(seed)
    layer = Sequential(Linear(3, 4, dtype="float64"), Linear(4, 2, dtype="float64"))
    for part in layer.layers:
        part.grads = {
            key: LIBRARIES[library](size * rng.normal(size=value.shape))
            for key, value in part.params.items()
        }
    return layer


def gradients(layer: Sequential) -> list[Any]:
    return [np.asarray(grads[name]) for _, grads, name in layer.entries("grads")]


def torch_parameters(layer: Sequential) -> list[torch.Tensor]:
    parameters = []
    for gradient in gradients(layer):
        parameters.append(torch.zeros(gradient.shape, dtype=torch.float64))
        parameters[-1].grad = torch.tensor(gradient)
    return parameters


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("limit", [0.1, 1.0, 1e3])
def test_clipping_by_norm_is_torchs(limit: float, library: str) -> None:
    layer = with_gradients(3.0, library)
    oracle = torch_parameters(layer)
    expected = torch.nn.utils.clip_grad_norm_(oracle, limit)
    # One factor of values of order 1; the norms differ by the order of their sum.
    assert clip_by_norm(layer, limit) == pytest.approx(float(expected), rel=1e-14)
    for got, parameter in zip(gradients(layer), oracle, strict=True):
        np.testing.assert_allclose(got, parameter.grad.numpy(), rtol=1e-14, atol=0)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("limit", [0.1, 1.0, 1e3])
def test_clipping_by_value_is_torchs(limit: float, library: str) -> None:
    layer = with_gradients(3.0, library)
    oracle = torch_parameters(layer)
    torch.nn.utils.clip_grad_value_(oracle, limit)
    clip_by_value(layer, limit)
    for got, parameter in zip(gradients(layer), oracle, strict=True):
        np.testing.assert_array_equal(got, parameter.grad.numpy())


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-8, 1e8), limit=st.floats(1e-6, 1e6))
def test_clipped_gradients_keep_their_direction_and_are_no_longer_than_the_limit(
    seed: int, size: float, limit: float
) -> None:
    layer = with_gradients(size, seed=seed)
    before = np.concatenate([g.ravel() for g in gradients(layer)])
    norm = clip_by_norm(layer, limit)
    after = np.concatenate([g.ravel() for g in gradients(layer)])
    # Rounding of a norm and of one product.
    assert gradient_norm(layer) <= limit * (1 + 1e-12)
    assert norm == pytest.approx(float(np.linalg.norm(before)), rel=1e-12)
    factor = np.linalg.norm(after) / np.linalg.norm(before)
    np.testing.assert_allclose(after, before * factor, rtol=1e-12)


def test_gradients_of_zero_stay_zero() -> None:
    layer = with_gradients(0.0)
    assert clip_by_norm(layer, 1.0) == 0
    assert all((g == 0).all() for g in gradients(layer))


def test_float32_gradients_stay_float32() -> None:
    layer = with_gradients(5.0)
    for part in layer.layers:
        part.grads = {key: value.astype(np.float32) for key, value in part.grads.items()}
    clip_by_norm(layer, 1.0)
    clip_by_value(layer, 0.1)
    assert {g.dtype for g in gradients(layer)} == {np.dtype(np.float32)}


def test_a_gradient_that_is_not_finite_cannot_be_clipped_by_norm() -> None:
    layer = with_gradients()
    layer.layers[0].grads["bias"][0] = np.nan
    with pytest.raises(FloatingPointError, match="norm of the gradients must be finite, got nan"):
        clip_by_norm(layer, 1.0)


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_must_be_positive(clip: Any, limit: float) -> None:
    with pytest.raises(ValueError, match="limit must be above 0"):
        clip(with_gradients(), limit)
