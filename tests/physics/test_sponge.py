"""The damping strip against its formula and the numbers of docs/physics.md."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.sponge import damping, step_damping


def test_begins_with_an_undamped_cell() -> None:
    assert damping(1500.0, 10.0, 120)[0] == 0.0


def test_ends_at_three_halves_v_ln_1e7_over_the_thickness() -> None:
    # A = 119 cells of 10 m; rounding of a handful of float64 operations.
    expected = 3 * 1500 * math.log(1e7) / (2 * 1190)
    assert damping(1500.0, 10.0, 120)[-1] == pytest.approx(expected, rel=1e-14)


def test_halfway_is_a_quarter_of_the_end() -> None:
    rate = damping(1500.0, 10.0, 121)
    assert rate[60] == pytest.approx(rate[-1] / 4, rel=1e-14)  # rounding


@given(
    vmin=st.floats(500, 6000),
    dx=st.floats(1, 50),
    width=st.integers(2, 300),
)
def test_rises_outward_and_follows_the_slowest_velocity(vmin: float, dx: float, width: int) -> None:
    rate = damping(vmin, dx, width)
    assert rate.shape == (width,)
    assert (np.diff(rate) > 0).all()
    # Linear in vmin, inverse in dx; rounding of a handful of float64 operations.
    np.testing.assert_allclose(damping(2 * vmin, dx, width), 2 * rate, rtol=1e-13)
    np.testing.assert_allclose(damping(vmin, 2 * dx, width), rate / 2, rtol=1e-13)


def test_a_steps_damping_grows_outward_from_the_map_on_both_sides() -> None:
    geometry = AcquisitionGeometry(
        nz=3, nx=5, dt=2e-3, source_x=(0.0,), receiver_x=(0.0,), sponge_width=4
    )
    by_row, by_column = step_damping(1500.0, geometry)
    strip = damping(1500.0, 10.0, 4) * 2e-3
    np.testing.assert_array_equal(by_row, [*strip[::-1], *[0] * 3, *strip])
    np.testing.assert_array_equal(by_column, [*strip[::-1], *[0] * 5, *strip])
