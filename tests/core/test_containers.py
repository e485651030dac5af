"""Sequential, residual and inception containers against torch and central differences."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from layer_oracle import (
    BY_STEPS,
    EXACT,
    Reference,
    arrays_of,
    draw,
    gap_to_autograd,
    gap_to_differences,
    precisions,
)
from torch import Tensor

from fwi.core.activations import ReLU, Sigmoid
from fwi.core.containers import Concat, Residual, Sequential
from fwi.core.convolution import Conv2d
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.normalisation import BatchNorm
from fwi.core.pooling import Flatten, MaxPool2d


def block(dtype: str) -> Layer:
    """Make a residual block with a shortcut, as between two stages of a ResNet."""
    rng = np.random.default_rng(0)
    body = Sequential(
        Conv2d(2, 3, 3, 2, 1, bias=False, rng=rng, dtype=dtype),
        BatchNorm(3, dtype=dtype),
        ReLU(),
        Conv2d(3, 3, 3, 1, 1, rng=rng, dtype=dtype),
    )
    return Sequential(Residual(body, Conv2d(2, 3, 1, 2, rng=rng, dtype=dtype)), Sigmoid())


def block_in_torch(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    body = F.conv2d(x, w["0.body.0.weight"], None, 2, 1)
    body = F.batch_norm(body, None, None, w["0.body.1.weight"], w["0.body.1.bias"], training=True)
    body = F.conv2d(F.relu(body), w["0.body.3.weight"], w["0.body.3.bias"], 1, 1)
    return torch.sigmoid(body + F.conv2d(x, w["0.shortcut.weight"], w["0.shortcut.bias"], 2))


def inception(dtype: str) -> Layer:
    """Make three branches of different channels, one without parameters."""
    rng = np.random.default_rng(0)
    branches = [
        Conv2d(2, 3, 1, rng=rng, dtype=dtype),
        Sequential(Conv2d(2, 4, 3, 1, 1, rng=rng, dtype=dtype), ReLU()),
        MaxPool2d(3, 1, 1),
    ]
    return Concat(branches)


def inception_in_torch(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    middle = F.relu(F.conv2d(x, w["1.0.weight"], w["1.0.bias"], 1, 1))
    return torch.cat([F.conv2d(x, w["0.weight"], w["0.bias"]), middle, F.max_pool2d(x, 3, 1, 1)], 1)


def identity(dtype: str) -> Layer:
    """Make a residual block around which x goes as it is."""
    return Sequential(Flatten(), Residual(Linear(60, 60, dtype=dtype)))


def identity_in_torch(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    flat = x.flatten(1)
    return flat + F.linear(flat, w["1.body.weight"], w["1.body.bias"])


CASES = {
    "residual": (block, block_in_torch),
    "inception": (inception, inception_in_torch),
    "identity": (identity, identity_in_torch),
}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(("make", "reference"), CASES.values(), ids=CASES)
def test_forward_and_backward_agree_with_torch(
    make: object, reference: Reference, batch: int, library: str
) -> None:
    assert gap_to_autograd(make("float64"), reference, draw(batch, 2, 6, 5), library) < EXACT


@pytest.mark.parametrize(("make", "reference"), CASES.values(), ids=CASES)
def test_derivatives_agree_with_central_differences(make: object, reference: Reference) -> None:
    assert gap_to_differences(make("float64"), draw(8, 2, 6, 5)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("make", "reference"), CASES.values(), ids=CASES)
def test_float32_stays_float32(make: object, reference: Reference, library: str) -> None:
    x = draw(4, 2, 6, 5).astype("float32")
    assert precisions(make("float32"), x, library) == {"float32"}


def test_walking_finds_every_parameter_by_its_path() -> None:
    assert set(arrays_of(block("float32"), "params")) == {
        "0.body.0.weight",
        "0.body.1.weight",
        "0.body.1.bias",
        "0.body.3.weight",
        "0.body.3.bias",
        "0.shortcut.weight",
        "0.shortcut.bias",
    }


def test_converting_forgets_the_pass_of_the_other_library() -> None:
    layer = Linear(2, 2, dtype="float64")
    layer.forward(draw(1, 2), training=True)
    layer.convert(torch.tensor)
    with pytest.raises(RuntimeError, match="backward must follow a forward pass in training"):
        layer.backward(torch.ones(1, 2))


def test_a_shortcut_of_another_shape_is_refused_not_broadcast() -> None:
    layer = Residual(Linear(4, 1, dtype="float64"))
    with pytest.raises(ValueError, match=r"shortcut's shape \(3, 4\), got \(3, 1\)"):
        layer.forward(draw(3, 4))


def test_no_branch_is_refused() -> None:
    with pytest.raises(ValueError, match="branches must be one or more layers, got none"):
        Concat([])


@pytest.mark.parametrize(
    "build",
    [
        lambda one: Sequential(one, Linear(4, 4), one),
        lambda one: Sequential(Sequential(one), one),
        lambda one: Residual(one, one),
        lambda one: Concat([one, one]),
    ],
)
def test_a_layer_in_two_places_is_refused(build: Callable[[Layer], Layer]) -> None:
    # It keeps one forward pass for `backward`: the other place would get its derivatives.
    with pytest.raises(ValueError, match=r"got the same ReLU as .* make one for each"):
        build(ReLU())
