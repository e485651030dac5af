"""Derivatives of the gathers against a complex-step derivative of a plain NumPy loop."""

import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import numpy_derivative, numpy_gathers, white, worst
from scipy.ndimage import gaussian_filter

from fwi import families
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.physics.kernel.operator import KernelOperator
from fwi.physics.simulator import linearize

Array = npt.NDArray[np.floating]

# The pulse is over after 147 samples; a wave crosses this map and its sponge a few times in 300.
GEOMETRY = AcquisitionGeometry(
    nz=22,
    nx=27,
    nt=300,
    source_x=(0.0, 170.0),
    receiver_x=tuple(10.0 * i for i in range(27)),
    sponge_width=30,
)
MEMORY = 200.0


def random_map(geometry: AcquisitionGeometry, seed: int = 8) -> Array:
    """White noise between 1500 and 4500 m/s, (nz, nx)."""
    return np.random.default_rng(seed).uniform(1500, 4500, (geometry.nz, geometry.nx))


def smooth_map(geometry: AcquisitionGeometry, seed: int = 8) -> Array:
    """Hills of some four cells between 1500 and 4500 m/s, (nz, nx)."""
    noise = np.random.default_rng(seed).standard_normal((geometry.nz, geometry.nx))
    hills = gaussian_filter(noise, 4)
    return 1500 + 3000 * (hills - hills.min()) / np.ptp(hills)


def product_error(velocity: Array, geometry: AcquisitionGeometry) -> float:
    """Difference of <J dv, r>, J dv by the oracle, and <dv, J^T r>, in |J dv| |r|."""
    direction, residual = white(velocity.shape, 1), white(geometry.gather_shape, 2)
    change = numpy_derivative(velocity, direction, geometry, velocity.min())
    linear = linearize(velocity[None], geometry, threads=1, memory=MEMORY)
    gradient = linear.vjp(residual[None])[0]
    size = np.linalg.norm(change) * np.linalg.norm(residual)
    return float(abs((change * residual).sum() - (gradient * direction).sum()) / size)


@pytest.fixture(params=[random_map, smooth_map], ids=["random", "smooth"])
def velocity(request: pytest.FixtureRequest) -> Array:
    make: Callable[[AcquisitionGeometry], Array] = request.param
    return make(GEOMETRY)


def test_tangent_is_the_derivative_of_the_numpy_loop(velocity: Array) -> None:
    direction = white(velocity.shape, 1)
    change = linearize(velocity[None], GEOMETRY, threads=1).jvp(direction[None])[0]
    expected = numpy_derivative(velocity, direction, GEOMETRY, velocity.min())
    # Measured 4e-14: rounding, of 300 steps, on both sides.
    assert worst(change, expected) < 1e-12


def test_adjoint_is_the_transpose_of_the_tangent(velocity: Array) -> None:
    direction, residual = white((1, *velocity.shape), 1), white((1, *GEOMETRY.gather_shape), 2)
    linear = linearize(velocity[None], GEOMETRY, threads=1, memory=MEMORY)
    forward = (linear.jvp(direction) * residual).sum()
    backward = (direction * linear.vjp(residual)).sum()
    # Measured 3e-14: rounding.
    assert backward == pytest.approx(forward, rel=1e-10)


def test_adjoint_is_the_transpose_of_the_numpy_loops_derivative(velocity: Array) -> None:
    # Measured 1e-15: rounding.
    assert product_error(velocity, GEOMETRY) < 1e-12


def test_gradient_along_the_sponges_velocity_is_that_of_the_numpy_loop(velocity: Array) -> None:
    residual = white(GEOMETRY.gather_shape, 2)
    still = np.zeros_like(velocity)
    expected = numpy_derivative(velocity, still, GEOMETRY, velocity.min(), vmin_direction=1.0)
    linear = linearize(velocity[None], GEOMETRY, threads=1)
    # Measured 1e-13 both: rounding of what the sponge sends back, 1e-5 of the gathers a m/s.
    assert worst(linear.jvp(still[None], np.ones(1))[0], expected) < 1e-11
    product = (expected * residual).sum()
    assert linear.vmin_vjp(residual[None])[0] == pytest.approx(product, rel=1e-10)


def test_tangent_adds_up_changes_of_the_map_and_of_the_sponge(velocity: Array) -> None:
    direction = white(velocity.shape, 1)
    linear = linearize(velocity[None], GEOMETRY, threads=1)
    change = linear.jvp(direction[None], np.array([-30.0]))[0]
    expected = numpy_derivative(velocity, direction, GEOMETRY, velocity.min(), -30.0)
    # Measured 4e-14: rounding.
    assert worst(change, expected) < 1e-12


