"""Activations and dropout against torch, central differences and their own promises."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from layer_oracle import (
    BY_STEPS,
    EXACT,
    Reference,
    draw,
    gap,
    gap_to_autograd,
    gap_to_differences,
    precisions,
)

from fwi.core.activations import Dropout, LeakyReLU, ReLU, Sigmoid, Softmax
from fwi.core.layer import Layer

CASES: dict[str, tuple[Layer, Reference]] = {
    "relu": (ReLU(), lambda x, w: F.relu(x)),
    "leaky": (LeakyReLU(0.1), lambda x, w: F.leaky_relu(x, 0.1)),
    "sigmoid": (Sigmoid(), lambda x, w: torch.sigmoid(x)),
    "softmax": (Softmax(), lambda x, w: F.softmax(x, -1)),
    "softmax of channels": (Softmax(axis=1), lambda x, w: F.softmax(x, 1)),
}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shape", [(8, 5), (1, 3, 4, 2)])
def test_forward_and_backward_agree_with_torch(
    case: str, library: str, shape: tuple[int, ...]
) -> None:
    layer, reference = copy.deepcopy(CASES[case])
    assert gap_to_autograd(layer, reference, draw(*shape), library) < EXACT


@pytest.mark.parametrize("case", CASES)
def test_derivatives_agree_with_central_differences(case: str) -> None:
    assert gap_to_differences(copy.deepcopy(CASES[case][0]), draw(8, 3, 4)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("layer", [*(layer for layer, _ in CASES.values()), Dropout(0.3)])
def test_float32_stays_float32(layer: Layer, library: str) -> None:
    x = draw(8, 5).astype("float32")
    assert precisions(copy.deepcopy(layer), x, library) == {"float32"}


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), Sigmoid(), Softmax()])
def test_nan_is_handed_on(layer: Layer) -> None:
    assert np.isnan(layer.forward(np.array([[np.nan, np.nan]]))).all()


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_dropout_agrees_with_torch_under_the_same_mask(library: str) -> None:
    layer, x = Dropout(0.4, rng=3), draw(8, 3, 4)
    mask = torch.tensor(copy.deepcopy(layer).forward(np.ones_like(x), training=True))
    assert gap_to_autograd(layer, lambda there, w: there * mask, x, library) < EXACT
    assert gap_to_differences(Dropout(0.4, rng=3), x) < BY_STEPS


def test_dropout_sets_its_part_to_zero_and_enlarges_the_others() -> None:
    y = Dropout(0.25, rng=0).forward(np.ones((100, 400)), training=True)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    # 40,000 draws: four standard errors of a part of 0.25.
    assert np.mean(y == 0) == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 40_000))


def test_dropout_draws_anew_each_time_and_again_from_its_seed() -> None:
    layer, x = Dropout(0.5, rng=1), np.ones((4, 50))
    first, second = layer.forward(x, training=True), layer.forward(x, training=True)
    assert gap(first, second) > 0
    assert gap(Dropout(0.5, rng=1).forward(x, training=True), first) == 0


def test_dropout_leaves_values_alone_out_of_training_and_at_rate_zero() -> None:
    x = draw(4, 5)
    assert gap(Dropout(0.5).forward(x), x) == 0
    assert gap(Dropout(0.0).forward(x, training=True), x) == 0


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_a_rate_that_keeps_nothing_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be from 0 to below 1, got"):
        Dropout(rate)
