"""Windows against torch's unfold, their transpose by the dot product, padding and cropping."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layer_oracle import draw, gap

from fwi.core.sliding import add_windows, crop, output_size, pad, windows

PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(kernel=PAIRS, stride=PAIRS)
def test_windows_are_those_of_torch_on_both_kinds_of_array(
    kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    x = torch.tensor(draw(2, 3, 7, 5))
    expected = x.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
    assert gap(windows(x, kernel, stride), expected) == 0
    assert gap(windows(x.numpy(), kernel, stride), expected) == 0


def test_windows_of_a_view_follow_its_strides() -> None:
    x = draw(7, 5, 3, 4).transpose(3, 2, 0, 1)[1:, ::2, 1:, :]
    expected = windows(np.ascontiguousarray(x), (2, 3), (2, 1))
    assert gap(windows(x, (2, 3), (2, 1)), expected) == 0
    there = torch.tensor(draw(7, 5, 3, 4)).permute(3, 2, 0, 1)[1:, ::2, 1:, :]
    assert gap(windows(there, (2, 3), (2, 1)), expected) == 0


@given(kernel=PAIRS, stride=PAIRS)
def test_adding_windows_up_is_the_transpose_of_taking_them(
    kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    x = draw(2, 3, 7, 5)
    seen = windows(x, kernel, stride)
    other = draw(*seen.shape, seed=1)
    ahead, back = (seen * other).sum(), (x * add_windows(other, (7, 5), stride)).sum()
    # Two orders of adding some thousand products of size 1.
    assert ahead == pytest.approx(back, abs=1e-11)


def test_cropping_takes_off_what_padding_put_on() -> None:
    x = draw(2, 3, 4, 5)
    framed = pad(x, (1, 2), -1.0)
    assert framed.shape == (2, 3, 6, 9)
    assert gap(crop(framed, (1, 2)), x) == 0
    assert framed.sum() == pytest.approx(x.sum() - (6 * 9 - 4 * 5) * 6, abs=1e-11)


def test_a_kernel_larger_than_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 9\) padded by \(0, 0\); enlarge x"):
        output_size((3, 9), (4, 2), (1, 1))
    assert output_size((3, 9), (4, 2), (2, 3), (1, 0)) == (1, 3)