@pytest.mark.parametrize("what", ["map", "vmin"])
def test_taylor_remainders_have_slopes_one_and_two(velocity: Array, what: str) -> None:
    direction = white((1, *velocity.shape), 1) if what == "map" else np.zeros((1, *velocity.shape))
    rate = np.array([0.0 if what == "map" else 1.0])
    lowest = np.array([velocity.min()])
    linear = linearize(velocity[None], GEOMETRY, vmin=lowest, threads=1)
    change = linear.jvp(direction, rate)
    # m/s, small enough for the third order to be little, far too large for rounding to be seen.
    steps = 50.0 * 0.5 ** np.arange(2, 8)
    zeroth, first = [], []
    for h in steps:
        moved = linearize(
            velocity[None] + h * direction, GEOMETRY, vmin=lowest + h * rate, threads=1
        )
        difference = moved.gathers - linear.gathers
        zeroth.append(np.linalg.norm(difference))
        first.append(np.linalg.norm(difference - h * change))
    # Measured within 0.004 of 1 and of 2: the next order, which the larger steps still show.
    assert np.polyfit(np.log(steps), np.log(zeroth), 1)[0] == pytest.approx(1, abs=0.02)
    assert np.polyfit(np.log(steps), np.log(first), 1)[0] == pytest.approx(2, abs=0.02)


@pytest.mark.parametrize(
    "cell",
    [(0, 0), (21, 26), (0, 13), (11, 26), (11, 13), (1, 17), (1, 0)],
    ids=["corner", "far-corner", "top", "side", "interior", "source", "source-at-edge"],
)
def test_misfits_gradient_is_its_central_difference(velocity: Array, cell: tuple[int, int]) -> None:
    observed = numpy_gathers(np.full_like(velocity, 2500.0), GEOMETRY)
    lowest = np.array([velocity.min()])

    def misfit(change: float) -> float:
        moved = velocity.copy()
        moved[cell] += change
        linear = linearize(moved[None], GEOMETRY, vmin=lowest, threads=1)
        return 0.5 * float(((linear.gathers[0] - observed) ** 2).sum())

    linear = linearize(velocity[None], GEOMETRY, threads=1, memory=MEMORY)
    gradient = linear.vjp(linear.gathers - observed)[0]
    h = 0.1
    # Measured 4e-8: the difference's error is of second order, and a hundred times as large at
    # h = 1; in these cells the gradient is 0.2 % to all of its largest value.
    expected = (misfit(h) - misfit(-h)) / (2 * h)
    assert gradient[cell] == pytest.approx(expected, rel=1e-6)


def test_float32_gradient_is_that_of_float64(velocity: Array) -> None:
    exact = linearize(velocity[None], GEOMETRY, threads=1, memory=MEMORY)
    rough = linearize(velocity[None].astype(np.float32), GEOMETRY, threads=1, memory=MEMORY)
    # Measured 5e-6: float32 rounding of 300 steps there and 300 back.
    assert worst(rough.vjp(exact.gathers), exact.vjp(exact.gathers)) < 2e-5
    direction = white((1, *velocity.shape), 1)
    # Measured 8e-6: likewise.
    assert worst(rough.jvp(direction), exact.jvp(direction)) < 3e-5


@pytest.fixture(scope="module")
def openfwi_map() -> Array:
    return families.sample("CurveFault_A", 1, rng=101).astype(np.float64)


def test_adjoint_is_the_transpose_of_the_tangent_on_a_map_of_the_data(openfwi_map: Array) -> None:
    linear = linearize(openfwi_map, threads=1, memory=2 * MEMORY)
    direction = white(openfwi_map.shape, 1)
    change = linear.jvp(direction)
    noise = white(linear.gathers.shape, 2)
    # Measured 1e-12 of the factors' lengths: what the windows leave out is not quite the same both
    # ways. The product itself is 1e-3 of the lengths: white noise is all but orthogonal to J dv.
    difference = (change * noise).sum() - (direction * linear.vjp(noise)).sum()
    assert abs(difference) < 1e-11 * np.linalg.norm(change) * np.linalg.norm(noise)
    # Along gathers, as misfits have them, nothing cancels. Measured 1.4e-12.
    residual = linear.gathers * np.random.default_rng(3).uniform(0, 1, (1, 5, 1, 70))
    product = (change * residual).sum()
    assert (direction * linear.vjp(residual)).sum() == pytest.approx(product, rel=1e-10)


@pytest.mark.parametrize("speed", [None, 4500.0], ids=["map", "fastest"])
def test_float32_gradient_of_a_whole_map_is_that_of_float64(
    openfwi_map: Array, speed: float | None
) -> None:
    velocity = openfwi_map if speed is None else np.full_like(openfwi_map, speed)
    geometry = replace(OPENFWI, source_x=(170.0,))
    exact = linearize(velocity, geometry, threads=1, memory=MEMORY)
    rough = linearize(velocity.astype(np.float32), geometry, threads=1, memory=MEMORY)
    error = worst(rough.vjp(exact.gathers), exact.vjp(exact.gathers))
    # Measured 3.5e-6 and 4.6e-6: rounding of 1000 steps, and of undoing them.
    assert error < 2e-5


