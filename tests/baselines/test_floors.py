"""The floors against direct computations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fwi.baselines.floors import fit_ridge, reduce_gathers


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(20, 63), st.integers(5, 12)),
        elements=st.floats(-100, 100, width=32),
    )
)
def test_reduction_equals_a_loop(gathers: np.ndarray) -> None:
    b, s, t, r = gathers.shape
    expected = [
        [
            gathers[i, j, 20 * k : 20 * k + 20, 5 * m : 5 * m + 5].astype(np.float64).mean()
            for j in range(s)
            for k in range(t // 20)
            for m in range(r // 5)
        ]
        for i in range(b)
    ]
    # A hundred float32 additions of values up to 100.
    np.testing.assert_allclose(reduce_gathers(gathers), expected, rtol=0, atol=1e-3)


def test_reduction_of_the_standard_gathers_has_3500_features() -> None:
    features = reduce_gathers(np.ones((2, 5, 1000, 70), np.float16))
    assert features.shape == (2, 5 * 50 * 14)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, 1)


def linear_problem(n: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw features (n, 8) and maps (n, 3, 4) that are linear in them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, 8)) * rng.uniform(0.1, 10, 8) + rng.normal(size=8)
    mixing = np.random.default_rng(1).normal(size=(8, 12)) * 100
    velocity = 3000 + features @ mixing + noise * rng.normal(size=(n, 12))
    return features, velocity.reshape(n, 3, 4)


def test_ridge_equals_the_closed_form_of_its_own_penalty() -> None:
    features, velocity = linear_problem(60, 50.0)
    fitted = fit_ridge(features, velocity)
    alpha = fitted[-1].alpha_
    x = (features - features.mean(0)) / features.std(0)
    y = velocity.reshape(60, -1)
    weights = np.linalg.solve(x.T @ x + alpha * np.eye(8), x.T @ (y - y.mean(0)))
    # float64 throughout; two ways of solving one well-conditioned system.
    np.testing.assert_allclose(fitted.predict(features), x @ weights + y.mean(0), rtol=1e-9)


def test_ridge_takes_the_penalty_of_the_least_leave_one_out_error() -> None:
    features, velocity = linear_problem(12, 1000.0)
    fitted = fit_ridge(features, velocity)
    # The pipeline scales once, over all samples, so the loop does too.
    x = (features - features.mean(0)) / features.std(0)
    y = velocity.reshape(12, -1)
    errors = {}
    for alpha in fitted[-1].alphas:
        parts = []
        for i in range(12):
            xi, yi = np.delete(x, i, 0), np.delete(y, i, 0)
            xc, yc = xi - xi.mean(0), yi - yi.mean(0)
            weights = np.linalg.solve(xc.T @ xc + alpha * np.eye(8), xc.T @ yc)
            parts.append(((x[i] - xi.mean(0)) @ weights + yi.mean(0) - y[i]) ** 2)
        errors[float(alpha)] = np.mean(parts)
    assert fitted[-1].alpha_ == pytest.approx(min(errors, key=lambda alpha: errors[alpha]))


def test_ridge_is_better_than_the_mean_map_on_a_linear_problem() -> None:
    features, velocity = linear_problem(200, 50.0)
    fitted = fit_ridge(features[:150], velocity[:150])
    true = velocity[150:].reshape(50, -1)
    ridge = np.abs(fitted.predict(features[150:]) - true).mean()
    mean = np.abs(velocity[:150].reshape(150, -1).mean(0) - true).mean()
    # The noise alone has a mean absolute value of 40; the mean map misses all that is linear.
    assert ridge < 80
    assert mean > 5 * ridge
