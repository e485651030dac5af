"""The simulator against real data, a plain NumPy loop of the scheme, and its own symmetries."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from oracle import numpy_gathers, worst

from fwi import families
from fwi.checks import UnusualInput
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry, flip_gathers
from fwi.physics.intake import warn_of_maps
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.kernel.shot import forward
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import max_stable_dt
from fwi.physics.simulator import simulate

Array = npt.NDArray[np.floating]

ORACLE_SHOTS = (0, 2)
# The numbers of docs/physics.md, in full: defaults that strayed from them would not fit the oracle.
PAGE = AcquisitionGeometry(
    nz=70,
    nx=70,
    dx=10.0,
    dt=1e-3,
    nt=1000,
    source_x=(0.0, 170.0, 340.0, 520.0, 690.0),
    source_depth=10.0,
    receiver_x=tuple(10.0 * i for i in range(70)),
    receiver_depth=10.0,
    frequency=15.0,
    sponge_width=120,
)
SMALL = AcquisitionGeometry(
    nz=12, nx=16, nt=60, source_x=(0.0, 80.0), receiver_x=(0.0, 70.0, 150.0), sponge_width=8
)


@pytest.fixture(scope="module")
def rough() -> Array:
    """A map with faults and curved layers, (1, 70, 70) float64."""
    return families.sample("CurveFault_B", 1, rng=5).astype(np.float64)


@pytest.fixture(scope="module")
def six_shots(rough: Array) -> Array:
    """The rough map's six-shot gathers in float32."""
    return simulate(rough.astype(np.float32), OPENFWI_SIX_SHOTS, threads=1)


@pytest.fixture(scope="module")
def oracle(rough: Array) -> Array:
    """The NumPy loop's gathers of the rough map, (2, 1000, 70) float64."""
    return numpy_gathers(rough[0], replace(PAGE, source_x=(0.0, 340.0)))


def test_float64_equals_a_plain_numpy_loop(rough: Array, oracle: Array) -> None:
    gathers = simulate(rough, threads=1)
    assert gathers.dtype == np.float64
    # Measured 8e-13: what cells outside their windows leave out; rounding is 5e-15.
    assert worst(gathers[0, list(ORACLE_SHOTS)], oracle) < 1e-11


def test_float32_equals_a_plain_numpy_loop(six_shots: Array, oracle: Array) -> None:
    assert six_shots.dtype == np.float32
    # Measured 2.1e-6 at most over several maps: float32 rounding of 1000 steps.
    assert worst(six_shots[0, list(ORACLE_SHOTS)], oracle) < 1e-5


def test_reproduces_the_real_trace(real_data: Path) -> None:
    trace = np.load(real_data / "flatvel_a_trace.npy").ravel()
    velocity = np.full((1, 70, 70), 1524, np.float32)  # no reflection returns in 100 samples
    gathers = simulate(velocity, threads=1)
    # Measured 1.5e-6: float32 on both sides.
    assert worst(gathers[0, 0, : len(trace), 0], trace) < 3e-6


def reciprocity_error(gathers: Array) -> float:
    """Largest relative difference of traces whose source and receiver are exchanged."""
    c = OPENFWI.source_idx
    return max(worst(gathers[i, :, c[j]], gathers[j, :, c[i]]) for i in range(5) for j in range(i))


def test_source_and_receiver_can_be_exchanged(six_shots: Array) -> None:
    # Measured 1e-6: exact but for float32 rounding.
    assert reciprocity_error(six_shots[0]) < 3e-5


def test_what_leaves_at_one_edge_returns_at_the_other() -> None:
    """Fast rock above slow damps little, so that the wrap is far above rounding.

    With a grid that ended in zeros the wave would be thrown back to its own side instead.
    """
    velocity = np.full((70, 70), 4000.0)
    velocity[60:] = 1500.0
    gathers = simulate(velocity[None], replace(PAGE, source_x=(0.0,)), threads=1)
    # Measured 1.3e-9, below float32 rounding: what runs ahead of the fastest wave by more than the
    # pruning's margin of 14 cells.
    assert worst(gathers[0], numpy_gathers(velocity, replace(PAGE, source_x=(0.0,)))) < 5e-9