@pytest.mark.parametrize(
    ("dtype", "tight", "bound"),
    # Fewer checkpoints leave more steps to undo, each with its rounding.
    [(np.float64, 5.5, 1e-10), (np.float32, 3.0, 1e-5)],
    ids=["float64", "float32"],
)
def test_gradient_does_not_depend_on_the_memory(
    dtype: npt.DTypeLike, tight: float, bound: float
) -> None:
    # A wide sponge is weak, and leaves a choice: two checkpoints instead of three.
    geometry = replace(GEOMETRY, sponge_width=120)
    velocity = (700 + random_map(geometry)[None] / 9).astype(dtype)
    residual = white((1, *geometry.gather_shape), 2)
    roomy = KernelOperator(velocity, geometry, threads=1, memory=MEMORY)
    sparing = KernelOperator(velocity, geometry, threads=1, memory=tight)
    assert sparing._every is not None
    assert roomy._every is not None
    assert sparing._every > roomy._every
    assert worst(sparing.vjp(residual), roomy.vjp(residual)) < bound
    np.testing.assert_array_equal(sparing.gathers, roomy.gathers)


def test_too_little_memory_is_refused_and_the_least_named() -> None:
    velocity = np.full((1, 70, 70), 2000.0)
    with pytest.raises(ValueError, match=r"memory must be at least \d+ MB a sample .* got 1;"):
        linearize(velocity, threads=1, memory=1.0)
    with pytest.raises(ValueError, match="memory must be given for vjp, got None"):
        linearize(random_map(GEOMETRY)[None], GEOMETRY, threads=1, memory=None).vjp(
            np.zeros((1, *GEOMETRY.gather_shape))
        )


@pytest.mark.parametrize(
    "geometry",
    [
        OPENFWI,
        OPENFWI_SIX_SHOTS,
    ],
    ids=["five-shots", "six-shots"],
)
def test_least_memory_that_is_named_is_enough(geometry: AcquisitionGeometry) -> None:
    velocity = np.full((1, 70, 70), 2000, np.float32)
    with pytest.raises(ValueError, match="memory must be at least") as refused:
        linearize(velocity, geometry, threads=1, memory=1.0)
    named = re.search(r"at least (\S+) MB", str(refused.value))
    assert named is not None
    linearize(velocity, geometry, threads=1, memory=float(named[1]))


