"""The scheme in torch operations against the compiled kernel, and against itself compiled."""

import shutil
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from oracle import white, worst
from torch import Tensor

from fwi import families
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.autograd import differentiable
from fwi.physics.dense import operator as dense
from fwi.physics.dense.operator import DenseOperator
from fwi.physics.dense.steps import Steps, pays_to_compile, prepare, record_steps
from fwi.physics.operator import Operator
from fwi.physics.simulator import linearize, simulate

Array = npt.NDArray[np.floating]

# 300 steps are 15 whole calls; a wave crosses this map and its sponge a few times.
GEOMETRY = AcquisitionGeometry(
    nz=22,
    nx=27,
    nt=300,
    source_x=(0.0, 170.0),
    source_depth=20.0,
    receiver_x=tuple(10.0 * i for i in range(27)),
    sponge_width=30,
)
# 50 steps end within a call.
TINY = AcquisitionGeometry(
    nz=5, nx=6, nt=50, source_x=(0.0, 30.0), receiver_x=(20.0, 50.0), sponge_width=12
)
MEMORY = 400.0


def maps(geometry: AcquisitionGeometry, batch: int = 2) -> Array:
    """White noise between 1500 and 4500 m/s, (batch, nz, nx): each map has its own minimum."""
    shape = (batch, geometry.nz, geometry.nx)
    return np.random.default_rng(8).uniform(1500, 4500, shape)


def by_kernel(velocity: Array, geometry: AcquisitionGeometry) -> Operator:
    return linearize(velocity, geometry, engine="kernel", threads=1)


def simulate_dense(
    velocity: Tensor,
    vmin: Tensor | None,
    geometry: AcquisitionGeometry,
    memory: float,
) -> Tensor:
    return simulate(velocity, geometry, vmin=vmin, engine="dense", memory=memory)


def with_gradient(
    velocity: Array, residual: Array, geometry: AcquisitionGeometry
) -> tuple[Array, Array]:
    """The dense engine's gathers, and the gradient of <gathers, residual>."""
    v = torch.tensor(velocity, requires_grad=True)
    gathers = simulate_dense(v, None, geometry, MEMORY)
    gathers.backward(torch.from_numpy(residual).to(gathers))
    assert v.grad is not None
    return gathers.detach().numpy(), v.grad.numpy()


@pytest.mark.parametrize("batch", [1, 3])
def test_float64_equals_the_kernel(batch: int) -> None:
    velocity = maps(GEOMETRY, batch)
    kernel = by_kernel(velocity, GEOMETRY)
    residual = white(kernel.gathers.shape, 3)
    gathers, slope = with_gradient(velocity, residual, GEOMETRY)
    assert gathers.dtype == np.float64
    # Measured 9e-16: rounding alone, since this map is too small for the kernel's pruning.
    assert worst(gathers, kernel.gathers) < 1e-13
    # Measured 3e-14: rounding.
    assert worst(slope, kernel.vjp(residual)) < 1e-11


def test_float32_equals_the_kernel_in_float64() -> None:
    velocity = maps(GEOMETRY)
    kernel = by_kernel(velocity, GEOMETRY)
    residual = white(kernel.gathers.shape, 3)
    gathers, slope = with_gradient(velocity.astype(np.float32), residual, GEOMETRY)
    assert gathers.dtype == slope.dtype == np.float32
    # Measured 3.6e-7: float32 rounding of 300 steps; the kernel's own is 2.6e-7.
    assert worst(gathers, kernel.gathers) < 2e-6
    # Measured 8e-6: float32 rounding of the fields and of the sum over 300 steps, whose terms
    # largely cancel for this residual; the kernel's own is 7e-6.
    assert worst(slope, kernel.vjp(residual)) < 3e-5


def test_float16_maps_are_simulated_in_float32() -> None:
    half = torch.from_numpy(maps(TINY)).half()
    gathers = simulate_dense(half, None, TINY, MEMORY)
    assert gathers.dtype == torch.float32
    np.testing.assert_array_equal(gathers, simulate_dense(half.float(), None, TINY, MEMORY))