def test_source_and_receiver_can_be_exchanged_in_the_real_gather(real_data: Path) -> None:
    gathers = np.load(real_data / "kaggle_test" / "000039dca2.npy")
    # Measured 1.2e-5: float32 of a scheme that takes differences of large numbers.
    assert reciprocity_error(gathers) < 3e-5


@pytest.mark.parametrize(
    ("dtype", "bound"),
    # Measured 6e-7 and 1e-13: rounding, and windows that are cut at other columns.
    [(np.float32, 1e-5), (np.float64, 1e-11)],
    ids=["float32", "float64"],
)
def test_mirrored_map_makes_the_flipped_gathers(
    rough: Array, dtype: npt.DTypeLike, bound: float
) -> None:
    velocity = rough.astype(dtype)
    gathers = simulate(velocity, OPENFWI_SIX_SHOTS, threads=1)
    mirrored = simulate(velocity[..., ::-1], OPENFWI_SIX_SHOTS, threads=1)
    error = worst(mirrored, flip_gathers(gathers))
    assert error < bound


def test_result_does_not_depend_on_threads_or_companions() -> None:
    velocity = families.sample("Style_A", 2, rng=1)
    geometry = replace(OPENFWI, nt=200)
    one = simulate(velocity, geometry, threads=1)
    np.testing.assert_array_equal(simulate(velocity, geometry, threads=2), one)
    np.testing.assert_array_equal(simulate(velocity[1:], geometry, threads=2), one[1:])


def test_shorter_record_is_the_head_of_the_longer(rough: Array, six_shots: Array) -> None:
    short = simulate(rough.astype(np.float32), replace(OPENFWI, nt=250), threads=1)
    # The pruning leaves out cells by the record's end: rounding of float32 at most.
    assert worst(short, six_shots[:, :5, :250]) < 1e-6


def test_fewer_receivers_are_columns_of_all(rough: Array, six_shots: Array) -> None:
    geometry = replace(OPENFWI, receiver_x=(100.0, 110.0, 480.0))
    gathers = simulate(rough.astype(np.float32), geometry, threads=1)
    # The pruning depends on where receivers stand: rounding of float32 at most.
    assert worst(gathers, six_shots[:, :5][..., [10, 11, 48]]) < 1e-6


def test_each_source_stands_at_its_own_column(rough: Array, six_shots: Array) -> None:
    geometry = replace(OPENFWI, source_x=(520.0, 350.0))
    gathers = simulate(rough.astype(np.float32), geometry, threads=1)
    np.testing.assert_array_equal(gathers, six_shots[:, [3, 5]])


def test_a_deep_source_is_felt_later() -> None:
    velocity = np.full((1, 70, 70), 2000.0)
    geometry = replace(OPENFWI, source_x=(340.0,), receiver_x=(340.0,), nt=400)
    arrivals = []
    for depth in (110.0, 510.0):
        trace = simulate(velocity, replace(geometry, source_depth=depth))[0, 0, :, 0]
        arrivals.append(int(np.argmax(np.abs(trace))))
    # 400 m further at 2000 m/s are 200 ms; dispersion and the 2-D tail move the peak by less
    # than five samples.
    assert abs(arrivals[1] - arrivals[0] - 200) < 5


def test_marmousi_on_its_own_grid_is_finite(real_data: Path) -> None:
    file = real_data / "benchmarks" / "marmousi2_vp_221x601_12.5m.bin"
    model = np.fromfile(file, "<f4").reshape(221, 601)
    spread = tuple(12.5 * i for i in range(70))
    geometry = replace(
        OPENFWI,
        dx=12.5,
        source_x=(0.0, 431.25),
        receiver_x=spread,
        source_depth=12.5,
        receiver_depth=12.5,
    )
    gathers = simulate(model[None, 60:130, 250:320], geometry, threads=1)
    assert gathers.shape == (1, 2, 1000, 70)
    assert np.isfinite(gathers).all()
    assert np.abs(gathers).max() > 0


