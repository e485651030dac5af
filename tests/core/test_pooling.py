"""Pooling and flattening against torch, central differences and their own promises."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
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

from fwi.core.layer import Layer
from fwi.core.pooling import AvgPool2d, Flatten, GlobalAvgPool, MaxPool2d

Options = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@st.composite
def poolings(draw_from: st.DrawFn) -> Options:
    """Kernel, stride and padding down and across, the padding at most half the kernel."""
    sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))
    kernel, stride = draw_from(sizes), draw_from(sizes)
    padding = tuple(draw_from(st.integers(0, k // 2)) for k in kernel)
    return kernel, stride, (padding[0], padding[1])


def max_pool(options: Options) -> tuple[Layer, Reference]:
    return MaxPool2d(*options), lambda x, w: F.max_pool2d(x, *options)


def avg_pool(options: Options) -> tuple[Layer, Reference]:
    return AvgPool2d(*options), lambda x, w: F.avg_pool2d(x, *options)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("pool", [max_pool, avg_pool])
@given(options=poolings(), batch=st.sampled_from([1, 8]))
def test_pooling_agrees_with_torch(
    pool: object, library: str, options: Options, batch: int
) -> None:
    layer, reference = pool(options)
    assert gap_to_autograd(layer, reference, draw(batch, 2, 7, 6), library) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_of_equal_maxima_the_first_is_chosen_as_in_torch(library: str) -> None:
    x = np.random.default_rng(0).integers(0, 2, (8, 2, 7, 6)).astype("float64")
    layer = MaxPool2d(3, 2, 1)
    assert gap_to_autograd(layer, lambda there, w: F.max_pool2d(there, 3, 2, 1), x, library) < EXACT


def test_flatten_agrees_with_torch() -> None:
    x = draw(8, 2, 3, 4)
    for library in ("numpy", "torch"):
        assert gap_to_autograd(Flatten(), lambda there, w: there.flatten(1), x, library) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("size", [(1, 1), (3, 4), (7, 2)])
def test_the_mean_over_maps_of_any_size_agrees_with_torch(
    size: tuple[int, int], library: str
) -> None:
    def reference(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    assert gap_to_autograd(GlobalAvgPool(), reference, draw(8, 2, *size), library) < EXACT


LAYERS = {
    "max": MaxPool2d(3, 2, 1),
    "avg": AvgPool2d((2, 3)),
    "mean": GlobalAvgPool(),
    "flatten": Flatten(),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_derivatives_agree_with_central_differences(layer: Layer) -> None:
    assert gap_to_differences(layer, draw(8, 2, 7, 6)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_float32_stays_float32(layer: Layer, library: str) -> None:
    assert precisions(layer, draw(4, 2, 7, 6).astype("float32"), library) == {"float32"}


def test_the_stride_is_the_kernel_unless_given() -> None:
    assert MaxPool2d((2, 3)).forward(draw(1, 1, 8, 9)).shape == (1, 1, 4, 3)


def test_average_pooling_keeps_a_constant_and_the_gradient_its_sum() -> None:
    layer, ones = AvgPool2d(2), np.ones((2, 3, 6, 4))
    assert gap(layer.forward(ones, training=True), np.ones((2, 3, 3, 2))) == 0
    gradient = draw(2, 3, 3, 2)
    # Sums of 144 values against one of 36: some roundings.
    assert layer.backward(gradient).sum() == pytest.approx(gradient.sum(), abs=1e-12)


def test_nan_in_a_window_is_handed_on() -> None:
    x = np.ones((1, 1, 2, 2))
    x[0, 0, 1, 0] = np.nan
    assert np.isnan(MaxPool2d(2).forward(x)).all()
    assert torch.isnan(MaxPool2d(2).forward(torch.tensor(x))).all()


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"padding must be at most half the kernel \(3, 3\)"):
        MaxPool2d(3, 1, 2)
    with pytest.raises(ValueError, match=r"at least as large as the kernel \(4, 4\), got \(3, 5\)"):
        AvgPool2d(4).forward(draw(1, 1, 3, 5))
    with pytest.raises(ValueError, match=r"x must be \(n, n, n, n\), got \(4, 4\)"):
        AvgPool2d(2).forward(draw(4, 4))
    with pytest.raises(ValueError, match=r"x must be \(n, n, n, n\), got \(4, 4\)"):
        GlobalAvgPool().forward(draw(4, 4))
    with pytest.raises(ValueError, match="kernel must be one or two numbers"):
        MaxPool2d((2, 2, 2))
