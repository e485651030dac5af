"""The four cross-correlations against each other and torch, and the rule that chooses."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from layer_oracle import LIBRARIES, Values, draw, gap

from fwi.core.correlations import METHODS, choose_method, correlation

# The promise for float64, of sums of at most some thousand values of size 1.
ALIKE = 1e-12

Shape = tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]


@st.composite
def shapes(draw_from: st.DrawFn) -> Shape:
    """A padded x (N, C, H, W), w (K, C, R, S) that fits, and a stride."""
    size = st.integers(1, 4)
    n, c, k = draw_from(size), draw_from(size), draw_from(size)
    r, s = draw_from(st.integers(1, 5)), draw_from(st.integers(1, 5))
    h, w = r + draw_from(st.integers(0, 6)), s + draw_from(st.integers(0, 6))
    return (n, c, h, w), (k, c, r, s), (draw_from(size), draw_from(size))


def results(name: str, shape: Shape, library: str) -> tuple[Values, ...]:
    """Give y, dL/dx and dL/dw for dL/dy drawn at random."""
    change, stride = LIBRARIES[library], shape[2]
    x, weight = change(draw(*shape[0])), change(draw(*shape[1], seed=1))
    way = correlation(name)
    y = way.forward(x, weight, stride)
    return (y, *way.backward(x, weight, change(draw(*y.shape, seed=2)), stride))


def results_of_torch(shape: Shape) -> tuple[torch.Tensor, ...]:
    x = torch.tensor(draw(*shape[0]), requires_grad=True)
    weight = torch.tensor(draw(*shape[1], seed=1), requires_grad=True)
    y = F.conv2d(x, weight, stride=shape[2])
    gradient = torch.tensor(draw(*y.shape, seed=2))
    return (y, *torch.autograd.grad(y, (x, weight), gradient))


@pytest.mark.parametrize("library", ["numpy", "torch"])
@given(shape=shapes())
def test_the_four_agree_with_each_other_and_with_torch(library: str, shape: Shape) -> None:
    found = [results(name, shape, library) for name in METHODS] + [results_of_torch(shape)]
    for one, other in itertools.combinations(found, 2):
        for ours, theirs in zip(one, other, strict=True):
            assert gap(ours, theirs) < ALIKE


@pytest.mark.parametrize("name", METHODS)
def test_a_kernel_as_large_as_the_map_gives_the_dot_product(name: str) -> None:
    y, image, kernel = results(name, ((2, 3, 4, 5), (6, 3, 4, 5), (1, 1)), "numpy")
    x, weight, gradient = draw(2, 3, 4, 5), draw(6, 3, 4, 5, seed=1), draw(2, 6, 1, 1, seed=2)
    assert gap(y[..., 0, 0], x.reshape(2, -1) @ weight.reshape(6, -1).T) < ALIKE
    assert gap(kernel, np.tensordot(gradient[..., 0, 0].T, x, 1)) < ALIKE
    assert gap(image, np.tensordot(gradient[..., 0, 0], weight, 1)) < ALIKE


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", METHODS)
def test_float32_stays_float32_and_close_to_float64(name: str, library: str) -> None:
    change, way = LIBRARIES[library], METHODS[name]
    x, weight, gradient = draw(2, 3, 8, 8), draw(4, 3, 3, 3, seed=1), draw(2, 4, 6, 6, seed=2)
    small = [change(v.astype("float32")) for v in (x, weight, gradient)]
    exact = (way.forward(x, weight, (1, 1)), *way.backward(x, weight, gradient, (1, 1)))
    found = (way.forward(*small[:2], (1, 1)), *way.backward(*small, (1, 1)))
    for ours, theirs in zip(found, exact, strict=True):
        assert str(ours.dtype).endswith("float32")
        # Sums of up to 72 products of size 1, each rounded at 1e-7.
        np.testing.assert_allclose(np.asarray(ours), theirs, atol=3e-5)


def test_small_kernels_and_strides_take_columns_and_large_kernels_spectra() -> None:
    assert choose_method((10, 3, 7, 7), (1, 1)) == "im2col"
    assert choose_method((10, 3, 31, 31), (1, 1)) == "fft"
    assert choose_method((10, 3, 31, 31), (2, 1)) == "im2col"


def test_an_unknown_method_is_refused_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'im2col'"):
        correlation("im2row")
