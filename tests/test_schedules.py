"""The one-cycle schedule against torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.schedules import one_cycle


@pytest.mark.parametrize("total", [10, 37, 200])
@pytest.mark.parametrize("warmup", [0.15, 0.3, 0.5, 0.9])
def test_one_cycle_is_torchs(total: int, warmup: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=2e-3,
        total_steps=total,
        pct_start=warmup,
        anneal_strategy="cos",
        cycle_momentum=False,
        div_factor=25,
        final_div_factor=1e4,
    )
    for step in range(total):
        # Both are a cosine of the same argument; relative to the peak only rounding is left.
        expected = optimizer.param_groups[0]["lr"]
        assert one_cycle(step, total, 2e-3, warmup) == pytest.approx(expected, rel=1e-12, abs=1e-17)
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
