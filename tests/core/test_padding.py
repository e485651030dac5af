"""Zeros around maps against torch, central differences and what is refused."""

import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from layer_oracle import (
    BY_STEPS,
    EXACT,
    draw,
    gap_to_autograd,
    gap_to_differences,
    precisions,
)

from fwi.core.padding import ZeroPad

THREE = st.tuples(*[st.integers(0, 3)] * 3)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@given(before=THREE, after=THREE)
def test_padding_agrees_with_torch(
    before: tuple[int, int, int], after: tuple[int, int, int], library: str
) -> None:
    # torch asks for the last axis first.
    ends = [n for pair in reversed(list(zip(before, after, strict=True))) for n in pair]
    layer = ZeroPad(before, after)
    assert gap_to_autograd(layer, lambda x, w: F.pad(x, ends), draw(2, 3, 4, 5), library) < EXACT


def test_derivatives_agree_with_central_differences() -> None:
    assert gap_to_differences(ZeroPad((1, 0, 2), (0, 3, 1)), draw(8, 2, 3, 4)) < BY_STEPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_float32_stays_float32(library: str) -> None:
    x = draw(4, 2, 3, 3).astype("float32")
    assert precisions(ZeroPad((1, 1, 1)), x, library) == {"float32"}


def test_what_is_no_number_of_zeros_is_refused() -> None:
    with pytest.raises(ValueError, match=r"before must be three numbers, got \(1, 1\)"):
        ZeroPad((1, 1))
    with pytest.raises(ValueError, match="after must be at least 0, got -1"):
        ZeroPad(after=(0, -1, 0))
    with pytest.raises(TypeError, match=r"before must be a whole number, got 0\.5"):
        ZeroPad((0, 0.5, 0))
    with pytest.raises(ValueError, match=r"x must be \(n, n, n, n\), got \(2, 3\)"):
        ZeroPad().forward(draw(2, 3))
