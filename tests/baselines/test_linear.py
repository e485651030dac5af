"""Linear regression against scikit-learn, certified values and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression as SklearnLinear
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fwi.baselines.descent import ConvergenceWarning
from fwi.baselines.linear import LinearRegression
from fwi.baselines.linear_solvers import IllConditionedWarning
from fwi.baselines.linear_svd import factorise, leave_one_out

DIRECT = ["qr", "svd", "normal"]
SOLVERS = [*DIRECT, "gd"]

# NIST StRD, Longley: total employment; GNP deflator, GNP, unemployed, armed forces, population,
# year. The certified coefficients are those of the exact rational solution of this table.
LONGLEY = np.array(
    """
    60323  83.0 234289 2356 1590 107608 1947
    61122  88.5 259426 2325 1456 108632 1948
    60171  88.2 258054 3682 1616 109773 1949
    61187  89.5 284599 3351 1650 110929 1950
    63221  96.2 328975 2099 3099 112075 1951
    63639  98.1 346999 1932 3594 113270 1952
    64989  99.0 365385 1870 3547 115094 1953
    63761 100.0 363112 3578 3350 116219 1954
    66019 101.2 397469 2904 3048 117388 1955
    67857 104.6 419180 2822 2857 118734 1956
    68169 108.4 442769 2936 2798 120445 1957
    66513 110.8 444546 4681 2637 121950 1958
    68655 112.6 482704 3813 2552 123366 1959
    69564 114.2 502601 3931 2514 125368 1960
    69331 115.7 518173 4806 2572 127852 1961
    70551 116.9 554894 4007 2827 130081 1962
    """.split(),
    float,
).reshape(16, 7)
CERTIFIED_INTERCEPT = -3482258.63459582
CERTIFIED_SLOPES = [
    15.0618722713733,
    -0.0358191792925910,
    -2.02022980381683,
    -1.03322686717359,
    -0.0511041056535807,
    1829.15146461355,
]


def problem(
    n: int = 60, n_features: int = 7, n_targets: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw correlated features with an offset, and noisy targets linear in them."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_features, n_features)) / n_features**0.5
    x = rng.normal(size=(n, n_features)) @ mixing + 3
    y = x @ rng.normal(size=(n_features, n_targets)) + rng.normal(size=(n, n_targets)) - 5
    return x, y


def fitted(solver: str, x: np.ndarray, y: np.ndarray, alpha: float = 0.0) -> LinearRegression:
    """Fit; the descent to float64's last digits."""
    return LinearRegression(solver, alpha, max_iter=100_000, tol=1e-15).fit(x, y)


@pytest.mark.parametrize("solver", ["qr", "svd"])
def test_longley_coefficients_equal_the_certified_ones(solver: str) -> None:
    model = LinearRegression(solver).fit(LONGLEY[:, 1:], LONGLEY[:, 0])
    # The centred table has a condition of 6e5: at most some 1e-10 of rounding in float64.
    np.testing.assert_allclose(model.intercept_, CERTIFIED_INTERCEPT, rtol=1e-9)
    np.testing.assert_allclose(model.coef_, CERTIFIED_SLOPES, rtol=1e-9)


def test_normal_equations_of_longley_warn_of_their_condition() -> None:
    with pytest.warns(IllConditionedWarning, match=r"ill-conditioned \(about 4e\+11\)"):
        model = LinearRegression("normal").fit(LONGLEY[:, 1:], LONGLEY[:, 0])
    # A condition of 3e11 leaves 5 of 16 digits at worst.
    np.testing.assert_allclose(model.coef_, CERTIFIED_SLOPES, rtol=1e-4)


