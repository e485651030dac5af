"""The surrogate against a plain NumPy loop of its scheme, the exact operator, and differences."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from fwi import families
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.kernel.medium import KernelMedium
from fwi.physics.simulator import simulate
from fwi.physics.surrogate.loops import run_steps
from fwi.physics.surrogate.operator import SurrogateOperator
from fwi.physics.surrogate.profile import make_layer

Array = npt.NDArray[np.floating]

SMALL = AcquisitionGeometry(
    nz=12, nx=16, nt=160, source_x=(0.0, 80.0), receiver_x=(0.0, 70.0, 150.0), sponge_width=8
)


def first(f: Array, axis: int) -> Array:
    """Fourth-order first derivative, zeros beyond the edge."""
    n, w = f.shape[axis], np.pad(f, [(2, 2) if i == axis else (0, 0) for i in (0, 1)])
    parts = [w.take(range(k, k + n), axis) for k in range(5)]
    return (parts[0] - parts[4]) / 12 - 2 / 3 * (parts[1] - parts[3])


def second(f: Array, axis: int) -> Array:
    """Fourth-order second derivative, zeros beyond the edge."""
    n, w = f.shape[axis], np.pad(f, [(2, 2) if i == axis else (0, 0) for i in (0, 1)])
    parts = [w.take(range(k, k + n), axis) for k in range(5)]
    return -(parts[0] + parts[4]) / 12 + 4 / 3 * (parts[1] + parts[3]) - 5 / 2 * parts[2]


def numpy_gathers(velocity: Array, g: AcquisitionGeometry, width: int) -> Array:
    """The docstrings' scheme to the letter, with numbers of its own."""
    v = np.pad(velocity, width, mode="edge")
    a = (v * g.dt / g.dx) ** 2
    b, c = [], []
    for axis in (0, 1):
        i = np.zeros(v.shape[axis])
        i[:width], i[-width:] = np.arange(width, 0, -1), np.arange(1, width + 1)
        sigma = 3 * 4500 * np.log(1 / 3e-4) / (2 * width * g.dx) * (i / width) ** 2
        total = sigma + 0.4 * np.pi * g.frequency * (1 - i / width)
        shape = (-1, 1) if axis == 0 else (1, -1)
        b.append(np.exp(-total * g.dt).reshape(shape))
        c.append((sigma / total * (np.exp(-total * g.dt) - 1)).reshape(shape))
    centre = int(1.1 / (g.frequency * g.dt))
    phase = ((centre - np.arange(g.nt)) * g.frequency * g.dt * np.pi) ** 2
    wavelet = np.where(np.arange(g.nt) <= 2 * centre, (1 - 2 * phase) * np.exp(-phase), 0)
    receivers = [width + round(x / g.dx) for x in g.receiver_x]
    gathers = np.empty(g.gather_shape)
    for shot, x in enumerate(g.source_x):
        p, d = np.zeros_like(v), np.zeros_like(v)
        psi, zeta = [np.zeros_like(v)] * 2, [np.zeros_like(v)] * 2
        source = width + round(g.source_depth / g.dx), width + round(x / g.dx)
        for n in range(g.nt):
            for k in (0, 1):
                psi[k] = b[k] * psi[k] + c[k] * first(p, k)
                push = second(p, k) + first(psi[k], k)
                zeta[k] = b[k] * zeta[k] + c[k] * push
                d = d + a * (push + zeta[k])
            d[source] += (v[source] * g.dt) ** 2 * wavelet[n]
            p = p + d
            gathers[shot, n] = p[width + round(g.receiver_depth / g.dx), receivers]
    return gathers


def rough(geometry: AcquisitionGeometry = SMALL, seed: int = 0) -> Array:
    """A map of random cells, (1, nz, nx) float64, m/s."""
    noise = np.random.default_rng(seed).random((1, geometry.nz, geometry.nx))
    return 1500 + 2500 * noise


def by_surrogate(velocity: Array, geometry: AcquisitionGeometry = SMALL) -> Array:
    return simulate(velocity, geometry, engine="surrogate", threads=1)


