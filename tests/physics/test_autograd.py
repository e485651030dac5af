"""Tensors of maps: which engine simulates them, and what torch is told about derivatives."""

import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from oracle import worst
from torch import Tensor
from torch.autograd import forward_ad

import fwi.physics.autograd as tensors
from fwi.geometry import AcquisitionGeometry
from fwi.physics.dense.operator import DenseLinearization
from fwi.physics.simulator import linearize, simulate

Array = npt.NDArray[np.floating]

GEOMETRY = AcquisitionGeometry(
    nz=12, nx=16, nt=60, source_x=(0.0, 80.0), receiver_x=(0.0, 70.0, 150.0), sponge_width=30
)
SHAPE = (2, 12, 16)
GATHERS = (2, *GEOMETRY.gather_shape)

# Torch's own, when it first differentiates forward.
jit_deprecated = pytest.mark.filterwarnings("ignore:`torch.jit.script:")


def white(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.fixture
def velocity() -> Tensor:
    """Two maps of white noise between 1500 and 4500 m/s."""
    return torch.from_numpy(np.random.default_rng(8).uniform(1500, 4500, SHAPE))


@pytest.fixture(params=["kernel", "dense"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine; the dense one takes the processor's tensors as if they were elsewhere."""
    name: str = request.param
    monkeypatch.setattr(tensors, "has_kernel", lambda device: name == "kernel")
    return name


def test_the_processor_has_the_kernel_and_others_have_not() -> None:
    assert tensors.has_kernel(torch.device("cpu"))
    assert not tensors.has_kernel(torch.device("cuda"))
    assert not tensors.has_kernel(torch.device("mps"))


@pytest.mark.parametrize("kernel", [True, False])
def test_the_device_decides_on_the_engine(
    kernel: bool, velocity: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []

    def spy(owner: type) -> None:
        plain = owner.simulate

        def simulate(*args: Any) -> Tensor:
            used.append(owner.__name__)
            return plain(*args)

        monkeypatch.setattr(owner, "simulate", simulate)

    spy(tensors._Kernel)
    spy(DenseLinearization)
    monkeypatch.setattr(tensors, "has_kernel", lambda device: kernel)
    simulate(velocity, GEOMETRY)
    assert used == ["_Kernel" if kernel else "DenseLinearization"]


@pytest.mark.usefixtures("engine")
def test_gathers_and_gradient_are_those_of_arrays(velocity: Tensor) -> None:
    linear = linearize(velocity.numpy(), GEOMETRY, memory=100.0)
    gathers = simulate(velocity.requires_grad_(), GEOMETRY)
    gathers.backward(white(GATHERS, 1))
    # Measured 2e-14: rounding.
    assert worst(gathers.detach(), linear.gathers) < 1e-12
    assert worst(velocity.grad, linear.vjp(white(GATHERS, 1).numpy())) < 1e-11


@pytest.mark.usefixtures("engine")
def test_samples_are_reported_in_order(velocity: Tensor) -> None:
    finished: list[int] = []
    simulate(velocity, GEOMETRY, on_sample=finished.append)
    assert finished == [0, 1]


@jit_deprecated
@pytest.mark.usefixtures("engine")
def test_forward_mode_gives_the_tangent(velocity: Tensor) -> None:
    direction = white(SHAPE, 1)
    expected = linearize(velocity.numpy(), GEOMETRY).jvp(direction.numpy())
    with forward_ad.dual_level():
        gathers = simulate(forward_ad.make_dual(velocity, direction), GEOMETRY)
        tangent = forward_ad.unpack_dual(gathers).tangent
    assert worst(tangent, expected) < 1e-11
    _, tangent = torch.func.jvp(lambda v: simulate(v, GEOMETRY), (velocity,), (direction,))
    assert worst(tangent, expected) < 1e-11


@jit_deprecated
@pytest.mark.usefixtures("engine")
def test_forward_mode_follows_the_sponge_alone(velocity: Tensor) -> None:
    lowest, rates = torch.tensor([1500.0, 1300.0]).double(), white((2,), 1)
    linear = linearize(velocity.numpy(), GEOMETRY, vmin=lowest.numpy())
    _, tangent = torch.func.jvp(
        lambda low: simulate(velocity, GEOMETRY, vmin=low), (lowest,), (rates,)
    )
    assert worst(tangent, linear.jvp(np.zeros(SHAPE), rates.numpy())) < 1e-11


@pytest.mark.usefixtures("engine")
def test_functional_gradient_is_the_gradient(velocity: Tensor) -> None:
    def misfit(v: Tensor) -> Tensor:
        return simulate(v, GEOMETRY).square().sum()

    got = torch.func.grad(misfit)(velocity)
    (expected,) = torch.autograd.grad(misfit(velocity.requires_grad_()), velocity)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("wants_map", [True, False])
@pytest.mark.parametrize("wants_vmin", [True, False])
def test_gradients_go_where_they_are_wanted(
    velocity: Tensor, wants_map: bool, wants_vmin: bool
) -> None:
    velocity.requires_grad_(wants_map)
    # A dtype other than the maps': each gradient has its input's.
    lowest = torch.tensor([1500.0, 1300.0], requires_grad=wants_vmin)
    gathers = simulate(velocity, GEOMETRY, vmin=lowest)
    assert gathers.requires_grad == (wants_map or wants_vmin)
    linear = linearize(velocity.detach().numpy(), GEOMETRY, vmin=lowest.detach(), memory=100.0)
    residual = white(GATHERS, 1)
    if gathers.requires_grad:
        gathers.backward(residual)
    assert (velocity.grad is not None) == wants_map
    assert (lowest.grad is not None) == wants_vmin
    if velocity.grad is not None:
        assert worst(velocity.grad, linear.vjp(residual.numpy())) < 1e-11
    if lowest.grad is not None:
        assert lowest.grad.dtype == torch.float32
        # Measured 2.5e-8: rounding to its dtype.
        assert worst(lowest.grad, linear.vmin_vjp(residual.numpy())) < 1e-7


@pytest.mark.usefixtures("engine")
def test_vmin_may_be_an_array_or_a_list(velocity: Tensor) -> None:
    expected = simulate(velocity, GEOMETRY, vmin=torch.tensor([1500.0, 1300.0]))
    for lowest in ([1500.0, 1300.0], np.array([1500.0, 1300.0])):
        np.testing.assert_array_equal(simulate(velocity, GEOMETRY, vmin=lowest), expected)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_gradient_has_the_dtype_of_the_maps(velocity: Tensor, dtype: torch.dtype) -> None:
    v = velocity.to(dtype).requires_grad_()
    gathers = simulate(v, GEOMETRY)
    assert gathers.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    # Scaled to some 1e3, well within float16.
    (1e2 * gathers).square().sum().backward()
    assert v.grad is not None
    assert v.grad.dtype == dtype
    double = v.detach().double().requires_grad_()
    (1e2 * simulate(double, GEOMETRY)).square().sum().backward()
    # Measured 2e-4 and 2e-6: rounding to the dtype, and in float32 of the run.
    bound = {torch.float16: 1e-3, torch.float32: 1e-5, torch.float64: 1e-11}[dtype]
    assert worst(v.grad.double(), double.grad) < bound


def operator(engine: str) -> Any:
    if engine == "dense":
        return DenseLinearization(GEOMETRY, 100.0)
    return tensors._Kernel(GEOMETRY, 1, 100.0, None)


def followed(velocity: Tensor, engine: str) -> tuple[Tensor, weakref.ref]:
    """Gathers, and a look at the operator with the wavefields behind them."""
    behind = operator(engine)
    return tensors.differentiable(velocity, None, behind), weakref.ref(behind)


def test_wavefields_are_let_go_after_backward(velocity: Tensor, engine: str) -> None:
    gathers, behind = followed(velocity.requires_grad_(), engine)
    gathers.sum().backward(retain_graph=True)
    assert behind() is not None
    gathers.sum().backward()
    assert behind() is None


def test_wavefields_are_let_go_with_the_gathers(velocity: Tensor, engine: str) -> None:
    gathers, behind = followed(velocity.requires_grad_(), engine)
    assert behind() is not None
    del gathers
    assert behind() is None


def test_nothing_is_kept_where_gradients_are_off(velocity: Tensor, engine: str) -> None:
    with torch.no_grad():
        _, behind = followed(velocity.requires_grad_(), engine)
    assert behind() is None
    frozen = operator(engine)
    lowest = torch.tensor([1500.0, 1300.0], requires_grad=True)
    gathers = tensors.differentiable(velocity.detach(), lowest, frozen)
    with pytest.raises(ValueError, match="vjp"):
        frozen.vjp(gathers.detach())


@pytest.mark.usefixtures("engine")
def test_second_backward_is_refused_as_usual(velocity: Tensor) -> None:
    gathers = simulate(velocity.requires_grad_(), GEOMETRY)
    gathers.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        gathers.sum().backward()


@pytest.mark.usefixtures("engine")
def test_retained_graph_gives_the_same_gradient_again(velocity: Tensor) -> None:
    misfit = simulate(velocity.requires_grad_(), GEOMETRY).square().sum()
    (first,) = torch.autograd.grad(misfit, velocity, retain_graph=True)
    (second,) = torch.autograd.grad(misfit, velocity)
    np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("engine")
def test_second_derivative_is_refused(velocity: Tensor) -> None:
    misfit = simulate(velocity.requires_grad_(), GEOMETRY).square().sum()
    (slope,) = torch.autograd.grad(misfit, velocity, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def with_value(value: float) -> Tensor:
    velocity = torch.full(SHAPE, 2000.0)
    velocity[0, 3, 4] = value
    return velocity


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("velocity", "vmin", "error", "message"),
    [
        (with_value(np.nan), None, ValueError, r"velocity must be finite, got 1 NaN.*\(0, 3, 4\)"),
        (with_value(-2.0), None, ValueError, "velocity must be positive, in m/s"),
        (torch.full((12, 16), 2e3), None, ValueError, r"got \(12, 16\); add a batch axis"),
        (torch.full((1, 12, 17), 2e3), None, ValueError, r"must be \(n, 12, 16\)"),
        (torch.full(SHAPE, 2000), None, TypeError, "float16, float32 or float64, got int64"),
        (torch.full(SHAPE, 9e3), None, ValueError, "dt must be at most"),
        (torch.full(SHAPE, 2e3), [2e3], ValueError, r"vmin must be \(2\), got \(1,\)"),
        (torch.full(SHAPE, 2e3), [2e3, -1.0], ValueError, "vmin must be positive"),
    ],
    ids=["nan", "negative", "no-batch-axis", "size", "integer", "unstable", "vmins", "vmin"],
)
def test_bad_maps_are_refused(
    velocity: Tensor, vmin: list[float] | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        simulate(velocity, GEOMETRY, vmin=vmin)


@pytest.mark.usefixtures("engine")
def test_too_little_memory_is_refused(velocity: Tensor) -> None:
    with pytest.raises(ValueError, match="memory must be at least"):
        simulate(velocity.requires_grad_(), replace(GEOMETRY, nt=200), threads=1, memory=0.1)
