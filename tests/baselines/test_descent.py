"""The line search against functions whose minimum is known."""

import numpy as np
import pytest

from fwi.baselines.descent import descend

Array = np.ndarray


def test_newton_that_overshoots_is_halved_and_then_takes_full_steps() -> None:
    # J = sqrt(1 + w^2): Newton's own step leads from w to -w^3, away from 0 wherever |w| > 1.
    def evaluate(w: Array) -> tuple[float, Array]:
        return float(np.hypot(1, w)[0]), w / np.hypot(1, w)

    def newton(w: Array, gradient: Array) -> Array:
        return gradient * np.hypot(1, w) ** 3

    end = descend(evaluate, newton, np.array([2.0]), 1.0, 100, 1e-12, np.ones(1))
    assert end.converged
    assert abs(end.weights[0]) < 1e-12
    assert len(end.history) <= 10  # steps that stayed halved would need 40


def test_step_into_undefined_ground_is_halved() -> None:
    def evaluate(w: Array) -> tuple[float, Array]:
        loss = w[0] - np.log(w[0]) if w[0] > 0 else np.nan
        return float(loss), 1 - 1 / w

    end = descend(evaluate, lambda w, g: g, np.array([9.0]), 64.0, 1000, 1e-10, np.ones(1))
    assert end.converged
    # dJ/dw = 1 - 1 / w changes as fast as w does at w = 1.
    assert end.weights[0] == pytest.approx(1, abs=2e-10)
    assert np.isfinite(end.history).all()


def test_descent_counts_its_steps_and_says_that_it_did_not_converge() -> None:
    def evaluate(w: Array) -> tuple[float, Array]:
        return float(w[0] ** 2), 2 * w

    end = descend(evaluate, lambda w, g: g, np.array([1.0]), 0.25, 5, 1e-10, np.ones(1))
    assert not end.converged
    # Each step halves w, exactly.
    assert end.history == [4.0**-k for k in range(6)]
    there = descend(evaluate, lambda w, g: g, np.zeros(1), 0.25, 5, 1e-10, np.ones(1))
    assert there.converged
    assert there.history == [0.0]
