"""The estimators keep scikit-learn's conventions, by scikit-learn's own checks of them."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from fwi.baselines.linear import LinearRegression
from fwi.baselines.logistic import LogisticRegression

ESTIMATORS = [
    LinearRegression(),
    LinearRegression("svd"),
    LinearRegression("svd", [0.1, 1.0]),
    LinearRegression("normal"),
    LinearRegression("gd"),
    LinearRegression("qr", 1.0),
    LogisticRegression(),
    LogisticRegression("gd"),
    LogisticRegression(alpha=1.0),
    LogisticRegression(alpha=1.0, multi_class="ovr"),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings(
    # The checks' own data: few steps, separable classes, dependent columns, two samples a score.
    "ignore::fwi.baselines.descent.ConvergenceWarning",
    "ignore::fwi.baselines.logistic.SeparableWarning",
    "ignore::fwi.baselines.linear_solvers.IllConditionedWarning",
)
def test_scikit_learn_checks(estimator: BaseEstimator, check: Callable) -> None:
    check(estimator)


@pytest.mark.parametrize("estimator", [LinearRegression("svd"), LogisticRegression(alpha=1.0)])
def test_a_table_names_its_columns_and_a_prediction_compares_them(
    estimator: BaseEstimator,
) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({name: rng.normal(size=12) for name in "abc"})
    y = np.arange(12) % 2
    model = estimator.fit(table, y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.coef_, estimator.fit(table.to_numpy(), y).coef_)
    model = estimator.fit(table, y)
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.predict(table.rename({"b": "d"}))


def test_a_grid_search_takes_both() -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(60, 3)), rng.normal(size=60)
    y = x.sum(1) + noise
    for estimator, target in [(LinearRegression(), y), (LogisticRegression(), y > 0)]:
        search = GridSearchCV(estimator, {"alpha": [0.1, 1e6]}).fit(X=x, y=target)
        assert search.best_params_ == {"alpha": 0.1}


@pytest.mark.parametrize("kind", [int, np.float16, bool, object, np.int8])
def test_numbers_of_other_dtypes_are_converted_exactly(kind: type) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (40, 3)).astype(kind)
    y = rng.integers(0, 2, 40)
    for estimator in [LinearRegression(), LogisticRegression(alpha=1.0)]:
        expected = estimator.fit(x.astype(float), y).coef_
        np.testing.assert_array_equal(estimator.fit(x.tolist(), y.tolist()).coef_, expected)
        np.testing.assert_array_equal(estimator.fit(x, y).coef_, expected)
        assert estimator.coef_.dtype == np.float64


@pytest.mark.parametrize("estimator", [LinearRegression(), LogisticRegression()])
def test_what_is_not_fitted_says_so_in_scikit_learns_way(estimator: BaseEstimator) -> None:
    with pytest.raises(NotFittedError, match="must be fitted before it predicts"):
        estimator.predict([[1.0]])
    with pytest.raises(NotFittedError, match="must be fitted before it predicts"):
        estimator.score([[1.0]], [1])
