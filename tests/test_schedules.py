"""Schedules against torch's and their closed forms."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.schedules import (
    SCHEDULES,
    constant,
    constant_then_cosine,
    cosine,
    create_schedule,
    exponential,
    inverse_time,
    one_cycle,
    one_cycle_linear,
    staircase,
    warm_up,
)


@pytest.mark.parametrize("total", [10, 37, 200])
@pytest.mark.parametrize("warmup", [0.15, 0.3, 0.45, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("linear", [False, True], ids=["cosine", "linear"])
def test_one_cycle_is_torchs(total: int, warmup: float, linear: bool) -> None:
    if linear and warmup > 0.5:
        with pytest.raises(ValueError, match=r"warmup must be 0 to 0.5, got 0.9"):
            one_cycle_linear(0, total, 1.0, warmup)
        return
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=2e-3,
        total_steps=total,
        pct_start=warmup,
        anneal_strategy="linear" if linear else "cos",
        three_phase=linear,
        div_factor=10 if linear else 25,
        final_div_factor=1e2 if linear else 1e4,
    )
    name = "one_cycle_linear" if linear else "one_cycle"
    ours = create_schedule(name, total, 2e-3, warmup, {"momentum": [0.85, 0.95]})
    assert ours.momentum is not None
    for step in range(total):
        # Both go the same part of the same way; relative to the peak only rounding is left.
        group = optimizer.param_groups[0]
        assert ours.rate(step) == pytest.approx(group["lr"], rel=1e-12, abs=1e-17)
        assert ours.momentum(step) == pytest.approx(group["momentum"], rel=1e-12)
        optimizer.step()
        if step < total - 1:
            scheduler.step()


def test_ends_and_peak() -> None:
    rates = [one_cycle(step, 101, 1.0, 0.5, start=0.04, end=1e-4) for step in range(101)]
    assert rates[0] == pytest.approx(0.04, rel=1e-12)
    assert rates[-1] == pytest.approx(0.04 * 1e-4, rel=1e-9)
    assert max(rates) == pytest.approx(1.0, rel=1e-3)  # the turn lies between two steps


@given(
    total=st.integers(1, 300), warmup=st.floats(0, 1), peak=st.floats(1e-6, 10.0), data=st.data()
)
def test_rate_stays_between_its_ends_and_peak(
    total: int, warmup: float, peak: float, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, total - 1))
    rate = one_cycle(step, total, peak, warmup)
    assert peak * 0.04 * 1e-4 * (1 - 1e-9) <= rate <= peak * (1 + 1e-9)


@given(total=st.integers(2, 200), warmup=st.floats(0, 1))
def test_rate_rises_and_then_falls(total: int, warmup: float) -> None:
    rates = [one_cycle(step, total, 1.0, warmup) for step in range(total)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize("step", [-1, 10, 11])
def test_step_outside_the_run_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match=f"step must be 0 to 9, got {step}"):
        one_cycle(step, 10, 1.0, 0.5)
    with pytest.raises(ValueError, match=f"step must be 0 to 9, got {step}"):
        cosine(step, 10, 1.0)


@pytest.mark.parametrize(
    ("ours", "make"),
    [
        (
            lambda t: cosine(t, 50, 0.3, 0.01),
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=49, eta_min=3e-3),
        ),
        (
            lambda t: constant_then_cosine(t, 50, 0.3, 0.4, 0.01),
            lambda o: torch.optim.lr_scheduler.SequentialLR(
                o,
                [
                    torch.optim.lr_scheduler.ConstantLR(o, factor=1.0),
                    torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=29, eta_min=3e-3),
                ],
                milestones=[20],
            ),
        ),
        (
            lambda t: exponential(t, 50, 0.3, 1e-2),
            lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=1e-2 ** (1 / 49)),
        ),
        (
            lambda t: staircase(t, 50, 0.3, 0.14, 0.5),
            lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=7, gamma=0.5),
        ),
        (
            create_schedule("staircase", 50, 0.3, 0.1, {"every": 0.2}).rate,
            lambda o: torch.optim.lr_scheduler.SequentialLR(
                o,
                [
                    torch.optim.lr_scheduler.LinearLR(o, start_factor=0.04, total_iters=5),
                    torch.optim.lr_scheduler.StepLR(o, step_size=9),
                ],
                milestones=[5],
            ),
        ),
        (
            lambda t: warm_up(t, 50, 0.3, 0.24, start=0.1),
            lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=12),
        ),
        (
            lambda t: inverse_time(t, 0.3, 0.07),
            lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + 0.07 * t)),
        ),
        (
            lambda t: constant(t, 0.3),
            lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0),
        ),
    ],
    ids=[
        "cosine",
        "constant_then_cosine",
        "exponential",
        "staircase",
        "staircase after a rise",
        "warm_up",
        "inverse_time",
        "constant",
    ],
)
def test_schedule_is_torchs(
    ours: Callable[[int], float], make: Callable[[torch.optim.Optimizer], Any]
) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = make(optimizer)
    for step in range(50):
        # torch multiplies each rate by a factor to get the next: 50 roundings of 1e-16.
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_rate_of_inverse_time_halves_after_one_over_the_decay() -> None:
    assert inverse_time(0, 0.5, 0.01) == 0.5
    assert inverse_time(100, 0.5, 0.01) == 0.25


def test_cosine_of_one_step_is_its_start() -> None:
    assert cosine(0, 1, 0.3, 0.1) == pytest.approx(0.3, rel=1e-15)


def test_cosine_passes_the_middle_of_its_ends_half_way() -> None:
    assert cosine(50, 101, 3.0, 1 / 3) == pytest.approx(2.0, rel=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
@given(total=st.integers(1, 60), warmup=st.none() | st.floats(0, 0.5))
def test_every_schedule_stays_between_zero_and_its_peak(
    name: str, total: int, warmup: float | None
) -> None:
    schedule = create_schedule(name, total, 0.5, warmup)
    rates = [schedule.rate(step) for step in range(total)]
    assert all(0 <= rate <= 0.5 * (1 + 1e-12) for rate in rates)
    assert schedule.momentum is None


@pytest.mark.parametrize(
    ("name", "options", "error", "says"),
    [
        ("one-cycle", {}, KeyError, "unknown schedule 'one-cycle'; did you mean 'one_cycle'"),
        ("cosine", {"ends": 0.1}, TypeError, "unknown option 'ends' of schedule cosine; did you"),
        ("cosine", {"peak": 0.1}, TypeError, "unknown option 'peak' of schedule cosine"),
        ("cosine", {"end": 2}, ValueError, "option end of schedule cosine must be 0 to 1, got 2"),
        ("cosine", {"end": "0"}, TypeError, "option end of schedule cosine must be a number"),
        ("cosine", {"end": True}, TypeError, "must be a number, got True"),
        ("exponential", {"end": 0}, ValueError, "end must be above 0, got 0"),
        ("cosine", {"momentum": [0.8, 0.9]}, ValueError, "one_cycle and one_cycle_linear alone"),
        ("one_cycle", {"momentum": 0.9}, ValueError, "momentum must be two numbers"),
        ("one_cycle", {"momentum": [0.9, 1.0]}, ValueError, "0 to below 1"),
        ("one_cycle", {"momentum": ["a", "b"]}, ValueError, "momentum must be two numbers"),
    ],
)
def test_what_is_no_schedule_is_refused(
    name: str, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        create_schedule(name, 10, 1.0, None, options)
