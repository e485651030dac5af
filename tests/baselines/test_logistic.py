"""Logistic regression against scikit-learn, central differences and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import scale

from fwi.baselines.descent import ConvergenceWarning
from fwi.baselines.links import Link, Sigmoid, Softmax
from fwi.baselines.logistic import LogisticRegression, SeparableWarning
from fwi.baselines.logistic_solvers import _objective

LOADERS = {"cancer": load_breast_cancer, "iris": load_iris, "wine": load_wine}
LINKS = [Sigmoid(), Softmax()]


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load standardised features and labels."""
    x, y = LOADERS[name](return_X_y=True)
    return scale(x), y


def blobs(
    n: int = 90, n_features: int = 3, n_classes: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw classes that overlap widely, every one of them present."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return rng.normal(size=(n, n_features)) + 0.7 * rng.normal(size=(n_classes, n_features))[y], y


def oracle(alpha: float) -> SklearnLogistic:
    return SklearnLogistic(C=1 / alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000)


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("alpha", [1e-3, 0.1, 1.0, 10.0])
def test_newton_equals_scikit_learn(name: str, alpha: float) -> None:
    x, y = data(name)
    model, expected = LogisticRegression(alpha=alpha, tol=1e-12), oracle(alpha).fit(x, y)
    model.fit(x, y)
    np.testing.assert_array_equal(model.classes_, expected.classes_)
    # Both gradients are below 1e-12; the least curvature is alpha / n, 2e-6 or more.
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=0, atol=1e-6)
    ours, theirs = model.predict_proba(x), expected.predict_proba(x)
    # Measured 2e-14: weights differ most in directions that hardly move a sample's score.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(model.predict(x), expected.predict(x))
    assert model.score(x, y) == expected.score(x, y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_newton_without_a_penalty_equals_scikit_learn(n_classes: int) -> None:
    x, y = blobs(n_classes=n_classes)
    model, expected = LogisticRegression(tol=1e-12).fit(x, y), oracle(1e-12).fit(x, y)
    # Without a penalty a constant over the classes is free: ours is the one whose sum is zero.
    free = expected.coef_.mean(0) if n_classes == 3 else 0
    # A penalty of 1e-12 moves no digit that counts, and keeps scikit-learn's Hessian regular.
    np.testing.assert_allclose(model.coef_, expected.coef_ - free, rtol=0, atol=1e-6)
    ours, theirs = model.predict_proba(x), expected.predict_proba(x)
    # As the weights: a softmax is nowhere steeper than 1/4.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_scores_of_all_classes_sum_to_zero() -> None:
    x, y = blobs()
    # Thirteen additions of scores of up to 10; no step leaves the sum.
    for solver in ["newton", "gd"]:
        scores = LogisticRegression(solver).fit(x, y).decision_function(x)
        np.testing.assert_allclose(scores.sum(1), 0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", LOADERS)
def test_descent_equals_scikit_learn(name: str) -> None:
    x, y = data(name)
    model = LogisticRegression("gd", alpha=10.0, max_iter=20_000).fit(x, y)
    expected = oracle(10.0).fit(x, y)
    # A gradient of 1e-8 over the least curvature, alpha / n of 1e-2 or more.
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("solver", ["newton", "gd"])
def test_one_vs_rest_equals_scikit_learn(solver: str) -> None:
    x, y = blobs()
    model = LogisticRegression(solver, alpha=1.0, multi_class="ovr").fit(x, y)
    expected = OneVsRestClassifier(oracle(1.0)).fit(x, y)
    for k, single in enumerate(expected.estimators_):
        # As above, with alpha / n of 1e-2.
        np.testing.assert_allclose(model.coef_[k], single.coef_[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(model.intercept_[k], single.intercept_[0], rtol=0, atol=1e-6)
    ours, theirs = model.predict_proba(x), expected.predict_proba(x)
    # As the weights: a sigmoid is nowhere steeper than 1/4.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.predict(x), expected.predict(x))


def test_two_classes_have_one_row_of_slopes_either_way() -> None:
    x, y = blobs(n_classes=2)
    names = np.array(["CurveFault", "FlatVel"])[y]
    model = LogisticRegression(alpha=1.0).fit(x, names)
    rest = LogisticRegression(alpha=1.0, multi_class="ovr").fit(x, names)
    np.testing.assert_array_equal(model.coef_, rest.coef_)
    assert model.coef_.shape == (1, 3)
    scores = model.decision_function(x)
    assert scores.shape == (90,)
    np.testing.assert_array_equal(model.predict(x), model.classes_[(scores > 0).astype(int)])
    # The definition of a sigmoid, one rounding apart.
    second = model.predict_proba(x)[:, 1]
    np.testing.assert_allclose(second, 1 / (1 + np.exp(-scores)), rtol=0, atol=1e-13)
    assert model.score(x, names) == np.mean(model.predict(x) == names)


@pytest.mark.parametrize("link", LINKS)
def test_gradient_and_loss_equal_torch(link: Link) -> None:
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(20, 4)), rng.normal(size=(4, 3))
    targets = np.eye(3)[rng.integers(3, size=20)]
    penalty = np.array([[0.1], [0.1], [0.1], [0.0]])
    w = torch.tensor(weights, requires_grad=True)
    z, t = torch.tensor(x) @ w, torch.tensor(targets)
    if isinstance(link, Softmax):
        loss = torch.nn.functional.cross_entropy(z, t)
    else:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, t) * 3
    loss = loss + (torch.tensor(penalty) * w**2).sum() / 2
    loss.backward()
    value, gradient = _objective(link, x, targets, penalty)(weights)
    # Some hundred additions of values near 1 in float64.
    assert value == pytest.approx(loss.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, w.grad.numpy(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("link", LINKS)
def test_newton_step_solves_the_hessian_of_central_differences(link: Link) -> None:
    rng = np.random.default_rng(1)
    x, weights = rng.normal(size=(20, 4)), rng.normal(size=(4, 3))
    targets = np.eye(3)[rng.integers(3, size=20)]
    penalty = np.array([[0.1], [0.2], [0.3], [0.4]])
    evaluate = _objective(link, x, targets, penalty)
    right = rng.normal(size=(4, 3))
    right -= right.mean(1, keepdims=True)  # as every gradient of a softmax has
    step = link.newton(x, link.probabilities(x @ weights), right, penalty[:, 0])
    ahead, back = evaluate(weights + 1e-5 * step)[1], evaluate(weights - 1e-5 * step)[1]
    # Central differences: 1e-10 of curvature's change, 1e-11 of rounding, steps of up to 10.
    np.testing.assert_allclose((ahead - back) / 2e-5, right, rtol=0, atol=1e-7)


@pytest.mark.parametrize("link", LINKS)
def test_loss_and_probabilities_of_huge_scores_stay_finite(link: Link) -> None:
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    targets = np.array([[1.0, 0, 0], [1, 0, 0]])
    probabilities = link.probabilities(scores)
    assert np.isfinite(probabilities).all()
    assert probabilities.max() == 1
    # Softmax: 0 and 2e4. Sigmoid: log(2) for each zero score, and 2e4 for the second sample.
    expected = 1e4 if isinstance(link, Softmax) else 1e4 + np.log(2)
    assert link.loss(scores, targets) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("solver", ["newton", "gd"])
@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_loss_history_falls_from_chance(solver: str, multi_class: str) -> None:
    x, y = blobs()
    model = LogisticRegression(solver, alpha=1.0, multi_class=multi_class).fit(x, y)
    chance = np.log(3) if multi_class == "multinomial" else 3 * np.log(2)
    assert model.history_[0] == pytest.approx(chance, rel=1e-12)
    # Near the minimum a step may rise by the rounding of the loss.
    assert (np.diff(model.history_) <= 1e-14).all()
    if multi_class == "multinomial":
        right = model.predict_proba(x)[np.arange(90), y]
        loss = -np.log(right).mean() + (model.coef_**2).sum() / 180
        assert model.history_[-1] == pytest.approx(loss, rel=1e-10)


def test_newton_doubles_its_digits() -> None:
    # Damping that stayed at 1e-4, far above alpha / n of 2e-6, would gain 2 % in each step.
    model = LogisticRegression(alpha=1e-3, tol=1e-12).fit(*data("cancer"))
    assert len(model.history_) <= 20


@pytest.mark.parametrize("solver", ["newton", "gd"])
def test_features_of_any_size_descend(solver: str) -> None:
    x, y = blobs()
    with pytest.warns(ConvergenceWarning, match="ended after 4 steps.*standardise X"):
        model = LogisticRegression(solver, alpha=1.0, max_iter=4, tol=0).fit(1e4 * x, y)
    assert (np.diff(model.history_) < 0).all()


@pytest.mark.parametrize("solver", ["newton", "gd"])
@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_warn_and_stay_finite(
    solver: str, multi_class: str, n_classes: int
) -> None:
    y = np.arange(30) % n_classes
    x = 4 * np.eye(3)[y] + np.random.default_rng(0).uniform(-1, 1, (30, 3))
    model = LogisticRegression(solver, multi_class=multi_class, max_iter=300)
    with pytest.warns(SeparableWarning, match="give alpha > 0"):
        model.fit(x, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert model.score(x, y) == 1
    assert np.isfinite(model.predict_proba(1e6 * x)).all()


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_one_separable_class_of_three_warns(multi_class: str) -> None:
    x, y = data("iris")  # setosa stands apart; the other two overlap
    with pytest.warns(SeparableWarning):
        model = LogisticRegression(multi_class=multi_class).fit(x, y)
    assert model.score(x, y) < 1
    assert np.isfinite(model.coef_).all()


def test_a_penalty_gives_separable_classes_a_minimum() -> None:
    x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    model = LogisticRegression(alpha=0.01, tol=1e-14).fit(x, y)  # no warning: those are errors
    w = model.coef_[0, 0]
    # By symmetry b = 0, and dJ/dw = 0: 2 / (1 + e^w) + 4 / (1 + e^2w) = alpha w.
    assert 2 / (1 + np.exp(w)) + 4 / (1 + np.exp(2 * w)) == pytest.approx(0.01 * w, rel=1e-10)
    assert model.intercept_[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_intercepts_alone_give_the_frequencies(multi_class: str) -> None:
    y = np.repeat([0, 1, 2], [50, 30, 20])
    x = np.zeros((100, 1))
    model = LogisticRegression(alpha=1e6, multi_class=multi_class).fit(x, y)
    # alpha would pull a penalised intercept to 0, and all frequencies to 1 / 3.
    np.testing.assert_allclose(model.predict_proba(x[:1])[0], [0.5, 0.3, 0.2], rtol=0, atol=1e-9)


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
@pytest.mark.parametrize("size", [1.0, 1e3])
def test_a_singular_hessian_needs_no_damping(multi_class: str, size: float) -> None:
    x, y = blobs()
    doubled = size * np.hstack([x, x])
    options = {"damping": 0.0, "multi_class": multi_class}
    model = LogisticRegression(**options).fit(doubled, y)
    single = LogisticRegression(**options).fit(size * x, y)
    expected = single.decision_function(size * x)
    # The same scores; gradients of 1e-8 over curvatures of 0.1.
    np.testing.assert_allclose(model.decision_function(doubled), expected, rtol=0, atol=1e-6)


def test_dependent_features_share_their_weight() -> None:
    x, y = blobs()
    model = LogisticRegression().fit(np.hstack([x, x]), y)
    np.testing.assert_allclose(model.coef_[:, :3], model.coef_[:, 3:], rtol=0, atol=1e-9)
    single = LogisticRegression().fit(x, y)
    # The same scores; gradients of 1e-8 over curvatures of 0.1.
    np.testing.assert_allclose(
        model.decision_function(np.hstack([x, x])), single.decision_function(x), rtol=0, atol=1e-6
    )


def test_float32_stays_float32() -> None:
    x, y = blobs()
    model = LogisticRegression(alpha=1.0).fit(x.astype(np.float32), y)
    probabilities = model.predict_proba(x.astype(np.float32))
    assert {model.coef_.dtype, model.intercept_.dtype, probabilities.dtype} == {
        np.dtype(np.float32)
    }
    exact = LogisticRegression(alpha=1.0).fit(x, y).predict_proba(x)
    # Rounding of features, weights and scores of up to 10: some eps of 6e-8.
    np.testing.assert_allclose(probabilities, exact, rtol=0, atol=1e-5)


seeds = st.integers(0, 2**32 - 1)
ways = st.sampled_from(["multinomial", "ovr"])


@settings(deadline=None, max_examples=30)
@given(seeds, ways, st.floats(0.1, 10))
def test_order_of_samples_and_names_of_classes_do_not_matter(
    seed: int, multi_class: str, alpha: float
) -> None:
    x, y = blobs(seed=seed)
    rng = np.random.default_rng(seed)
    rows, names = rng.permutation(90), rng.permutation(3)
    model = LogisticRegression(alpha=alpha, multi_class=multi_class).fit(x, y)
    mixed = LogisticRegression(alpha=alpha, multi_class=multi_class).fit(x[rows], names[y[rows]])
    # Gradients below 1e-8 over curvatures of alpha / n, 1e-3 or more.
    np.testing.assert_allclose(mixed.coef_[names], model.coef_, rtol=0, atol=2e-5)
    np.testing.assert_allclose(mixed.intercept_[names], model.intercept_, rtol=0, atol=2e-5)


@settings(deadline=None, max_examples=30)
@given(seeds, ways, st.floats(0.1, 10), st.floats(-5, 5))
def test_shift_of_the_features_moves_the_intercepts_alone(
    seed: int, multi_class: str, alpha: float, shift: float
) -> None:
    x, y = blobs(seed=seed)
    model = LogisticRegression(alpha=alpha, multi_class=multi_class).fit(x, y)
    moved = LogisticRegression(alpha=alpha, multi_class=multi_class).fit(x + shift, y)
    expected = model.intercept_ - shift * model.coef_.sum(1)
    # As above, times a shift of 5 and three slopes.
    np.testing.assert_allclose(moved.coef_, model.coef_, rtol=0, atol=2e-5)
    np.testing.assert_allclose(moved.intercept_, expected, rtol=0, atol=3e-4)


@settings(deadline=None, max_examples=30)
@given(seeds, ways)
def test_rows_of_probabilities_sum_to_one(seed: int, multi_class: str) -> None:
    x, y = blobs(seed=seed)
    model = LogisticRegression(alpha=1.0, multi_class=multi_class).fit(x, y)
    far = 10.0 ** np.random.default_rng(seed).uniform(-3, 6, (90, 1)) * x
    # Three additions; where all sigmoids of one-vs-rest are 0 too.
    np.testing.assert_allclose(model.predict_proba(far).sum(1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"solver": "newtom"}, KeyError, "solver must be a known name, got 'newtom'; did you mean"),
        ({"multi_class": "ovo"}, KeyError, "multi_class must be .* 'ovo'; did you mean 'ovr'"),
        ({"alpha": -1.0}, ValueError, "alpha must be 0 or more and finite, got -1.0; give 0"),
        ({"alpha": None}, TypeError, "alpha must be a number, got None; give 0 or more"),
        ({"damping": np.inf}, ValueError, "damping must be 0 or more and finite"),
        ({"lr": 0.0}, ValueError, "lr must be positive, got 0.0"),
        ({"lr": np.nan}, ValueError, "lr must be positive, got nan"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    changes: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        LogisticRegression(**changes).fit(*blobs())


@pytest.mark.parametrize("nothing", [None, np.nan])
@pytest.mark.parametrize("kind", [float, object])
def test_labels_that_are_missing_are_refused(nothing: float | None, kind: type) -> None:
    x, y = blobs()
    labels = y.astype(kind)
    labels[[4, 7]] = nothing
    with pytest.raises(ValueError, match="None or NaN for 2, the first at 4; leave those samples"):
        LogisticRegression().fit(x, labels)


def test_labels_that_do_not_sort_are_refused() -> None:
    x, y = blobs()
    labels = y.astype(object)
    labels[3] = "FlatVel"
    with pytest.raises(TypeError, match="y must hold labels that sort, got int, str; convert them"):
        LogisticRegression().fit(x, labels)


def test_labels_that_do_not_fit_are_refused() -> None:
    x, y = blobs()
    with pytest.raises(ValueError, match=r"y must be \(90\), got \(89,\)"):
        LogisticRegression().fit(x, y[1:])
    with pytest.raises(ValueError, match=r"y must hold two classes or more, got \[0\]"):
        LogisticRegression().fit(x, 0 * y)
    with pytest.raises(TypeError, match="X must hold real numbers, got <U"):
        LogisticRegression().fit(x.astype(str), y)
    with pytest.raises(ValueError, match="LogisticRegression must be fitted"):
        LogisticRegression().predict(x)
    with pytest.raises(ValueError, match=r"X must be \(n, 3\), got \(90, 2\)"):
        LogisticRegression(alpha=1.0).fit(x, y).predict(x[:, :2])