@pytest.mark.parametrize("solver", DIRECT)
@pytest.mark.parametrize("n_targets", [1, 3])
def test_least_squares_equal_scikit_learn(solver: str, n_targets: int) -> None:
    x, y = problem(n_targets=n_targets)
    model, oracle = fitted(solver, x, y), SklearnLinear().fit(x, y)
    np.testing.assert_allclose(model.coef_, oracle.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, oracle.intercept_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.predict(x), oracle.predict(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("solver", DIRECT)
@pytest.mark.parametrize("alpha", [0.1, 1.0, 1e3])
@pytest.mark.parametrize("shape", [(60, 7), (20, 50)])
def test_ridge_equals_scikit_learn(solver: str, alpha: float, shape: tuple[int, int]) -> None:
    x, y = problem(*shape)
    model, oracle = fitted(solver, x, y, alpha), Ridge(alpha, solver="svd").fit(x, y)
    np.testing.assert_allclose(model.coef_, oracle.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, oracle.intercept_, rtol=0, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_descent_reaches_the_closed_form(alpha: float) -> None:
    x, y = problem()
    model, oracle = fitted("gd", x, y, alpha), fitted("svd", x, y, alpha)
    # The gradient is at rounding; the condition of X^T X, about 1e3, multiplies it.
    np.testing.assert_allclose(model.coef_, oracle.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, oracle.intercept_, rtol=0, atol=1e-10)


def test_descent_from_zero_ends_at_minimum_norm() -> None:
    x, y = problem(12, 20)
    model = fitted("gd", x, y)
    # A gradient lies in the rows' span, so that no step leaves it. Condition as above.
    np.testing.assert_allclose(model.coef_, fitted("svd", x, y).coef_, rtol=0, atol=1e-9)


def test_loss_history_falls_from_that_of_the_mean_to_that_of_the_fit() -> None:
    x, y = problem()
    model = fitted("gd", x, y, alpha=2.0)
    steps = np.diff(model.history_)
    # Below the rounding of the first loss a rise is none.
    assert (steps <= 1e-14 * model.history_[0]).all()
    assert model.history_[0] == pytest.approx(((y - y.mean(0)) ** 2).sum() / 120, rel=1e-12)
    last = ((y - model.predict(x)) ** 2).sum() + 2 * (model.coef_**2).sum()
    assert model.history_[-1] == pytest.approx(last / 120, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_steps_below_twice_the_inverse_curvature_converge_and_others_are_refused(
    alpha: float,
) -> None:
    x, y = problem(n_features=2)
    centred = x - x.mean(0)
    limit = 2 * len(x) / (np.linalg.eigvalsh(centred.T @ centred)[-1] + alpha)
    options = {"solver": "gd", "alpha": alpha, "tol": 1e-15, "max_iter": 100_000}
    model = LinearRegression(lr=0.99 * limit, **options).fit(x, y)
    # Two features: the condition is small.
    np.testing.assert_allclose(model.coef_, fitted("svd", x, y, alpha).coef_, atol=1e-11, rtol=0)
    for lr in [1.01 * limit, 0.0, -1.0, np.nan]:
        with pytest.raises(ValueError, match=r"lr must be positive and below 2 / lambda_max"):
            LinearRegression(lr=lr, **options).fit(x, y)


def test_descent_that_runs_out_of_steps_warns() -> None:
    with pytest.warns(ConvergenceWarning, match="ended after 3 steps"):
        model = LinearRegression("gd", max_iter=3).fit(*problem())
    assert len(model.history_) == 4


@pytest.mark.parametrize("solver", SOLVERS)
def test_many_targets_equal_one_at_a_time(solver: str) -> None:
    x, y = problem()
    model = fitted(solver, x, y, alpha=0.5)
    assert model.coef_.shape == (3, 7)
    assert model.intercept_.shape == (3,)
    for k in range(3):
        single = fitted(solver, x, y[:, k], alpha=0.5)
        assert single.coef_.shape == (7,)
        assert single.predict(x).shape == (60,)
        # Products of other shapes add in another order.
        np.testing.assert_allclose(model.coef_[k], single.coef_, rtol=0, atol=1e-11)
        np.testing.assert_allclose(model.intercept_[k], single.intercept_, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", [(40, 6), (5, 9)])
def test_svd_gives_minimum_norm_where_columns_depend(shape: tuple[int, int]) -> None:
    x, y = problem(*shape)
    x = np.hstack([x, x[:, :1] - x[:, 1:2]])
    model = LinearRegression("svd").fit(x, y)
    oracle = np.linalg.pinv(x - x.mean(0), rcond=1e-12) @ (y - y.mean(0))
    # Conditions of at most about 1e3 among the independent directions.
    np.testing.assert_allclose(model.coef_, oracle.T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_constant_feature_gets_no_slope(alpha: float) -> None:
    x, y = problem()
    constant = np.hstack([x, np.full((60, 1), 0.1)])  # whose mean would be another number
    model = LinearRegression("svd", alpha).fit(constant, y)
    np.testing.assert_array_equal(model.coef_[:, -1], 0)
    only = LinearRegression("svd", alpha).fit(constant[:, -1:], y)
    np.testing.assert_array_equal(only.coef_, 0)
    # Sixty additions.
    np.testing.assert_allclose(only.predict(constant[:, -1:] + 7), y.mean(0) + 0 * y, rtol=1e-13)


def test_qr_refuses_dependent_columns_and_names_svd() -> None:
    x, y = problem()
    x = np.hstack([x, x[:, :1]])
    with pytest.raises(ValueError, match=r"got rank 7 of 8; use solver='svd' or alpha > 0"):
        LinearRegression("qr").fit(x, y)
    with pytest.raises(ValueError, match="got rank 3 of 7"):
        LinearRegression("qr").fit(x[:4, :7], y[:4])


def test_normal_equations_refuse_a_singular_matrix_and_name_svd() -> None:
    x, y = problem()
    x[:, -1] = 1.0
    with pytest.raises(ValueError, match=r"positive definite for solver 'normal'.*'svd'"):
        LinearRegression("normal").fit(x, y)


def test_normal_equations_without_a_bad_condition_do_not_warn() -> None:
    x, y = problem()  # warnings are errors here; the condition of X^T X is about 1e3
    assert np.linalg.cond(x - x.mean(0)) ** 2 < 1e6
    LinearRegression("normal").fit(x, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32(solver: str) -> None:
    x, y = problem()
    model = LinearRegression(solver, alpha=1.0).fit(x.astype(np.float32), y.astype(np.float32))
    predicted = model.predict(x.astype(np.float32))
    assert {model.coef_.dtype, model.intercept_.dtype, predicted.dtype} == {np.dtype(np.float32)}
    # eps of 6e-8 times a condition of up to 1e3, with values of about 10.
    np.testing.assert_allclose(predicted, fitted("svd", x, y, 1.0).predict(x), rtol=0, atol=1e-3)


def test_large_offset_in_float32_costs_no_digits() -> None:
    rng = np.random.default_rng(0)
    x = (rng.integers(-8, 9, (500, 3)) / 8 + 1e5).astype(np.float32)  # exact in float32
    y = (x.astype(np.float64) - 1e5) @ [1.0, -2.0, 3.0]
    model = LinearRegression("qr").fit(x, y)
    # Centred features are right to eps = 6e-8; without the mean as float32 holds it, to 4e-3.
    np.testing.assert_allclose(model.coef_, [1, -2, 3], rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", [(40, 6), (15, 30)])
def test_leave_one_out_errors_equal_refits_without_each_sample(shape: tuple[int, int]) -> None:
    x, y = problem(*shape)
    alphas = [0.3, 30.0]
    errors = LinearRegression("svd", alphas).fit(x, y).errors_
    for alpha, error in zip(alphas, errors, strict=True):
        left_out = []
        for i in range(len(x)):
            rest = np.delete(np.arange(len(x)), i)
            model = LinearRegression("svd", alpha).fit(x[rest], y[rest])
            left_out.append((y[i] - model.predict(x[i : i + 1])[0]) ** 2)
        # Well conditioned by alpha; a few hundred additions.
        assert error == pytest.approx(np.mean(left_out), rel=1e-10)


@pytest.mark.parametrize("shape", [(40, 6), (15, 30)])
def test_choice_of_alpha_equals_scikit_learn(shape: tuple[int, int]) -> None:
    x, y = problem(*shape)
    alphas = np.logspace(-3, 4, 15)
    model = LinearRegression("svd", alphas).fit(x, y)
    oracle = RidgeCV(alphas, store_cv_results=True).fit(x, y)
    expected = oracle.cv_results_.mean(axis=(0, 1))
    # Where n < F and alpha is small, scikit-learn divides two small numbers.
    np.testing.assert_allclose(model.errors_, expected, rtol=1e-8)
    assert model.alpha_ == oracle.alpha_
    np.testing.assert_allclose(model.coef_, oracle.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, oracle.intercept_, rtol=0, atol=1e-10)


def test_leave_one_out_survives_a_vanishing_penalty_on_more_features_than_samples() -> None:
    x, y = problem(15, 30)
    factors = factorise(x - x.mean(0))
    errors = leave_one_out(factors, y - y.mean(0), [1e-3, 1e-6])
    exact = []
    for alpha in [1e-3, 1e-6]:
        # Dual form with exact left-out samples: (K_ij + alpha I)^-1 on the centred rest.
        total = 0.0
        for i in range(15):
            rest = np.delete(np.arange(15), i)
            mean_x, mean_y = x[rest].mean(0), y[rest].mean(0)
            a = x[rest] - mean_x
            dual = np.linalg.solve(a @ a.T + alpha * np.eye(14), y[rest] - mean_y)
            total += (((x[i] - mean_x) @ a.T @ dual + mean_y - y[i]) ** 2).sum()
        exact.append(total / 45)
    # alpha / s^2 reaches 1e-9, so that 1 - h keeps 7 of 16 digits.
    np.testing.assert_allclose(errors, exact, rtol=1e-5)


def test_a_single_sample_cannot_be_left_out() -> None:
    x, y = problem(1)
    with pytest.raises(ValueError, match="2 samples or more to leave one out"):
        LinearRegression("svd", [1.0, 2.0]).fit(x, y)


def test_scikit_learn_clones_and_chains_it() -> None:
    x, y = problem()
    assert clone(LinearRegression("svd", 2.0)).get_params()["alpha"] == 2.0
    alphas = np.logspace(-1, 2, 4)
    ours = make_pipeline(StandardScaler(), LinearRegression("svd", alphas)).fit(x, y)
    theirs = make_pipeline(StandardScaler(), RidgeCV(alphas)).fit(x, y)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("targets", [slice(0, 1), slice(0, 3)])
def test_score_equals_scikit_learn(targets: slice) -> None:
    x, y = problem()
    y[:, 1] = 4.0  # a constant target is met exactly, which counts 1
    y = y[:, targets].squeeze()
    model = LinearRegression("svd").fit(x, y)
    assert model.score(x, y) == pytest.approx(r2_score(y, model.predict(x)), abs=1e-12)


def test_constant_target_that_is_missed_scores_zero() -> None:
    x, y = problem(n_targets=1)
    assert LinearRegression("svd").fit(x, y[:, 0]).score(x, np.full(60, 4.0)) == 0


seeds = st.integers(0, 2**32 - 1)
solvers = st.sampled_from(DIRECT)


@settings(deadline=None)
@given(seeds, solvers, st.floats(0.1, 10), st.floats(-1e3, 1e3))
def test_shift_of_the_targets_moves_the_intercept_alone(
    seed: int, solver: str, alpha: float, shift: float
) -> None:
    x, y = problem(seed=seed)
    model, moved = fitted(solver, x, y, alpha), fitted(solver, x, y + shift, alpha)
    # Rounding of targets up to 1e3, times X's condition, of which alpha bounds the squared one.
    np.testing.assert_allclose(moved.coef_, model.coef_, rtol=0, atol=1e-9)
    np.testing.assert_allclose(moved.intercept_, model.intercept_ + shift, rtol=0, atol=1e-8)


@settings(deadline=None)
@given(seeds, solvers, st.floats(0.1, 10), st.floats(-1e3, 1e3))
def test_shift_of_the_features_moves_the_intercept_alone(
    seed: int, solver: str, alpha: float, shift: float
) -> None:
    x, y = problem(seed=seed)
    model, moved = fitted(solver, x, y, alpha), fitted(solver, x + shift, y, alpha)
    expected = model.intercept_ - shift * model.coef_.sum(1)
    # As above; the intercept multiplies the error of seven slopes by the shift.
    np.testing.assert_allclose(moved.coef_, model.coef_, rtol=0, atol=1e-9)
    np.testing.assert_allclose(moved.intercept_, expected, rtol=0, atol=1e-5)


@settings(deadline=None)
@given(seeds, solvers, st.floats(0.1, 10), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_of_features_and_targets_scale_the_slopes(
    seed: int, solver: str, alpha: float, unit_x: float, unit_y: float
) -> None:
    x, y = problem(seed=seed)
    model = fitted(solver, x, y, alpha)
    scaled = fitted(solver, x * unit_x, y * unit_y, alpha * unit_x**2)
    # Slopes of up to about 10, conditions bounded by alpha.
    slopes, intercept = scaled.coef_ * (unit_x / unit_y), scaled.intercept_ / unit_y
    np.testing.assert_allclose(slopes, model.coef_, rtol=0, atol=1e-9)
    np.testing.assert_allclose(intercept, model.intercept_, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(seeds, solvers, st.floats(0.1, 10))
def test_order_of_samples_and_of_features_does_not_matter(
    seed: int, solver: str, alpha: float
) -> None:
    x, y = problem(seed=seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(60), rng.permutation(7)
    model = fitted(solver, x, y, alpha)
    mixed = fitted(solver, x[rows][:, columns], y[rows], alpha)
    # Sums in another order; conditions bounded by alpha.
    np.testing.assert_allclose(mixed.coef_, model.coef_[:, columns], rtol=0, atol=1e-9)
    np.testing.assert_allclose(mixed.intercept_, model.intercept_, rtol=0, atol=1e-9)


@settings(deadline=None)
@given(seeds, solvers, st.floats(0.1, 1e3))
def test_residuals_obey_the_normal_equations(seed: int, solver: str, alpha: float) -> None:
    x, y = problem(seed=seed)
    model = fitted(solver, x, y, alpha)
    residual = y - model.predict(x)
    # Sums of 60 products of up to about 1e3.
    np.testing.assert_allclose(residual.sum(0), 0, atol=1e-9)
    np.testing.assert_allclose(x.T @ residual, alpha * model.coef_.T, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"solver": "svdd"},
            KeyError,
            "solver must be a known .*, got 'svdd'; did you mean 'svd'",
        ),
        ({"solver": None}, KeyError, "solver must be a known name, got None; known: gd"),
        ({"alpha": -1.0}, ValueError, "alpha must be 0 or more and finite, got -1.0; give 0"),
        ({"alpha": np.nan}, ValueError, "alpha must be 0 or more"),
        ({"alpha": None}, TypeError, "alpha must be a number, got None; give 0 or more"),
        ({"alpha": "1"}, TypeError, "alpha must be a number"),
        ({"alpha": [1.0, 2.0]}, ValueError, "with solver 'svd', got .* with 'qr'; give one number"),
        ({"solver": "svd", "alpha": [0.0, 2.0]}, ValueError, "alpha must be one penalty"),
        ({"solver": "svd", "alpha": []}, ValueError, "alpha must be one penalty"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    changes: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LinearRegression(**changes).fit(*problem())


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.ones(5), np.ones(5), ValueError, "X must be .*give a row of features"),
        (np.ones((5, 2), complex), np.ones(5), ValueError, "X must hold real numbers, got complex"),
        (np.full((5, 2), np.inf), np.ones(5), ValueError, "X must be finite"),
        (np.ones((5, 2)), np.ones(4), ValueError, r"y must be \(5\), got \(4,\)"),
        (np.ones((5, 2)), np.ones((5, 2, 2)), ValueError, "y must be"),
        (np.ones((5, 2)), np.full(5, np.nan), ValueError, "y must be finite"),
        (np.ones((5, 2)), np.array(list("abcde")), TypeError, "y must hold real numbers"),
    ],
)
def test_samples_that_do_not_fit_are_refused(
    x: np.ndarray, y: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LinearRegression("svd").fit(x, y)


def test_prediction_needs_a_fit_and_its_features() -> None:
    x, y = problem()
    with pytest.raises(ValueError, match="LinearRegression must be fitted before it predicts"):
        LinearRegression().predict(x)
    with pytest.raises(ValueError, match=r"X must be \(n, 7\), got \(60, 6\)"):
        LinearRegression().fit(x, y).predict(x[:, :6])
    with pytest.raises(ValueError, match=r"y must be \(60, 3\), got \(60,\)"):
        LinearRegression().fit(x, y).score(x, y[:, 0])
