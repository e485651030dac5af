"""The convolution layer against torch, central differences, and its limit of memory."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
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

from fwi.core import convolution
from fwi.core.convolution import Conv2d
from fwi.core.correlations import METHODS

PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("method", [None, *METHODS])
@given(
    kernel=PAIRS,
    stride=PAIRS,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    bias=st.booleans(),
    batch=st.sampled_from([1, 8]),
)
def test_forward_and_backward_agree_with_torch(
    method: str | None,
    library: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    bias: bool,
    batch: int,
) -> None:
    layer = Conv2d(2, 3, kernel, stride, padding, bias, method=method, dtype="float64")

    def reference(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
        return F.conv2d(x, w["weight"], w.get("bias"), stride, padding)

    assert gap_to_autograd(layer, reference, draw(batch, 2, 6, 5), library) < EXACT


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_agree_with_central_differences(method: str) -> None:
    layer = Conv2d(2, 3, (3, 2), (2, 1), 1, method=method, dtype="float64")
    assert gap_to_differences(layer, draw(8, 2, 6, 5)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(method: str, library: str) -> None:
    x = draw(4, 2, 6, 5).astype("float32")
    assert precisions(Conv2d(2, 3, 3, method=method), x, library) == {"float32"}


def test_a_batch_of_eight_copies_has_the_gradient_of_one() -> None:
    layer = Conv2d(2, 3, 3, dtype="float64")
    x, target = draw(1, 2, 6, 5), draw(1, 3, 4, 3, seed=2)
    one = gradients(layer, x, target)[2]
    eight = gradients(layer, np.repeat(x, 8, 0), np.repeat(target, 8, 0))[2]
    for name in ("weight", "bias"):
        assert gap(one[name], eight[name]) < EXACT


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("limit", [1, 20_000])
def test_parts_of_a_batch_give_what_the_whole_gives(
    method: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = Conv2d(2, 3, 3, padding=1, method=method, dtype="float64"), draw(7, 2, 9, 8)
    target = draw(7, 3, 9, 8, seed=2)
    whole = gradients(layer, x, target)
    monkeypatch.setattr(convolution, "WINDOW_BYTES", limit)
    pieces = gradients(layer, x, target)
    assert gap(whole[0], pieces[0]) < EXACT
    assert gap(whole[1], pieces[1]) < EXACT
    assert gap(whole[2]["weight"], pieces[2]["weight"]) < EXACT


@pytest.mark.parametrize("method", METHODS)
def test_the_windows_of_a_large_batch_are_never_held_at_once(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2**20
    monkeypatch.setattr(convolution, "WINDOW_BYTES", limit)
    layer, x = Conv2d(3, 2, 7, padding=3, method=method), draw(64, 3, 32, 32).astype("float32")
    all_windows = x.nbytes * 7 * 7
    tracemalloc.start()
    try:
        y = layer.forward(x, training=True)
        image = layer.backward(y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Windows, their derivative, and a copy of either for a matrix product or a transform.
    bound = y.nbytes + image.nbytes + 4 * limit
    assert bound < all_windows / 5
    assert peak < bound


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((4, 3, 6, 5), r"x must be \(n, 2, n, n\), got \(4, 3, 6, 5\)"),
        ((2, 6, 5), r"x must be \(n, 2, n, n\), got \(2, 6, 5\)"),
        ((4, 2, 2, 5), r"as large as the kernel \(3, 3\), got \(2, 5\) padded by \(0, 0\)"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Conv2d(2, 3, 3, dtype="float64").forward(draw(*shape))


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="padding must be at least 0, got -1"):
        Conv2d(2, 3, 3, padding=-1)
    with pytest.raises(ValueError, match=r"kernel must be one or two numbers, got \(3, 3, 3\)"):
        Conv2d(2, 3, (3, 3, 3))
    with pytest.raises(TypeError, match=r"stride must be a whole number, got 1\.5"):
        Conv2d(2, 3, 3, stride=1.5)
    with pytest.raises(KeyError, match="method must be a known name, got 'gemm'"):
        Conv2d(2, 3, 3, method="gemm")
