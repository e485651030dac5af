"""Batch and layer normalisation against torch, in training and by running statistics."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from layer_oracle import (
    BY_STEPS,
    EXACT,
    LIBRARIES,
    draw,
    gap,
    gap_to_autograd,
    gap_to_differences,
    precisions,
    randomise,
)
from torch import Tensor

from fwi.core.normalisation import BatchNorm, LayerNorm

SHAPES = [(8, 3), (2, 3), (8, 3, 4, 5), (1, 3, 2, 1)]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_agrees_with_torch_in_training(shape: tuple[int, ...], library: str) -> None:
    def reference(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        return F.batch_norm(x, None, None, w["weight"], w["bias"], training=True, eps=1e-3)

    layer = BatchNorm(3, epsilon=1e-3, dtype="float64")
    assert gap_to_autograd(layer, reference, 2 + draw(*shape), library) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("shape", SHAPES)
def test_running_statistics_and_their_use_agree_with_torch(
    shape: tuple[int, ...], library: str
) -> None:
    change, layer = LIBRARIES[library], randomise(BatchNorm(3, 0.2, dtype="float64"))
    peer = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(
        3, momentum=0.2, dtype=torch.float64
    )
    peer.load_state_dict({key: torch.tensor(v) for key, v in layer.params.items()}, strict=False)
    layer.convert(change)
    for seed in range(5):
        x = 3 * draw(*shape, seed=seed) - 1
        layer.forward(change(x), training=True)
        peer(torch.tensor(x))
    assert gap(layer.state["running_mean"], peer.running_mean) < EXACT
    assert gap(layer.state["running_var"], peer.running_var) < EXACT
    assert gap(layer.forward(change(x)), peer.eval()(torch.tensor(x))) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 8])
def test_layer_norm_agrees_with_torch(axes: int, batch: int, library: str) -> None:
    shape = (3, 4, 5)[-axes:]

    def reference(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        return F.layer_norm(x, shape, w["weight"], w["bias"], eps=1e-3)

    layer = LayerNorm(shape, epsilon=1e-3, dtype="float64")
    assert gap_to_autograd(layer, reference, 2 + draw(batch, 3, 4, 5), library) < EXACT


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 4, 5)])
def test_derivatives_agree_with_central_differences(shape: tuple[int, ...]) -> None:
    assert gap_to_differences(BatchNorm(3, dtype="float64"), draw(*shape)) < BY_STEPS
    assert gap_to_differences(LayerNorm(shape[1:], dtype="float64"), draw(*shape)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_float32_stays_float32(library: str) -> None:
    x = draw(4, 3, 2, 2).astype("float32")
    assert precisions(BatchNorm(3), x, library) == {"float32"}
    assert precisions(LayerNorm(2), x, library) == {"float32"}


def test_a_feature_that_never_changes_gives_its_bias_not_nan() -> None:
    layer = randomise(BatchNorm(2, dtype="float64"))
    y = layer.forward(np.full((4, 2), 7.0), training=True)
    assert gap(y, np.tile(layer.params["bias"], (4, 1))) == 0


def test_one_value_a_feature_is_refused_in_training_only() -> None:
    layer, x = BatchNorm(3, dtype="float64"), draw(1, 3)
    with pytest.raises(ValueError, match=r"two or more values a feature in training, got \(1, 3\)"):
        layer.forward(x, training=True)
    # Running mean 0 and variance 1 at the start: x itself but for epsilon.
    assert gap(layer.forward(x), x / np.sqrt(1 + 1e-5)) < EXACT


def test_other_numbers_of_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"x must be \(n, 3, n, n\), got \(4, 2, 5, 5\)"):
        BatchNorm(3, dtype="float64").forward(draw(4, 2, 5, 5))
    with pytest.raises(ValueError, match=r"x must be \(n, 3\), got \(3,\)"):
        LayerNorm(3, dtype="float64").forward(draw(3))
