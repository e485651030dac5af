"""The largest time step: a run just below it stays bounded, one just above it is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import check_stable, max_stable_dt, max_stable_velocity
from fwi.physics.simulator import simulate

SMALL = AcquisitionGeometry(
    nz=20, nx=20, source_x=(50.0,), receiver_x=(0.0, 100.0), sponge_width=20, nt=2000
)


def limit(velocity: float, geometry: AcquisitionGeometry) -> float:
    """Give the largest stable step of a constant map."""
    strongest = damping(velocity, geometry.dx, geometry.sponge_width)[-1]
    return max_stable_dt(velocity, geometry.dx, strongest)


def test_undamped_limit_is_the_courant_number_of_the_scheme() -> None:
    # (v dt / dx)^2 times the stencil's spectral bound 32/3 may reach the leapfrog's 4.
    assert max_stable_dt(4500.0, 10.0) * 450 == pytest.approx(math.sqrt(3 / 8), rel=1e-14)


def test_limit_is_where_the_fastest_oscillation_reaches_the_unit_circle() -> None:
    """The roots of z^2 - (2 - k - a L) z + (1 - k), for the checkerboard, L = 32/3, and D = 91."""
    rate = 91.0
    for part, stable in ((0.999, True), (1.001, False)):
        dt = part * max_stable_dt(4500.0, 10.0, rate)
        k, al = rate * dt, (4500 * dt / 10) ** 2 * 32 / 3
        radius = np.abs(np.roots([1, -(2 - k - al), 1 - k])).max()
        assert (radius < 1) == stable


@pytest.mark.parametrize("width", [20, 120])
def test_just_below_the_limit_stays_bounded(width: int) -> None:
    """2000 steps near the limit.

    An instability of one part in a hundred a step would have grown rounding noise, 1e-16 of the
    peak, by 1e8 at least; the damped field has all but left the map by then.
    """
    geometry = replace(SMALL, sponge_width=width)
    geometry = replace(geometry, dt=0.9999 * limit(4500.0, geometry))
    gathers = simulate(np.full((1, 20, 20), 4500.0), geometry, threads=1)
    peak, end = np.abs(gathers).max(), np.abs(gathers[:, :, -100:]).max()
    # A source adds (v dt)^2 of 40 at most a step: what stays bounded is of that size.
    assert peak < 100
    assert end < 1e-3 * peak


def test_just_above_the_limit_is_refused_and_the_limit_named() -> None:
    largest = limit(4500.0, SMALL)
    with pytest.raises(ValueError, match=f"dt must be at most {largest:.6g} s"):
        simulate(np.full((1, 20, 20), 4500.0), replace(SMALL, dt=1.0001 * largest))


def test_one_unstable_map_of_a_batch_is_refused() -> None:
    velocity = np.full((2, 20, 20), 1500.0)
    velocity[1, 10, 10] = 9000.0
    with pytest.raises(ValueError, match="for 9000 m/s on 10 m cells"):
        simulate(velocity, SMALL)


@given(
    vmax=st.floats(300, 9000),
    dx=st.floats(1, 50),
    rate=st.floats(0, 500),
)
def test_limit_shrinks_with_velocity_and_damping(vmax: float, dx: float, rate: float) -> None:
    largest = max_stable_dt(vmax, dx, rate)
    assert 0 < largest <= max_stable_dt(vmax, dx)
    assert max_stable_dt(1.01 * vmax, dx, rate) < largest
    assert max_stable_dt(vmax, dx, rate + 1) < largest
    check_stable(vmax, dx, largest, rate)
    with pytest.raises(ValueError, match="dt must be at most"):
        check_stable(vmax, dx, 1.001 * largest, rate)


@pytest.mark.parametrize("rate", [0.0, 70.0])
def test_the_largest_velocity_is_that_of_the_largest_step(rate: float) -> None:
    dt = max_stable_dt(4500.0, 10.0, rate)
    # The two formulas are one quadratic, solved for either side: rounding alone.
    assert max_stable_velocity(10.0, dt, rate * dt) == pytest.approx(4500.0, rel=1e-12)
