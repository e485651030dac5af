"""Every optimizer in step with torch.optim's, on arrays of NumPy and of torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from fwi.core.layer import Layer
from fwi.core.optimizer import Optimizer
from fwi.core.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSProp,
)
from fwi.schedules import one_cycle, one_cycle_momentum

Array = Any
TorchMaker = Callable[..., torch.optim.Optimizer]

PAIRS: list[tuple[Optimizer, TorchMaker]] = [
    (SGD(0.05), partial(torch.optim.SGD, lr=0.05)),
    (Momentum(0.02, momentum=0.8), partial(torch.optim.SGD, lr=0.02, momentum=0.8)),
    (
        Nesterov(0.02, momentum=0.8),
        partial(torch.optim.SGD, lr=0.02, momentum=0.8, nesterov=True),
    ),
    (AdaGrad(0.05), partial(torch.optim.Adagrad, lr=0.05)),
    (AdaGrad(0.05, decay=0.03), partial(torch.optim.Adagrad, lr=0.05, lr_decay=0.03)),
    (RMSProp(0.01, memory=0.95), partial(torch.optim.RMSprop, lr=0.01, alpha=0.95)),
    (RMSProp(0.01, eps=1e-2), partial(torch.optim.RMSprop, lr=0.01, eps=1e-2)),
    (Adam(0.02), partial(torch.optim.Adam, lr=0.02)),
    (
        Adam(0.02, beta1=0.8, beta2=0.95, eps=1e-2),
        partial(torch.optim.Adam, lr=0.02, betas=(0.8, 0.95), eps=1e-2),
    ),
    (AdamW(0.02, weight_decay=0.3), partial(torch.optim.AdamW, lr=0.02, weight_decay=0.3)),
]
LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}
# About a hundred operations on values of order 1, each rounded to 1e-16.
TOLERANCE = 1e-12


class Bowl(Layer):
    """A layer of two parameters, whose gradients the tests set by themselves."""

    def __init__(self, dtype: type = np.float64) -> None:
        super().__init__()
        rng = np.random.default_rng(7)
        self.params = {
            "weight": rng.normal(size=(3, 4)).astype(dtype),
            "bias": rng.normal(size=5).astype(dtype),
        }

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give x."""
        return x

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx."""
        return gradient


def slope(w: Array, step: int) -> Array:
    """The gradient of a different bowl at every step, so that moments matter."""
    return w * w * w + (1 + step % 3) * (w - 0.5)


def ours_after(
    optimizer: Optimizer, layer: Layer, steps: int, schedule: Any = None, momentum: Any = None
) -> Array:
    """Make some steps; give all parameters after each, (steps, 17)."""
    path = []
    for step in range(steps):
        if momentum:
            optimizer.set_momentum(momentum(step))
        layer.grads = {name: slope(w, step) for name, w in layer.params.items()}
        optimizer.step(layer, schedule(step) if schedule else None)
        path.append(np.concatenate([np.asarray(w).ravel() for w in layer.params.values()]))
    return np.stack(path)


def torch_after(
    make: TorchMaker, steps: int, schedule: Any = None, l2: float = 0.0, momentum: Any = None
) -> Array:
    """The same steps by torch; a penalty that its optimizer does not know goes to the slope."""
    values = [torch.tensor(w) for w in Bowl().params.values()]
    optimizer, path = make(values), []
    for step in range(steps):
        for value in values:
            value.grad = slope(value, step) + l2 * value
        if schedule:
            optimizer.param_groups[0]["lr"] = schedule(step)
        if momentum:
            group, value = optimizer.param_groups[0], momentum(step)
            key = "betas" if "betas" in group else "momentum"
            group[key] = (value, group["betas"][1]) if key == "betas" else value
        optimizer.step()
        path.append(torch.cat([value.ravel() for value in values]).numpy().copy())
    return np.stack(path)


def fresh(optimizer: Optimizer, **changed: float) -> Optimizer:
    return type(optimizer)(**(optimizer.settings() | changed))


def assert_same(path: Array, expected: Array) -> None:
    np.testing.assert_allclose(path, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("optimizer", "make"), PAIRS, ids=lambda v: repr(v)[:20])
def test_a_hundred_steps_are_torchs(optimizer: Optimizer, make: TorchMaker, library: str) -> None:
    layer = Bowl()
    layer.convert(LIBRARIES[library])
    assert_same(ours_after(fresh(optimizer), layer, 100), torch_after(make, 100))


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [p for p in PAIRS if not isinstance(p[0], AdamW)],
    ids=lambda v: repr(v)[:20],
)
def test_the_coupled_penalty_is_torchs_weight_decay(optimizer: Optimizer, make: TorchMaker) -> None:
    path = ours_after(fresh(optimizer, l2=0.2), Bowl(), 100)
    assert_same(path, torch_after(partial(make, weight_decay=0.2), 100))


# torch's Adagrad decays the rate that it is given once more; ours takes a schedule's as it is.
@pytest.mark.parametrize(
    ("optimizer", "make"), [p for p in PAIRS if not p[0].decay], ids=lambda v: repr(v)[:20]
)
def test_a_schedule_sets_every_steps_rate(optimizer: Optimizer, make: TorchMaker) -> None:
    def schedule(step: int) -> float:
        return one_cycle(step, 100, peak=0.02, warmup=0.3)

    path = ours_after(fresh(optimizer), Bowl(), 100, schedule=schedule)
    assert_same(path, torch_after(make, 100, schedule))


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [p for p in PAIRS if {"momentum", "beta1"} & p[0].settings().keys()],
    ids=lambda v: repr(v)[:20],
)
def test_momentum_is_cycled_as_torchs(optimizer: Optimizer, make: TorchMaker) -> None:
    cycle = partial(one_cycle_momentum, total=100, low=0.7, high=0.95)
    path = ours_after(fresh(optimizer), Bowl(), 100, momentum=cycle)
    assert_same(path, torch_after(make, 100, momentum=cycle))


def test_a_rule_without_momentum_or_with_a_wrong_one_says_so() -> None:
    with pytest.raises(TypeError, match="optimizer must have momentum, got SGD; leave it out"):
        SGD().set_momentum(0.9)
    with pytest.raises(ValueError, match="momentum must be at least 0 and below 1, got 1"):
        Momentum().set_momentum(1.0)


def test_rate_decays_with_the_inverse_of_the_steps() -> None:
    path = ours_after(SGD(0.05, decay=0.1), Bowl(), 100)
    expected = torch_after(partial(torch.optim.SGD, lr=1.0), 100, lambda t: 0.05 / (1 + 0.1 * t))
    assert_same(path, expected)


def test_adamw_with_a_coupled_penalty_too_adds_it_to_the_gradient() -> None:
    path = ours_after(AdamW(0.02, weight_decay=0.3, l2=0.2), Bowl(), 100)
    make = partial(torch.optim.AdamW, lr=0.02, weight_decay=0.3)
    assert_same(path, torch_after(make, 100, l2=0.2))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32_even_with_settings_of_numpy(name: str, library: str) -> None:
    layer = Bowl(np.float32)
    layer.convert(LIBRARIES[library])
    optimizer = OPTIMIZERS[name](rate=np.float64(0.01), l2=np.float64(0.1))
    ours_after(optimizer, layer, 2, schedule=lambda step: np.float64(0.01))
    moments = [m for kept in optimizer.moments.values() for m in kept.values()]
    assert {str(a.dtype).removeprefix("torch.") for a in [*layer.params.values(), *moments]} == {
        "float32"
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_arrays_taken_before_a_step_keep_their_values(name: str) -> None:
    layer = Bowl()
    before = dict(layer.params)
    ours_after(OPTIMIZERS[name](rate=0.1), layer, 3)
    for key, value in Bowl().params.items():
        np.testing.assert_array_equal(before[key], value)
        assert not np.array_equal(layer.params[key], value)


def test_moments_moved_to_another_library_go_on() -> None:
    optimizer, layer = Adam(0.02), Bowl()
    ours_after(optimizer, layer, 4)
    layer.convert(torch.from_numpy)
    optimizer.convert(torch.from_numpy)
    ours_after(optimizer, layer, 4)
    straight, other = Adam(0.02), Bowl()
    ours_after(straight, other, 4)
    ours_after(straight, other, 4)
    # Sums of the two libraries may round differently, in the last digit of values of order 1.
    for key in other.params:
        np.testing.assert_allclose(layer.params[key].numpy(), other.params[key], rtol=0, atol=1e-14)


def test_a_step_without_backward_is_refused_and_moves_nothing() -> None:
    layer, optimizer = Bowl(), Adam()
    layer.grads = {"weight": layer.params["weight"]}
    with pytest.raises(ValueError, match="grads must hold every parameter's, got none for 'bias'"):
        optimizer.step(layer)
    np.testing.assert_array_equal(layer.params["weight"], Bowl().params["weight"])
    assert optimizer.steps == 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SGD(0.0), "rate must be above 0 and finite, got 0"),
        (lambda: SGD(float("nan")), "rate must be above 0 and finite, got nan"),
        (lambda: SGD(decay=-1), "decay must be at least 0 and finite, got -1"),
        (lambda: Adam(l2=float("inf")), "l2 must be at least 0 and finite, got inf"),
        (lambda: Momentum(momentum=1.0), "momentum must be at least 0 and below 1, got 1"),
        (lambda: RMSProp(memory=1.5), "memory must be at least 0 and below 1, got 1.5"),
        (lambda: Adam(beta2=-0.1), "beta2 must be at least 0 and below 1, got -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], Optimizer], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