def test_full_size_map_equals_the_kernel() -> None:
    geometry = replace(OPENFWI, nt=60, source_x=(170.0, 520.0))
    velocity = families.sample("CurveFault_B", 1, rng=5).astype(np.float64)
    kernel = by_kernel(velocity, geometry)
    residual = white(kernel.gathers.shape, 3)
    gathers, slope = with_gradient(velocity, residual, geometry)
    # Measured 5e-16 and 8e-15: in 60 steps nothing that the kernel leaves out matters. After 1000
    # it does, 6e-13 and 3e-10.
    assert worst(gathers, kernel.gathers) < 1e-10
    assert worst(slope, kernel.vjp(residual)) < 1e-9


@pytest.mark.parametrize(
    "change",
    [
        {"source_x": (130.0,)},
        {"receiver_x": (30.0, 30.0, 210.0)},
        {"source_x": (130.0, 130.0), "source_depth": 210.0, "receiver_depth": 0.0},
        {"nt": 7},
    ],
    ids=["one-shot", "few-receivers-one-twice", "deep-shots-one-twice", "shorter-than-the-pulse"],
)
def test_other_acquisitions_equal_the_kernel(change: dict) -> None:
    geometry = replace(GEOMETRY, **{"nt": 90, **change})
    velocity = maps(geometry)
    kernel = by_kernel(velocity, geometry)
    residual = white(kernel.gathers.shape, 3)
    gathers, slope = with_gradient(velocity, residual, geometry)
    # Measured 7e-16 and 8e-14 at most: rounding.
    assert worst(gathers, kernel.gathers) < 1e-13
    assert worst(slope, kernel.vjp(residual)) < 1e-11


def test_gradient_with_respect_to_vmin_equals_the_kernel() -> None:
    velocity, lowest = maps(GEOMETRY), np.array([1500.0, 1300.0])
    kernel = linearize(velocity, GEOMETRY, vmin=lowest, threads=1)
    residual = white(kernel.gathers.shape, 3)
    v, vmin = (torch.tensor(x, requires_grad=True) for x in (velocity, lowest))
    simulate_dense(v, vmin, GEOMETRY, MEMORY).backward(torch.from_numpy(residual))
    # Measured 1e-14 and 8e-15: rounding.
    assert worst(v.grad, kernel.vjp(residual)) < 1e-11
    assert worst(vmin.grad, kernel.vmin_vjp(residual)) < 1e-11


def test_tangent_equals_the_kernel() -> None:
    velocity, lowest = maps(GEOMETRY), np.array([1500.0, 1300.0])
    direction, rates = white(velocity.shape, 1), white((2,), 2)
    kernel = linearize(velocity, GEOMETRY, vmin=lowest, threads=1)
    _, change = torch.func.jvp(
        lambda v, low: simulate_dense(v, low, GEOMETRY, MEMORY),
        (torch.from_numpy(velocity), torch.from_numpy(lowest)),
        (torch.from_numpy(direction), torch.from_numpy(rates)),
    )
    # Measured 2e-14: rounding.
    assert worst(change, kernel.jvp(direction, rates)) < 1e-11


def test_derivatives_are_those_of_central_differences() -> None:
    """Backward and forward, with respect to maps and sponges; a scaled map suits the step."""
    scaled = torch.from_numpy(maps(TINY) / 1e3).requires_grad_()
    lowest = torch.tensor([1.4, 1.2], dtype=torch.float64, requires_grad=True)

    def gathers(maps_km: Tensor, low_km: Tensor) -> Tensor:
        return 1e3 * simulate_dense(1e3 * maps_km, 1e3 * low_km, TINY, MEMORY)

    assert torch.autograd.gradcheck(
        gathers,
        (scaled, lowest),
        eps=1e-5,
        atol=1e-7,
        rtol=1e-6,
        check_forward_ad=True,
        fast_mode=True,
    )


def kept_in(memory: float) -> DenseOperator:
    """A simulation in 75 calls of four steps, within a memory."""
    return DenseOperator(torch.from_numpy(maps(GEOMETRY)), GEOMETRY, memory=memory, steps=4)


def test_little_memory_gives_the_same_gradient() -> None:
    # Every fourth call leaves three at the end.
    few, many = kept_in(6.2), kept_in(MEMORY)
    assert (few._every, many._every) == (4, 1)
    residual = torch.from_numpy(white(tuple(few.gathers.shape), 3))
    np.testing.assert_array_equal(few.vjp(residual), many.vjp(residual))