@pytest.mark.parametrize("memory", [100.0, 200.0])
def test_a_samples_memory_keeps_to_its_bound(memory: float) -> None:
    velocity = families.sample("Style_B", 1, rng=102)
    linearize(velocity, replace(OPENFWI, nt=8), threads=1, memory=memory)  # compiles
    tracemalloc.start()
    try:
        linear = linearize(velocity, threads=1, memory=memory)
        held, most = tracemalloc.get_traced_memory()
        linear.vjp(linear.gathers)
        most = max(most, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    # Measured 20 MB held and 21 MB while the gradient is made, of at most 200 or 100.
    assert held < memory * 1e6
    assert most < memory * 1e6


@pytest.mark.parametrize(
    "changes",
    [
        {"source_x": (0.0, 40.0, 90.0, 130.0, 190.0, 140.0)},
        {"receiver_x": (30.0, 40.0, 170.0)},
        {"receiver_x": (120.0,)},
        {"receiver_x": (120.0, 120.0, 121.0)},
        {"nt": 203},
        {"nt": 1, "receiver_x": (50.0,)},
        {"source_depth": 100.0},
        {"receiver_depth": 140.0},
        {"source_depth": 140.0, "receiver_depth": 0.0},
    ],
    ids=[
        "six-shots",
        "some-receivers",
        "one-receiver",
        "receivers-in-one-cell",
        "odd-nt",
        "one-step",
        "deep-sources",
        "deep-receivers",
        "both-at-an-edge",
    ],
)
def test_derivatives_hold_for_every_acquisition(changes: dict) -> None:
    geometry = replace(
        GEOMETRY, nz=15, nx=20, nt=200, receiver_x=(0.0, 90.0, 190.0), source_x=(50.0,)
    )
    geometry = replace(geometry, **changes)
    velocity = smooth_map(geometry)
    linear = linearize(velocity[None], geometry, threads=1)
    # Measured 3e-15 of the peak, and 3e-15: rounding.
    assert worst(linear.gathers[0], numpy_gathers(velocity, geometry)) < 1e-12
    assert product_error(velocity, geometry) < 1e-12


def test_gradients_of_a_batch_are_those_of_its_maps() -> None:
    velocity = np.stack([random_map(GEOMETRY, seed) for seed in (1, 2)])
    residual = white((2, *GEOMETRY.gather_shape), 3)
    both = linearize(velocity, GEOMETRY, threads=2, memory=MEMORY)
    for i in range(2):
        one = linearize(velocity[i : i + 1], GEOMETRY, threads=1, memory=MEMORY)
        np.testing.assert_array_equal(both.vjp(residual)[i], one.vjp(residual[i : i + 1])[0])
        assert both.vmin_vjp(residual)[i] == one.vmin_vjp(residual[i : i + 1])[0]


def test_sixth_shot_leaves_the_others_gradients_alone() -> None:
    velocity = families.sample("FlatVel_B", 1, rng=103)
    geometry = replace(OPENFWI_SIX_SHOTS, nt=240)
    six = linearize(velocity, geometry, threads=1, memory=MEMORY)
    five = linearize(velocity, replace(OPENFWI, nt=240), threads=1, memory=MEMORY)
    residual = six.gathers.copy()
    residual[:, 5] = 0
    np.testing.assert_array_equal(six.vjp(residual), five.vjp(residual[:, :5]))


@pytest.mark.parametrize(
    ("width", "slowest"),
    [(6, 1500.0), (6, 3000.0), (10, 3000.0), (20, 4400.0)],
)
def test_adjoint_is_the_transpose_behind_a_narrow_sponge(width: int, slowest: float) -> None:
    """Narrow sponges are strong: in their last cell k is 0.56 to 1.45 here, and 0.09 in the data.

    The forward scheme is stable with all of them.
    """
    geometry = replace(
        GEOMETRY, nz=12, nx=16, nt=200, source_x=(50.0,), receiver_x=(0.0, 100.0, 150.0),
        sponge_width=width,
    )  # fmt: skip
    velocity = np.random.default_rng(0).uniform(slowest, slowest + 100, (12, 16))
    # A transpose has rounding's 1e-15, whatever the damping.
    assert product_error(velocity, geometry) < 1e-10


@st.composite
def small_geometries(draw: st.DrawFn) -> AcquisitionGeometry:
    """Acquisitions on a handful of cells, sources and receivers anywhere."""
    nz, nx = draw(st.integers(8, 20)), draw(st.integers(8, 20))
    columns = st.lists(st.integers(0, nx - 1).map(lambda c: 10.0 * c), min_size=1, max_size=3)
    return AcquisitionGeometry(
        nz=nz,
        nx=nx,
        nt=draw(st.integers(20, 120)),
        dt=5e-4,  # 1 ms would be unstable in the narrowest sponges
        frequency=30.0,
        source_x=tuple(draw(columns)),
        source_depth=10.0 * draw(st.integers(0, nz - 1)),
        receiver_x=tuple(draw(columns)),
        receiver_depth=10.0 * draw(st.integers(0, nz - 1)),
        sponge_width=draw(st.integers(6, 20)),
    )


@settings(max_examples=40)
@given(geometry=small_geometries(), seed=st.integers(0, 2**32 - 1))
def test_any_acquisitions_gathers_and_tangent_are_the_numpy_loops(
    geometry: AcquisitionGeometry, seed: int
) -> None:
    velocity = random_map(geometry, seed)
    linear = linearize(velocity[None], geometry, threads=1)
    # A wave may not reach the receivers in time, so the bounds are absolute: gathers are of the
    # order of 10, their change along direction 1e-2. Measured 2e-12 and 4e-15: rounding.
    expected = numpy_gathers(velocity, geometry)
    np.testing.assert_allclose(linear.gathers[0], expected, rtol=0, atol=1e-10)
    direction = white(velocity.shape, seed)
    expected = numpy_derivative(velocity, direction, geometry, velocity.min(), 1.0)
    change = linear.jvp(direction[None], np.ones(1))[0]
    np.testing.assert_allclose(change, expected, rtol=0, atol=1e-12)


@settings(max_examples=40)
@given(geometry=small_geometries(), seed=st.integers(0, 2**32 - 1))
def test_any_acquisitions_adjoint_is_the_transpose_of_its_tangent(
    geometry: AcquisitionGeometry, seed: int
) -> None:
    velocity = random_map(geometry, seed)[None]
    direction, residual = white(velocity.shape, 1), white((1, *geometry.gather_shape), 2)
    linear = linearize(velocity, geometry, threads=1, memory=MEMORY)
    change = linear.jvp(direction)
    size = np.linalg.norm(change) * np.linalg.norm(residual)
    assume(size > 1e-6)  # what no wave reaches in time holds nothing but rounding
    product = (direction * linear.vjp(residual)).sum()
    assert abs(product - (change * residual).sum()) < 1e-10 * size