def relative(got: Array, expected: Array) -> float:
    """L2 norm of the difference over that of the expected values."""
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize(
    ("nz", "nx", "width"), [(12, 16, 13), (12, 16, 20), (33, 41, 5), (12, 70, 13), (3, 3, 4)]
)
def test_float64_equals_a_plain_numpy_loop(nz: int, nx: int, width: int) -> None:
    last = 10.0 * (nx - 1)
    geometry = replace(SMALL, nz=nz, nx=nx, source_x=(0.0, last), receiver_x=(0.0, 10.0, last))
    velocity = rough(geometry)
    expected = numpy_gathers(velocity[0], geometry, width)
    gathers = SurrogateOperator(velocity, geometry, width=width, threads=1).gathers[0]
    assert gathers.dtype == np.float64
    # Measured 1.3e-15: rounding.
    assert np.abs(gathers - expected).max() < 1e-12 * np.abs(expected).max()


def test_float32_equals_float64() -> None:
    velocity = families.sample("CurveFault_B", 1, rng=5)
    geometry = replace(OPENFWI, source_x=(340.0,))
    single = by_surrogate(velocity, geometry)
    double = by_surrogate(velocity.astype(np.float64), geometry)
    assert single.dtype == np.float32
    # Measured 1.5e-7: float32 rounding of 1000 steps.
    assert np.abs(single - double).max() < 2e-6 * np.abs(double).max()


# Relative L2 difference to the exact operator, two shots of one map, seed 200: whole gather, and
# after 300 ms, when the direct wave has gone by. Nearly all of it is what the data's sponge throws
# back and wraps around. The bounds are half as much again as is measured.
DIFFERENCES = {
    "FlatVel_A": (0.0010, 0.0032),
    "FlatVel_B": (0.0013, 0.0060),
    "CurveVel_A": (0.0011, 0.0031),
    "CurveVel_B": (0.0011, 0.0031),
    "FlatFault_A": (0.0026, 0.0136),
    "FlatFault_B": (0.0026, 0.0123),
    "CurveFault_A": (0.0025, 0.0174),
    "CurveFault_B": (0.0026, 0.0125),
    "Style_A": (0.0012, 0.0054),
    "Style_B": (0.0014, 0.0098),
}


@pytest.mark.parametrize("family", families.NAMES)
def test_difference_to_the_exact_operator(family: str) -> None:
    velocity = families.sample(family, 1, rng=200)
    geometry = replace(OPENFWI, source_x=(0.0, 340.0))
    exact = simulate(velocity, geometry, threads=1)
    gathers = by_surrogate(velocity, geometry)
    whole, late = DIFFERENCES[family]
    assert relative(gathers, exact) < 1.5 * whole
    assert relative(gathers[:, :, 300:], exact[:, :, 300:]) < 1.5 * late


@pytest.mark.parametrize("family", ["FlatVel_B", "CurveVel_B", "Style_A"])
def test_layers_are_transparent(family: str) -> None:
    """A sponge of 400 cells returns hardly anything in a second: an open earth."""
    velocity = families.sample(family, 1, rng=200)
    geometry = replace(OPENFWI, source_x=(340.0,))
    opened = simulate(velocity, replace(geometry, sponge_width=400), threads=1)
    gathers = by_surrogate(velocity, geometry)
    # Measured 1.2e-3, 2.7e-3, 2.1e-3.
    assert relative(gathers[:, :, 300:], opened[:, :, 300:]) < 4e-3


def test_adjoint_is_the_transpose_of_the_derivative() -> None:
    velocity, rng = rough(), np.random.default_rng(1)
    run = SurrogateOperator(velocity, SMALL, threads=1)
    direction = rng.normal(size=velocity.shape)
    residual = rng.normal(size=run.gathers.shape)
    ends = [by_surrogate(velocity + s * direction, SMALL) for s in STEPS]
    change = np.tensordot(SLOPE, ends, 1)
    expected = (change * residual).sum()
    # Measured 9e-13: the differences' own rounding.
    assert abs((run.vjp(residual) * direction).sum() - expected) < 1e-10 * abs(expected)