def test_whole_marmousi_equals_a_plain_numpy_loop(real_data: Path) -> None:
    file = real_data / "benchmarks" / "marmousi2_vp_221x601_12.5m.bin"
    model = np.fromfile(file, "<f4").reshape(221, 601).astype(np.float64)
    strongest = damping(float(model.min()), 12.5, 40)[-1]
    geometry = AcquisitionGeometry(
        nz=221,
        nx=601,
        dx=12.5,
        dt=0.9 * max_stable_dt(float(model.max()), 12.5, float(strongest)),
        nt=400,
        source_x=(250.0, 5000.0),
        source_depth=12.5,
        receiver_x=tuple(125.0 * i for i in range(61)),
        receiver_depth=25.0,
        frequency=8.0,
        sponge_width=40,
    )
    expected = numpy_gathers(model, geometry)
    # Measured 4e-15: rounding; windows may leave out 1e-9.
    assert worst(simulate(model[None], geometry, threads=1)[0], expected) < 1e-9
    rough = simulate(model[None].astype(np.float32), geometry, threads=1)[0]
    # Measured 5e-7: float32 rounding of 400 steps.
    assert worst(rough, expected) < 1e-5


def test_tensor_in_is_tensor_out() -> None:
    velocity = torch.full((1, 12, 16), 2000.0)
    finished: list[int] = []
    gathers = simulate(velocity, SMALL, on_sample=finished.append)
    assert isinstance(gathers, torch.Tensor)
    assert gathers.dtype == torch.float32
    assert finished == [0]
    np.testing.assert_array_equal(gathers.numpy(), simulate(velocity.numpy(), SMALL))


def test_float16_maps_are_simulated_in_float32() -> None:
    velocity = np.full((1, 12, 16), 2000, np.float16)
    gathers = simulate(velocity, SMALL)
    assert gathers.dtype == np.float32
    np.testing.assert_array_equal(gathers, simulate(velocity.astype(np.float32), SMALL))


def test_samples_are_reported_in_order() -> None:
    finished: list[int] = []
    simulate(np.full((3, 12, 16), 2000.0), SMALL, threads=2, on_sample=finished.append)
    assert finished == [0, 1, 2]


def keeps_denormals() -> bool:
    """Tell whether this thread computes with denormal numbers."""
    tiny = np.full(64, 1e-40, np.float32)
    return bool((tiny * np.float32(0.5) > 0).all())


def run_kernel() -> None:
    medium = KernelMedium.of_map(np.full((12, 16), 2000.0), SMALL, 2000.0, np.float32)
    forward(medium, 0, np.empty((60, 3), np.float32), [])


def test_denormal_numbers_survive_the_kernel_in_this_thread() -> None:
    assert keeps_denormals()
    run_kernel()
    assert keeps_denormals()


def test_denormal_numbers_survive_the_kernel_in_a_worker_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_kernel).result()
        assert pool.submit(keeps_denormals).result()


def test_denormal_numbers_survive_a_simulation() -> None:
    simulate(np.full((1, 12, 16), 2000.0), SMALL)
    assert keeps_denormals()


def with_value(value: float) -> Array:
    velocity = np.full((1, 12, 16), 2000.0)
    velocity[0, 3, 4] = value
    return velocity


