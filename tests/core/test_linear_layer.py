"""The linear layer against torch, central differences and its own promises."""

import numpy as np
import pytest
import torch
from layer_oracle import (
    BY_STEPS,
    EXACT,
    draw,
    gap,
    gap_to_autograd,
    gap_to_differences,
    gradients,
    precisions,
)
from torch.nn.functional import linear

from fwi.core.linear import Linear


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [1, 8])
def test_forward_and_backward_agree_with_torch(library: str, bias: bool, batch: int) -> None:
    layer = Linear(5, 3, bias, dtype="float64")

    def reference(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
        return linear(x, w["weight"], w.get("bias"))

    assert gap_to_autograd(layer, reference, draw(batch, 5), library) < EXACT


def test_derivatives_agree_with_central_differences() -> None:
    assert gap_to_differences(Linear(5, 3, dtype="float64"), draw(8, 5)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_float32_stays_float32(library: str) -> None:
    assert precisions(Linear(5, 3), draw(4, 5).astype("float32"), library) == {"float32"}


def test_a_batch_of_eight_copies_has_the_gradient_of_one() -> None:
    layer, x, target = Linear(5, 3, dtype="float64"), draw(1, 5), draw(1, 3, seed=2)
    one = gradients(layer, x, target)[2]
    eight = gradients(layer, np.tile(x, (8, 1)), np.tile(target, (8, 1)))[2]
    for name in ("weight", "bias"):
        assert gap(one[name], eight[name]) < EXACT


def test_a_second_backward_replaces_the_gradients() -> None:
    layer, x, target = Linear(5, 3, dtype="float64"), draw(2, 5), draw(2, 3, seed=2)
    first = gradients(layer, x, target)[2]
    assert gap(first["weight"], gradients(layer, x, target)[2]["weight"]) == 0


def test_one_generator_starts_no_two_layers_alike_and_one_seed_does() -> None:
    rng = np.random.default_rng(0)
    assert gap(Linear(4, 4, rng=rng).params["weight"], Linear(4, 4, rng=rng).params["weight"]) > 0
    assert gap(Linear(4, 4, rng=7).params["weight"], Linear(4, 4, rng=7).params["weight"]) == 0


def test_backward_without_a_forward_pass_in_training_says_so() -> None:
    layer = Linear(2, 2)
    layer.forward(np.ones((1, 2), "float32"))
    with pytest.raises(RuntimeError, match=r"call forward\(x, training=True\) first"):
        layer.backward(np.ones((1, 2), "float32"))


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.ones((4, 6), "float32"), ValueError, r"x must be \(n, 5\), got \(4, 6\)"),
        (np.ones(5, "float32"), ValueError, r"x must be \(n, 5\), got \(5,\)"),
        (np.ones((4, 5)), TypeError, "x must be float32 .* got float64"),
        (torch.ones(4, 5), TypeError, "x must be float32 .* got torch.float32"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(
    x: np.ndarray, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Linear(5, 3).forward(x)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"inputs": 0, "outputs": 1}, ValueError, "inputs must be at least 1, got 0"),
        ({"inputs": 1.5, "outputs": 1}, TypeError, "inputs must be a whole number, got 1.5"),
        ({"inputs": True, "outputs": 1}, TypeError, "inputs must be a whole number, got True"),
        ({"inputs": 2, "outputs": 1, "dtype": "float16"}, ValueError, "dtype must be float32 or"),
        ({"inputs": 2, "outputs": 1, "initialiser": "he_norm"}, KeyError, "did you mean 'he_"),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    arguments: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Linear(**arguments)
