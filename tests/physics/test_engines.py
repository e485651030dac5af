"""What every registered engine owes: gathers of maps, and their Jacobian from both sides."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from oracle import white, worst

import fwi
from fwi.geometry import AcquisitionGeometry
from fwi.physics import engines, simulator
from fwi.physics.engines import ENGINES
from fwi.physics.operator import Operator

Array = npt.NDArray[np.floating]

# Small enough for hundreds of runs a second. The pulse ends after 73 samples; a wave crosses the
# map and its sponge in some 150.
ROW = AcquisitionGeometry(
    nz=9,
    nx=14,
    nt=100,
    source_x=(20.0, 110.0),
    receiver_x=(0.0, 60.0, 130.0),
    frequency=30.0,
    sponge_width=12,
)
GEOMETRIES = {
    "in-a-row": ROW,
    "receivers-above": replace(ROW, source_depth=60.0, receiver_depth=0.0),
    "receivers-below-two-in-a-cell": replace(
        ROW, source_x=(50.0,), receiver_depth=80.0, receiver_x=(0.0, 80.0, 80.0, 130.0)
    ),
}
BATCH = 2
LOWEST = np.array([1500.0, 1300.0])

# A sixth-order central difference.
STEPS = np.array([-3, -2, -1, 1, 2, 3])
SLOPE = np.array([-1, 9, -45, 45, -9, 1]) / 60


def maps(geometry: AcquisitionGeometry = ROW) -> Array:
    """White noise between 1500 and 4500 m/s, (2, nz, nx)."""
    shape = BATCH, geometry.nz, geometry.nx
    return np.random.default_rng(8).uniform(1500, 4500, shape)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module", params=GEOMETRIES)
def geometry(request: pytest.FixtureRequest) -> AcquisitionGeometry:
    return GEOMETRIES[request.param]


@pytest.fixture(scope="module")
def linear(engine: str, geometry: AcquisitionGeometry) -> Operator:
    """The maps linearised; tests only read it."""
    return fwi.linearize(maps(geometry), geometry, vmin=LOWEST, engine=engine, threads=1)


def assert_close(got: Any, expected: Array, bound: float) -> None:
    """Compare within a part of the largest expected value, exactly where all are zero."""
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound * np.abs(expected).max())


def test_the_engines_are_those_of_the_page() -> None:
    assert [*ENGINES] == ["auto", "kernel", "dense", "surrogate"]


def test_an_operator_is_one(linear: Operator, geometry: AcquisitionGeometry) -> None:
    assert isinstance(linear, Operator)
    assert linear.gathers.shape == (BATCH, *geometry.gather_shape)
    assert linear.gathers.dtype == np.float64
    assert np.abs(linear.gathers).max() > 0


def test_gathers_are_those_of_simulate(
    linear: Operator, engine: str, geometry: AcquisitionGeometry
) -> None:
    gathers = fwi.simulate(maps(geometry), geometry, vmin=LOWEST, engine=engine, threads=1)
    np.testing.assert_array_equal(gathers, linear.gathers)


def test_jvp_along_maps_is_their_central_difference(
    linear: Operator, engine: str, geometry: AcquisitionGeometry
) -> None:
    direction, step = white((BATCH, geometry.nz, geometry.nx), 1), 0.3
    ends = [
        fwi.simulate(maps(geometry) + s * step * direction, geometry, vmin=LOWEST, engine=engine)
        for s in STEPS
    ]
    # Measured 2e-12: rounding of the gathers over the step, 0.3 m/s of thousands.
    assert_close(linear.jvp(direction), np.tensordot(SLOPE, ends, 1) / step, 1e-9)


def test_jvp_along_sponges_is_their_central_difference(
    linear: Operator, engine: str, geometry: AcquisitionGeometry
) -> None:
    rates, still = white((BATCH,), 1), np.zeros((BATCH, geometry.nz, geometry.nx))
    ends = [
        fwi.simulate(maps(geometry), geometry, vmin=LOWEST + 5 * s * rates, engine=engine)
        for s in STEPS
    ]
    expected, change = np.tensordot(SLOPE, ends, 1) / 5, linear.jvp(still, rates)
    # Measured 8e-12: rounding, as along maps; the surrogate's difference is nothing else.
    rounding = 1e-15 * np.abs(linear.gathers).max()
    assert np.abs(change - expected).max() < 1e-9 * np.abs(change).max() + rounding


def test_jvp_adds_up_both_changes(linear: Operator, geometry: AcquisitionGeometry) -> None:
    direction, rates = white((BATCH, geometry.nz, geometry.nx), 1), white((BATCH,), 2)
    apart = linear.jvp(direction) + linear.jvp(0 * direction, rates)
    # Measured 8e-16: rounding.
    assert worst(linear.jvp(direction, rates), apart) < 1e-13


def test_vjp_is_the_transpose_of_jvp(linear: Operator, geometry: AcquisitionGeometry) -> None:
    direction, residual = (
        white((BATCH, geometry.nz, geometry.nx), 1),
        white(linear.gathers.shape, 2),
    )
    gradient = linear.vjp(residual)
    assert gradient.shape == direction.shape
    assert gradient.dtype == np.float64
    change = linear.jvp(direction)
    size = np.linalg.norm(change) * np.linalg.norm(residual)
    # Measured 5e-17 of the factors' lengths: rounding.
    assert abs((change * residual).sum() - (direction * gradient).sum()) < 1e-12 * size


def test_vmin_vjp_is_the_transpose_of_jvp(linear: Operator, geometry: AcquisitionGeometry) -> None:
    residual, still = white(linear.gathers.shape, 2), np.zeros((BATCH, geometry.nz, geometry.nx))
    gradient = linear.vmin_vjp(residual)
    assert gradient.dtype == np.float64
    expected = (linear.jvp(still, np.ones(BATCH)) * residual).sum((1, 2, 3))
    # Rounding.
    assert_close(gradient, expected, 1e-12)


def test_tensors_give_tensors_of_the_same_values(
    linear: Operator, engine: str, geometry: AcquisitionGeometry
) -> None:
    velocity, lowest = torch.from_numpy(maps(geometry)), torch.from_numpy(LOWEST)
    of_tensors = fwi.linearize(velocity, geometry, vmin=lowest, engine=engine, threads=1)
    assert isinstance(of_tensors, Operator)
    direction, rates = white(tuple(velocity.shape), 1), white((BATCH,), 2)
    residual = white(linear.gathers.shape, 3)
    pairs = [
        (of_tensors.gathers, linear.gathers),
        (
            of_tensors.jvp(torch.from_numpy(direction), torch.from_numpy(rates)),
            linear.jvp(direction, rates),
        ),
        (of_tensors.vjp(torch.from_numpy(residual)), linear.vjp(residual)),
        (of_tensors.vmin_vjp(torch.from_numpy(residual)), linear.vmin_vjp(residual)),
    ]
    for got, expected in pairs:
        assert isinstance(got, torch.Tensor)
        assert got.dtype == torch.float64
        assert got.device == velocity.device
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
def test_gathers_of_float32_maps_are_float32_and_gradients_float64(engine: str, kind: Any) -> None:
    velocity = kind(maps().astype(np.float32))
    linear = fwi.linearize(velocity, ROW, engine=engine, threads=1)
    change = linear.jvp(velocity)
    assert str(linear.gathers.dtype).endswith("float32")
    assert str(change.dtype).endswith("float32")
    assert str(linear.vjp(change).dtype).endswith("float64")
    assert str(linear.vmin_vjp(change).dtype).endswith("float64")


def test_arrays_may_run_backward_and_be_read_only(engine: str) -> None:
    velocity = maps()
    mirrored = velocity[..., ::-1]
    mirrored.flags.writeable = False
    linear = fwi.linearize(mirrored, ROW, engine=engine, threads=1)
    plain = fwi.linearize(mirrored.copy(), ROW, engine=engine, threads=1)
    residual = white((*ROW.gather_shape[::-1], BATCH), 2).T
    np.testing.assert_array_equal(linear.vjp(residual), plain.vjp(residual.copy()))


def test_samples_are_reported_in_order(engine: str) -> None:
    finished: list[int] = []
    fwi.linearize(maps(), ROW, engine=engine, on_sample=finished.append)
    assert finished == [0, 1]


def test_without_memory_there_is_no_gradient_but_a_tangent(engine: str) -> None:
    linear = fwi.linearize(maps(), ROW, engine=engine, memory=None, threads=1)
    linear.jvp(maps())
    with pytest.raises(ValueError, match="memory must be given for vjp, got None"):
        linear.vjp(linear.gathers)


def test_too_little_memory_is_refused(engine: str) -> None:
    with pytest.raises(ValueError, match=r"memory must be at least \d+ MB a sample .* got 0.01;"):
        fwi.linearize(maps(), ROW, engine=engine, memory=0.01)


@pytest.mark.parametrize(
    ("product", "vectors", "message"),
    [
        ("jvp", (np.zeros((1, 9, 14)),), r"direction must be \(2, 9, 14\), got \(1, 9, 14\)"),
        ("jvp", (np.zeros((2, 9, 15)),), r"direction must be \(2, 9, 14\)"),
        ("jvp", (maps(), np.zeros(3)), r"vmin_direction must be \(2\), got \(3,\)"),
        ("vjp", (np.zeros((2, 2, 99, 3)),), r"residual must be \(2, 2, 100, 3\)"),
        ("vjp", (np.zeros((2, 1, 100, 3)),), r"residual must be \(2, 2, 100, 3\)"),
        ("vmin_vjp", (np.zeros((2, 2, 100, 4)),), r"residual must be \(2, 2, 100, 3\)"),
    ],
    ids=["batch", "size", "vmins", "samples", "shots", "receivers"],
)
def test_vectors_of_another_shape_are_refused(
    engine: str, product: str, vectors: tuple[Array, ...], message: str
) -> None:
    linear = fwi.linearize(maps(), ROW, engine=engine, threads=1)
    with pytest.raises(ValueError, match=message):
        getattr(linear, product)(*vectors)


@pytest.mark.parametrize("lowest", [[2e3], [2e3, -1.0], [np.nan, 2e3]])
def test_bad_sponges_are_refused(engine: str, lowest: list[float]) -> None:
    with pytest.raises(ValueError, match="vmin must be"):
        fwi.linearize(maps(), ROW, vmin=lowest, engine=engine)


@pytest.mark.parametrize("function", [fwi.simulate, fwi.linearize])
def test_an_unknown_engine_is_refused_and_the_nearest_named(function: Any) -> None:
    for velocity in (maps(), torch.from_numpy(maps())):
        with pytest.raises(KeyError, match="unknown engine 'kernal'; did you mean 'kernel'"):
            function(velocity, ROW, engine="kernal")


@pytest.mark.parametrize(
    ("velocity", "expected"),
    [
        (maps(), "kernel"),
        (torch.from_numpy(maps()), "kernel"),
        (torch.from_numpy(maps()).to("meta"), "dense"),
    ],
    ids=["array", "processor", "elsewhere"],
)
def test_auto_is_the_kernel_on_the_processor_and_dense_elsewhere(
    velocity: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    for name in ("kernel", "dense"):
        monkeypatch.setattr(engines, name, lambda *_, name=name, **how: used.append(name))
    fwi.linearize(velocity, ROW)
    assert used == [expected]


def test_arrays_do_not_import_torch() -> None:
    program = (
        "import sys, numpy, fwi\n"
        "from fwi.geometry import AcquisitionGeometry\n"
        f"geometry = {ROW!r}\n"
        "maps = numpy.full((1, geometry.nz, geometry.nx), 2000.0)\n"
        "fwi.simulate(maps, geometry)\n"
        "for engine in ('kernel', 'surrogate'):\n"
        "    fwi.linearize(maps, geometry, engine=engine)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_linearize_is_public() -> None:
    assert fwi.linearize is simulator.linearize


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.filterwarnings("ignore:TensorFloat32")
def test_every_engine_takes_a_gpus_tensors(engine: str) -> None:
    velocity = torch.from_numpy(maps()).cuda()
    linear = fwi.linearize(velocity, ROW, engine=engine)
    here = fwi.linearize(maps(), ROW, engine="surrogate" if engine == "surrogate" else "kernel")
    residual = white(here.gathers.shape, 3)
    pairs = [
        (linear.gathers, here.gathers),
        (linear.jvp(velocity), here.jvp(maps())),
        (linear.vjp(torch.from_numpy(residual).cuda()), here.vjp(residual)),
    ]
    for got, expected in pairs:
        assert got.device == velocity.device
        # Rounding, as on the processor.
        assert worst(got.cpu(), expected) < 1e-10