@pytest.mark.parametrize("memory", [5.8, 8.0, MEMORY])
def test_wavefields_keep_within_the_memory(memory: float) -> None:
    linear = kept_in(memory)
    held = sum(p.nbytes + d.nbytes for p, d in linear._checkpoints)
    assert linear._every is not None
    held += 4 * linear._every * linear._checkpoints[0][0].nbytes
    assert held / 2 <= 1e6 * memory  # two samples


def test_too_little_memory_is_refused() -> None:
    v = torch.from_numpy(maps(GEOMETRY)).requires_grad_()
    with pytest.raises(ValueError, match=r"memory must be at least \d+ MB a sample .* 2 shots"):
        simulate_dense(v, None, GEOMETRY, memory=1.0)


def test_memory_does_not_matter_without_a_gradient() -> None:
    simulate_dense(torch.from_numpy(maps(TINY)), None, TINY, memory=0.0)


def test_gradient_needs_what_the_simulation_kept() -> None:
    linear = DenseOperator(torch.from_numpy(maps(TINY)), TINY, memory=None)
    with pytest.raises(ValueError, match="memory must be given for vjp"):
        linear.vjp(linear.gathers)


def test_steps_are_compiled_on_a_gpu_alone() -> None:
    assert pays_to_compile(torch.device("cuda"))
    assert not pays_to_compile(torch.device("cpu"))


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, True), (True, True), (False, False)], ids=str
)
def test_steps_are_compiled_where_it_pays_unless_asked_otherwise(
    asked: bool | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[bool] = []

    def spy(steps: Steps, compile_them: bool) -> Steps:
        compiled.append(compile_them)
        return steps

    monkeypatch.setattr(dense, "prepare", spy)
    monkeypatch.setattr(dense, "pays_to_compile", lambda device: True)
    linear = DenseOperator(torch.from_numpy(maps(TINY)), TINY, compiled=asked)
    linear.vjp(linear.gathers)
    assert compiled == 3 * [expected]


def derivatives(velocity: Tensor, compiled: bool) -> list[Tensor]:
    """Gathers, gradient and tangent in calls of two steps, which compile in seconds."""
    geometry = replace(TINY, nt=25)

    def make(v: Tensor, vmin: Tensor | None, keep: bool) -> DenseOperator:
        return DenseOperator(v, geometry, vmin=vmin, compiled=compiled, steps=2)

    def run(v: Tensor) -> Tensor:
        return differentiable(v, None, make)

    v = velocity.clone().requires_grad_()
    gathers = run(v)
    gathers.backward(torch.from_numpy(white(tuple(gathers.shape), 3)))
    _, tangent = torch.func.jvp(run, (velocity,), (torch.ones_like(velocity),))
    assert v.grad is not None
    return [gathers.detach(), v.grad, tangent]


@pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="torch.compile needs a compiler"
)
def test_compiled_steps_equal_plain_ones() -> None:
    """What runs on a GPU, but for the replayed graph: some 35 s, or 4 s from the cache."""
    assert prepare(record_steps, compiled=True) is not record_steps
    velocity = torch.from_numpy(maps(TINY))
    plain, fused = derivatives(velocity, compiled=False), derivatives(velocity, compiled=True)
    # Measured 0: the same operations, which a compiler may yet contract or order otherwise.
    assert max(map(worst, fused, plain)) < 1e-12


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.filterwarnings("ignore:TensorFloat32")
def test_gpu_equals_the_kernel() -> None:
    velocity = maps(GEOMETRY)
    kernel = by_kernel(velocity, GEOMETRY)
    residual = white(kernel.gathers.shape, 3)
    v = torch.tensor(velocity, device="cuda", requires_grad=True)
    gathers = simulate_dense(v, None, GEOMETRY, MEMORY)
    gathers.backward(torch.from_numpy(residual).cuda())
    assert v.grad is not None
    # Rounding, as on the processor.
    assert worst(gathers.detach().cpu(), kernel.gathers) < 1e-12
    assert worst(v.grad.cpu(), kernel.vjp(residual)) < 1e-10