@pytest.mark.parametrize(
    ("velocity", "error", "message"),
    [
        (with_value(np.nan), ValueError, r"velocity must be finite, got 1 NaN.*\(0, 3, 4\)"),
        (with_value(np.inf), ValueError, "velocity must be finite"),
        (with_value(0.0), ValueError, "velocity must be positive, in m/s, got a minimum of 0"),
        (with_value(-2.0), ValueError, "velocity must be positive, in m/s, got a minimum of -2"),
        (np.full((12, 16), 2000.0), ValueError, r"got \(12, 16\); add a batch axis"),
        (np.full((1, 12, 17), 2000.0), ValueError, r"must be \(n, 12, 16\), got \(1, 12, 17\)"),
        (np.empty((0, 12, 16)), ValueError, r"got \(0, 12, 16\)"),
        (np.ones((1, 12, 16), bool), TypeError, "float16, float32 or float64, got bool"),
        (np.full((1, 12, 16), 2000j), TypeError, "got complex128"),
    ],
    ids=[
        "nan",
        "infinite",
        "zero",
        "negative",
        "no-batch-axis",
        "size",
        "empty",
        "truths",
        "complex",
    ],
)
def test_bad_maps_are_refused(velocity: Array, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(velocity, SMALL)


def test_unstable_step_is_refused() -> None:
    with pytest.raises(ValueError, match="dt must be at most"):
        simulate(np.full((1, 12, 16), 2000.0), replace(SMALL, dt=4e-3))


@pytest.mark.parametrize("x", [-10.0, 160.0])
def test_source_outside_the_map_is_refused(x: float) -> None:
    with pytest.raises(ValueError, match="source_x must lie in the map, 0 to 150 m"):
        replace(SMALL, source_x=(x,))


def test_interrupt_ends_a_long_simulation_at_once() -> None:
    program = (
        "import signal, numpy\n"
        "from fwi.physics.simulator import simulate\n"
        # A background shell may have had the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "maps = numpy.full((400, 70, 70), 3000.0, numpy.float32)\n"
        "simulate(maps, on_sample=lambda i: print(i, flush=True))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            _, error = process.communicate(timeout=20)
        finally:
            process.kill()
    # A shot is 20 ms, and one a thread is waited for; the rest is a busy machine's.
    assert time.monotonic() - start < 3
    assert b"KeyboardInterrupt" in error


@pytest.mark.parametrize(
    "given",
    [
        lambda maps: maps.astype(np.int32),
        lambda maps: maps.astype(np.uint16)[:, None],
        lambda maps: maps.astype(">f4"),
        lambda maps: np.asfortranarray(maps),
        lambda maps: maps[:, ::-1].copy()[:, ::-1],
        lambda maps: torch.from_numpy(maps).int(),
        lambda maps: torch.from_numpy(maps).bfloat16()[:, None],
    ],
    ids=["int32", "uint16-channel", "big-endian", "fortran", "backwards", "tensor", "bfloat16"],
)
def test_maps_of_any_layout_and_of_whole_numbers_are_their_float32_selves(given: Any) -> None:
    maps = np.full((2, 12, 16), 2048, np.float32)  # a number that bfloat16 has
    maps[:, 6:] = 3072
    assert np.array_equal(np.asarray(simulate(given(maps), SMALL)), simulate(maps, SMALL))


def test_lists_of_maps_are_float64_as_numpy_has_them() -> None:
    maps = np.full((1, 12, 16), 2000.0)
    assert np.array_equal(simulate(maps.tolist(), SMALL), simulate(maps, SMALL))


def test_a_channel_axis_has_a_gradient() -> None:
    velocity = torch.full((2, 1, 12, 16), 2000.0, requires_grad=True)
    simulate(velocity, SMALL).sum().backward()
    flat = velocity.detach()[:, 0].requires_grad_()
    simulate(flat, SMALL).sum().backward()
    assert velocity.grad is not None
    assert flat.grad is not None
    assert torch.equal(velocity.grad[:, 0], flat.grad)


@pytest.mark.parametrize(
    ("slowest", "frequency", "said"),
    [
        (250.0, 5.0, r"velocity is mostly 300 to 10000 m/s, got 2.5e\+02"),
        (
            590.0,
            15.0,
            "dx is mostly a 4th of the shortest wavelength or less, got 3.9 cells of 10 m",
        ),
    ],
)
def test_unusual_maps_are_taken_with_a_warning(slowest: float, frequency: float, said: str) -> None:
    with pytest.warns(UnusualInput, match=said):
        simulate(np.full((1, 12, 16), slowest), replace(SMALL, frequency=frequency))


@pytest.mark.parametrize("slowest", [1500.0, 600.0])
def test_openfwi_is_not_unusual(slowest: float) -> None:
    warn_of_maps(np.full((1, 70, 70), slowest), OPENFWI)
