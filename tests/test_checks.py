"""The checks of what comes in, and what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fwi.checks import (
    check_finite,
    check_float,
    check_gathers,
    check_shape,
    check_velocity,
)


def test_shape_says_expected_got_and_fix() -> None:
    with pytest.raises(ValueError, match=r"^maps must be \(n, 7\), got \(3, 8\); transpose$"):
        check_shape("maps", np.zeros((3, 8)), (None, 7), "transpose")


@pytest.mark.parametrize("shape", [(7,), (2, 3, 7), (0, 7), (3, 0)])
def test_shape_refuses_other_ranks_and_empty_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_shape("maps", np.zeros(shape), (None, 7))


def test_shape_accepts_any_size_where_none_is_given() -> None:
    check_shape("maps", np.zeros((3, 7)), (None, 7))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.complex64, bool, "S3", "M8[s]"])
def test_float_refuses_other_dtypes(dtype: str) -> None:
    with pytest.raises(TypeError, match="float16, float32 or float64, got"):
        check_float("maps", np.dtype(dtype))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@given(data=st.data())
def test_finite_counts_and_places_bad_values(bad: float, data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=5))
    array = np.zeros(shape, data.draw(st.sampled_from([np.float16, np.float32, np.float64])))
    place = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    array[place] = bad
    with pytest.raises(ValueError, match="got 1 NaN or infinite values") as refused:
        check_finite("maps", array)
    assert f"first at {place};" in str(refused.value)


def test_infinities_of_both_signs_do_not_cancel() -> None:
    with pytest.raises(ValueError, match="got 2 NaN or infinite"):
        check_finite("maps", np.array([np.inf, -np.inf]))


def test_finite_accepts_values_whose_sum_overflows() -> None:
    check_finite("maps", np.full(10, np.finfo(np.float64).max))
    check_finite("maps", np.full(10, np.finfo(np.float16).max, np.float16))


@pytest.mark.parametrize("lowest", [0.0, -1500.0])
def test_velocity_must_be_positive(lowest: float) -> None:
    velocity = np.full((2, 4, 4), 2000.0)
    velocity[1, 2, 3] = lowest
    with pytest.raises(ValueError, match=f"positive, in m/s, got a minimum of {lowest:g}"):
        check_velocity(velocity, 4, 4)


def test_a_single_map_is_told_of_the_batch_axis() -> None:
    with pytest.raises(ValueError, match=r"got \(4, 4\); add a batch axis"):
        check_velocity(np.ones((4, 4)), 4, 4)


def test_a_single_sample_of_gathers_is_told_of_the_batch_axis() -> None:
    with pytest.raises(ValueError, match=r"got \(5, 9, 4\); add a batch axis"):
        check_gathers(np.ones((5, 9, 4)), 5, 9, 4)


def test_gathers_of_other_kinds_are_refused() -> None:
    check_gathers(np.ones((2, 5, 9, 4), np.float16), 5, 9, 4)
    with pytest.raises(TypeError, match="got int64"):
        check_gathers(np.ones((2, 5, 9, 4), np.int64), 5, 9, 4)
    with pytest.raises(ValueError, match=r"\(n, 5, 9, 4\), got \(2, 6, 9, 4\)"):
        check_gathers(np.ones((2, 6, 9, 4)), 5, 9, 4)
    with pytest.raises(ValueError, match="finite"):
        check_gathers(np.full((2, 5, 9, 4), np.nan), 5, 9, 4)