# A sixth-order central difference, at steps in m/s that balance its error and rounding.
STEPS = 0.3 * np.array([-3, -2, -1, 1, 2, 3])
SLOPE = np.array([-1, 9, -45, 45, -9, 1]) / 60 / 0.3


@pytest.mark.parametrize(
    "cell", [(0, 0), (11, 15), (0, 7), (11, 4), (6, 15), (6, 6), (1, 0), (1, 8), (1, 7)],
    ids=["corner", "far-corner", "top", "bottom", "side", "inside", "source", "other", "receiver"],
)  # fmt: skip
def test_gradient_equals_central_differences(
    cell: tuple[int, int], misfit: SurrogateOperator
) -> None:
    velocity = rough()
    ends = []
    for step in STEPS:
        moved = velocity.copy()
        moved[0][cell] += step
        ends.append((by_surrogate(moved, SMALL) ** 2).sum() / 2)
    gradient = misfit.vjp(misfit.gathers)[0]
    # Measured 6e-12 of the largest element at most: the differences' own rounding.
    assert abs(gradient[cell] - SLOPE @ ends) < 1e-10 * np.abs(gradient).max()


@pytest.fixture(scope="module")
def misfit() -> SurrogateOperator:
    """The rough map's gathers, ready for their gradient."""
    return SurrogateOperator(rough(), SMALL, threads=1)


def test_backward_run_is_the_transpose_of_the_forward_run() -> None:
    """Any signal injected at the source against any residual injected at the receivers."""
    inner, rng = replace(SMALL, sponge_width=13), np.random.default_rng(2)
    medium = KernelMedium.of_map(rough()[0], inner, 0.0, np.float64)
    layer, window, steps = make_layer(medium.grid, inner), medium.windows[1], (0, inner.nt)
    signal, residual = rng.normal(size=(inner.nt, 1)), rng.normal(size=(inner.nt, 3))
    source, receivers = medium.source_cells(1), medium.receiver_cells()
    courant2 = (medium.velocity * inner.dt / inner.dx) ** 2
    scaled = residual * courant2[inner.receiver_depth_idx, inner.receiver_idx]
    traces, back = np.empty((inner.nt, 3)), np.empty((inner.nt, 1))
    history, image = np.zeros(inner.nt * medium.grid.size), np.zeros_like(medium.grid.a)
    for added, stations, record, total in (
        ((source, signal), receivers, traces, None),
        ((receivers, scaled), source, back, image),
    ):
        p, d, *memory = medium.fields(6)
        run_steps(
            p, d, tuple(memory), medium.grid, layer, window, *steps,
            added, stations, record, history, total,
        )  # fmt: skip
    expected = (traces * residual).sum()
    # Measured 1.1e-14: rounding.
    assert abs((signal * back).sum() / courant2[medium.source(1)] - expected) < 1e-12 * abs(
        expected
    )


def test_gradient_of_a_full_map_in_float32() -> None:
    velocity = families.sample("CurveVel_B", 1, rng=200)
    geometry = replace(OPENFWI, source_x=(340.0,))
    gradients = []
    for dtype in (np.float32, np.float64):
        run = SurrogateOperator(velocity.astype(dtype), geometry, threads=1)
        gradients.append(run.vjp(run.gathers))
    # Measured 7e-7: float32 rounding.
    assert relative(*gradients) < 1e-5


def test_torch_gradient_equals_the_vjp(misfit: SurrogateOperator) -> None:
    velocity = torch.from_numpy(rough()).requires_grad_()
    gathers = simulate(velocity, SMALL, engine="surrogate", threads=2)
    (gathers**2).sum().div(2).backward()
    np.testing.assert_array_equal(gathers.detach().numpy(), misfit.gathers)
    assert velocity.grad is not None
    np.testing.assert_array_equal(velocity.grad.numpy(), misfit.vjp(misfit.gathers))


