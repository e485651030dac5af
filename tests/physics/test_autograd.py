"""Tensors of maps: what torch is told about derivatives, whatever the engine."""

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

from fwi.geometry import AcquisitionGeometry
from fwi.physics import simulator
from fwi.physics.autograd import differentiable
from fwi.physics.operator import Operator
from fwi.physics.simulator import linearize, simulate

Array = npt.NDArray[np.floating]

GEOMETRY = AcquisitionGeometry(
    nz=12, nx=16, nt=60, source_x=(0.0, 80.0), receiver_x=(0.0, 70.0, 150.0), sponge_width=30
)
SHAPE = (2, 12, 16)
GATHERS = (2, *GEOMETRY.gather_shape)


def white(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.fixture
def velocity() -> Tensor:
    """Two maps of white noise between 1500 and 4500 m/s."""
    return torch.from_numpy(np.random.default_rng(8).uniform(1500, 4500, SHAPE))


@pytest.fixture(params=["kernel", "dense", "surrogate"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine behind the same function."""
    name: str = request.param
    return name


def of_arrays(velocity: Tensor, engine: str, **how: Any) -> Operator:
    """What tensors are compared with: the kernel, for torch operations too, or the surrogate."""
    same_scheme = "surrogate" if engine == "surrogate" else "kernel"
    return linearize(velocity.detach().numpy(), GEOMETRY, engine=same_scheme, **how)


def assert_close(got: Tensor | None, expected: Array, bound: float) -> None:
    """Compare within a part of the largest expected value, exactly where all are zero."""
    assert got is not None
    np.testing.assert_allclose(got.detach(), expected, rtol=0, atol=bound * np.abs(expected).max())


def test_gathers_and_gradient_are_those_of_arrays(velocity: Tensor, engine: str) -> None:
    linear = of_arrays(velocity, engine)
    gathers = simulate(velocity.requires_grad_(), GEOMETRY, engine=engine)
    gathers.backward(white(GATHERS, 1))
    # Measured 2e-14: rounding.
    assert_close(gathers, linear.gathers, 1e-12)
    assert_close(velocity.grad, linear.vjp(white(GATHERS, 1).numpy()), 1e-11)


def test_gathers_may_be_changed_in_place(velocity: Tensor, engine: str) -> None:
    expected = of_arrays(velocity, engine).vjp(np.ones(GATHERS))
    gathers = simulate(velocity.requires_grad_(), GEOMETRY, engine=engine)
    gathers -= 1
    gathers.sum().backward()
    # Rounding.
    assert_close(velocity.grad, expected, 1e-11)


def test_samples_are_reported_in_order(velocity: Tensor, engine: str) -> None:
    finished: list[int] = []
    simulate(velocity, GEOMETRY, engine=engine, on_sample=finished.append)
    assert finished == [0, 1]


def test_forward_mode_gives_the_tangent(velocity: Tensor, engine: str) -> None:
    direction = white(SHAPE, 1)
    expected = of_arrays(velocity, engine).jvp(direction.numpy())
    with forward_ad.dual_level():
        gathers = simulate(forward_ad.make_dual(velocity, direction), GEOMETRY, engine=engine)
        tangent = forward_ad.unpack_dual(gathers).tangent
    assert_close(tangent, expected, 1e-11)
    _, tangent = torch.func.jvp(
        lambda v: simulate(v, GEOMETRY, engine=engine), (velocity,), (direction,)
    )
    assert_close(tangent, expected, 1e-11)


def test_forward_mode_follows_the_sponge_alone(velocity: Tensor, engine: str) -> None:
    lowest, rates = torch.tensor([1500.0, 1300.0]).double(), white((2,), 1)
    linear = of_arrays(velocity, engine, vmin=lowest.numpy())
    _, tangent = torch.func.jvp(
        lambda low: simulate(velocity, GEOMETRY, vmin=low, engine=engine), (lowest,), (rates,)
    )
    assert_close(tangent, linear.jvp(np.zeros(SHAPE), rates.numpy()), 1e-11)


def test_functional_gradient_is_the_gradient(velocity: Tensor, engine: str) -> None:
    def misfit(v: Tensor) -> Tensor:
        return simulate(v, GEOMETRY, engine=engine).square().sum()

    got = torch.func.grad(misfit)(velocity)
    (expected,) = torch.autograd.grad(misfit(velocity.requires_grad_()), velocity)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("wants_map", [True, False])
@pytest.mark.parametrize("wants_vmin", [True, False])
def test_gradients_go_where_they_are_wanted(
    velocity: Tensor, engine: str, wants_map: bool, wants_vmin: bool
) -> None:
    velocity.requires_grad_(wants_map)
    # A dtype other than the maps': each gradient has its input's.
    lowest = torch.tensor([1500.0, 1300.0], requires_grad=wants_vmin)
    gathers = simulate(velocity, GEOMETRY, vmin=lowest, engine=engine)
    assert gathers.requires_grad == (wants_map or wants_vmin)
    linear = of_arrays(velocity, engine, vmin=lowest.detach())
    residual = white(GATHERS, 1)
    if gathers.requires_grad:
        gathers.backward(residual)
    assert (velocity.grad is not None) == wants_map
    assert (lowest.grad is not None) == wants_vmin
    if velocity.grad is not None:
        assert_close(velocity.grad, linear.vjp(residual.numpy()), 1e-11)
    if lowest.grad is not None:
        assert lowest.grad.dtype == torch.float32
        # Measured 2.5e-8: rounding to its dtype.
        assert_close(lowest.grad, linear.vmin_vjp(residual.numpy()), 1e-7)


def test_vmin_may_be_an_array_or_a_list(velocity: Tensor, engine: str) -> None:
    expected = simulate(velocity, GEOMETRY, vmin=torch.tensor([1500.0, 1300.0]), engine=engine)
    for lowest in ([1500.0, 1300.0], np.array([1500.0, 1300.0])):
        gathers = simulate(velocity, GEOMETRY, vmin=lowest, engine=engine)
        np.testing.assert_array_equal(gathers, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_gradient_has_the_dtype_of_the_maps(
    velocity: Tensor, engine: str, dtype: torch.dtype
) -> None:
    v = velocity.to(dtype).requires_grad_()
    gathers = simulate(v, GEOMETRY, engine=engine)
    assert gathers.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    # Scaled to some 1e3, well within float16.
    (1e2 * gathers).square().sum().backward()
    assert v.grad is not None
    assert v.grad.dtype == dtype
    double = v.detach().double().requires_grad_()
    (1e2 * simulate(double, GEOMETRY, engine=engine)).square().sum().backward()
    # Measured 2e-4 and 2e-6: rounding to the dtype, and in float32 of the run.
    bound = {torch.float16: 1e-3, torch.float32: 1e-5, torch.float64: 1e-11}[dtype]
    assert worst(v.grad.double(), double.grad) < bound


def followed(velocity: Tensor, engine: str) -> tuple[Tensor, weakref.ref]:
    """Gathers, and a look at the operator with the wavefields behind them."""
    behind: list[weakref.ref] = []

    def make(maps: Tensor, vmin: Tensor | None, keep: bool) -> Operator:
        operator = linearize(
            maps, GEOMETRY, vmin=vmin, engine=engine, memory=100.0 if keep else None
        )
        behind.append(weakref.ref(operator))
        return operator

    return differentiable(velocity, None, make), behind[0]


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


@pytest.mark.parametrize("wants_map", [True, False])
def test_wavefields_are_kept_for_gradients_of_maps_alone(
    velocity: Tensor, engine: str, wants_map: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    memories: list[float | None] = []
    plain = simulator.linearize

    def spy(*maps: Any, memory: float | None, **how: Any) -> Operator:
        memories.append(memory)
        return plain(*maps, memory=memory, **how)

    monkeypatch.setattr(simulator, "linearize", spy)
    lowest = torch.tensor([1500.0, 1300.0], requires_grad=True)
    simulate(velocity.requires_grad_(wants_map), GEOMETRY, vmin=lowest, engine=engine, memory=90.0)
    assert memories == [90.0 if wants_map else None]


def test_second_backward_is_refused_as_usual(velocity: Tensor, engine: str) -> None:
    gathers = simulate(velocity.requires_grad_(), GEOMETRY, engine=engine)
    gathers.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        gathers.sum().backward()


def test_retained_graph_gives_the_same_gradient_again(velocity: Tensor, engine: str) -> None:
    misfit = simulate(velocity.requires_grad_(), GEOMETRY, engine=engine).square().sum()
    (first,) = torch.autograd.grad(misfit, velocity, retain_graph=True)
    (second,) = torch.autograd.grad(misfit, velocity)
    np.testing.assert_array_equal(first, second)


def test_second_derivative_is_refused(velocity: Tensor, engine: str) -> None:
    misfit = simulate(velocity.requires_grad_(), GEOMETRY, engine=engine).square().sum()
    (slope,) = torch.autograd.grad(misfit, velocity, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def with_value(value: float) -> Tensor:
    velocity = torch.full(SHAPE, 2000.0)
    velocity[0, 3, 4] = value
    return velocity


@pytest.mark.parametrize(
    ("velocity", "vmin", "error", "message"),
    [
        (with_value(np.nan), None, ValueError, r"velocity must be finite, got 1 NaN.*\(0, 3, 4\)"),
        (with_value(-2.0), None, ValueError, "velocity must be positive, in m/s"),
        (torch.full((12, 16), 2e3), None, ValueError, r"got \(12, 16\); add a batch axis"),
        (torch.full((1, 12, 17), 2e3), None, ValueError, r"must be \(n, 12, 16\)"),
        (torch.ones(SHAPE, dtype=bool), None, TypeError, "float16, float32 or float64, got bool"),
        (torch.full(SHAPE, 9e3), None, ValueError, "dt must be at most"),
        (torch.full(SHAPE, 2e3), [2e3], ValueError, r"vmin must be \(2\), got \(1,\)"),
        (torch.full(SHAPE, 2e3), [2e3, -1.0], ValueError, "vmin must be positive"),
    ],
    ids=["nan", "negative", "no-batch-axis", "size", "truths", "unstable", "vmins", "vmin"],
)
def test_bad_maps_are_refused(
    velocity: Tensor,
    vmin: list[float] | None,
    error: type[Exception],
    message: str,
    engine: str,
) -> None:
    with pytest.raises(error, match=message):
        simulate(velocity, GEOMETRY, vmin=vmin, engine=engine)


def test_too_little_memory_is_refused(velocity: Tensor, engine: str) -> None:
    with pytest.raises(ValueError, match="memory must be at least"):
        simulate(velocity.requires_grad_(), replace(GEOMETRY, nt=200), engine=engine, memory=0.1)