@pytest.mark.parametrize(
    ("nz", "nx", "width"), [(12, 16, 13), (33, 41, 5), (3, 3, 4)], ids=["usual", "thin", "tiny"]
)
def test_tangent_equals_central_differences(nz: int, nx: int, width: int) -> None:
    """Along white noise, which moves the sources' cells, the receivers' and the layers' too."""
    last = 10.0 * (nx - 1)
    geometry = replace(SMALL, nz=nz, nx=nx, source_x=(0.0, last), receiver_x=(0.0, 10.0, last))
    velocity = rough(geometry)
    direction = np.random.default_rng(1).normal(size=velocity.shape)
    run = SurrogateOperator(velocity, geometry, width=width, threads=1)
    ends = [
        SurrogateOperator(velocity + s * direction, geometry, width=width, threads=1).gathers
        for s in STEPS
    ]
    expected, change = np.tensordot(SLOPE, ends, 1), run.jvp(direction)
    # Measured 2e-11: the differences' own rounding.
    assert np.abs(change - expected).max() < 1e-9 * np.abs(expected).max()
    residual = np.random.default_rng(2).normal(size=change.shape)
    product = (change * residual).sum()
    # Measured 5e-15: rounding.
    assert abs((run.vjp(residual) * direction).sum() - product) < 1e-11 * abs(product)


def test_tangent_of_a_full_map() -> None:
    velocity = families.sample("CurveVel_B", 1, rng=200)
    direction = np.random.default_rng(1).normal(size=velocity.shape)
    geometry = replace(OPENFWI, source_x=(340.0,))
    runs = [
        SurrogateOperator(velocity.astype(t), geometry, threads=1) for t in (np.float32, np.float64)
    ]
    single, double = (run.jvp(direction) for run in runs)
    assert single.dtype == np.float32
    # Measured 4e-6: float32 rounding.
    assert relative(single, double) < 1e-5
    residual = runs[1].gathers
    product = (double * residual).sum()
    # Measured 7e-16: rounding. What the windows leave out is the same both ways.
    assert abs((runs[1].vjp(residual) * direction).sum() - product) < 1e-9 * abs(product)


def test_memory_does_not_change_the_gradient(misfit: SurrogateOperator) -> None:
    sparing = SurrogateOperator(rough(), SMALL, threads=1, memory=0.55)
    assert sparing._every is not None
    assert misfit._every is not None
    assert sparing._every > misfit._every
    np.testing.assert_array_equal(sparing.vjp(misfit.gathers), misfit.vjp(misfit.gathers))


def test_a_batch_is_its_samples() -> None:
    velocity = np.concatenate([rough(), rough(seed=1)])
    both = SurrogateOperator(velocity, SMALL, threads=2)
    gradient = both.vjp(both.gathers)
    for i in range(2):
        alone = SurrogateOperator(velocity[i : i + 1], SMALL, threads=1)
        np.testing.assert_array_equal(both.gathers[i], alone.gathers[0])
        np.testing.assert_array_equal(gradient[i], alone.vjp(alone.gathers)[0])


@pytest.mark.parametrize("speed", [1500.0, 4500.0])
def test_long_runs_stay_stable(speed: float) -> None:
    velocity = np.full((1, 70, 70), speed, np.float32)
    velocity[:, 35:] = 4500
    geometry = replace(OPENFWI, source_x=(0.0,), nt=4000)
    gathers = np.abs(by_surrogate(velocity, geometry))
    # Measured 4e-6 and 2e-6.
    assert gathers[..., 3000:, :].max() < 5e-5 * gathers.max()


@pytest.mark.parametrize(
    ("velocity", "error", "message"),
    [
        (np.full((1, 12, 16), np.nan), ValueError, "velocity must be finite"),
        (np.full((1, 12, 16), -2.0), ValueError, "velocity must be positive, in m/s"),
        (np.full((12, 16), 2000.0), ValueError, r"got \(12, 16\); add a batch axis"),
        (np.full((1, 12, 16), 2000j), TypeError, "float16, float32 or float64, got complex"),
        (np.full((1, 12, 16), 7000.0), ValueError, "dt must be at most"),
    ],
    ids=["nan", "negative", "no-batch-axis", "complex", "unstable"],
)
def test_bad_maps_are_refused(velocity: Array, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        by_surrogate(velocity)


def test_a_layer_too_thin_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be at least 2 cells, got 1"):
        SurrogateOperator(rough(), SMALL, width=1)
