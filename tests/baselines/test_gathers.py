"""The baselines on gathers against direct computations."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fwi.baselines import gather_cnn
from fwi.baselines.gather_cnn import GatherCNN
from fwi.baselines.gather_families import FamilyMeans
from fwi.baselines.gathers import BASELINES, MeanMap, NearestGathers, Ridge
from fwi.baselines.reduced import reduce_gathers

Array = np.ndarray


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(20, 63), st.integers(5, 12)),
        elements=st.floats(-100, 100, width=32),
    )
)
def test_reduction_equals_a_loop(gathers: Array) -> None:
    b, s, t, r = gathers.shape
    expected = [
        [
            [
                [
                    gathers[i, j, 20 * k : 20 * k + 20, 5 * m : 5 * m + 5].astype(float).mean()
                    for m in range(r // 5)
                ]
                for k in range(t // 20)
            ]
            for j in range(s)
        ]
        for i in range(b)
    ]
    # A hundred float32 additions of values up to 100.
    np.testing.assert_allclose(reduce_gathers(gathers), expected, rtol=0, atol=1e-3)


def test_reduction_of_the_standard_gathers_has_3500_features() -> None:
    features = reduce_gathers(np.ones((2, 5, 1000, 70), np.float16))
    assert features.shape == (2, 5, 50, 14)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, 1)


def problem(n: int, noise: float = 50.0) -> tuple[Array, Array, list[str | None]]:
    """Draw reduced gathers (n, 2, 4, 3), maps (n, 5, 6) linear in them, and two families."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2, 4, 3)) * rng.uniform(0.1, 10, (2, 4, 3)) + 3
    mixing = np.random.default_rng(1).normal(size=(24, 30)) * 100
    y = 3000 + x.reshape(n, -1) @ mixing + noise * rng.normal(size=(n, 30))
    return x, y.reshape(n, 5, 6), ["flat" if value > 3 else "curved" for value in x[:, 0, 0, 0]]


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_predicts_maps_in_shape(name: str) -> None:
    x, y, families = problem(40)
    predicted = BASELINES[name]().fit(x, y, families).predict(x[:7])
    assert predicted.shape == (7, 5, 6)
    assert np.isfinite(predicted).all()


def test_mean_map_is_the_mean() -> None:
    x, y, families = problem(40)
    predicted = MeanMap().fit(x, y, families).predict(x[:2])
    # Values of up to 1e4, whose forty additions may come in another order: eps of 2e-16 each.
    np.testing.assert_allclose(predicted, np.stack([y.mean(0)] * 2), rtol=0, atol=1e-10)


def test_ridge_is_scikit_learns() -> None:
    x, y, families = problem(60, 1000.0)
    flat = x.reshape(60, -1)
    # Both take the penalty of the least leave-one-out error, after scaling over all samples.
    theirs = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(1, 6, 11)))
    theirs.fit(flat[:50], y[:50].reshape(50, -1))
    ours = Ridge().fit(x[:50], y[:50], families[:50])
    assert ours.pipeline_[-1].alpha_ == theirs[-1].alpha_
    expected = theirs.predict(flat[50:]).reshape(10, 5, 6)
    # float64 throughout; two ways of solving one well-conditioned system.
    np.testing.assert_allclose(ours.predict(x[50:]), expected, rtol=1e-10)


def test_nearest_gathers_equal_a_loop() -> None:
    x, y, families = problem(50, 1000.0)
    flat = x.reshape(50, -1)
    z = (flat - flat[:40].mean(0)) / flat[:40].std(0)
    order = [np.argsort(np.linalg.norm(z[:40] - z[i], axis=1)) for i in range(50)]
    errors = [
        np.mean([np.abs(y[order[i][1 : k + 1]].mean(0) - y[i]).mean() for i in range(40)])
        for k in range(1, 40)
    ]
    best = 1 + int(np.argmin(errors))
    assert 1 < best < 39  # else it would not be chosen
    expected = [y[order[i][:best]].mean(0) for i in range(40, 50)]
    fitted = NearestGathers().fit(x[:40], y[:40], families[:40])
    np.testing.assert_allclose(fitted.predict(x[40:]), expected, rtol=1e-12)


def test_families_told_apart_get_their_own_means() -> None:
    rng = np.random.default_rng(0)
    families: list[Any] = ["loud", "faint", None] * 20
    scale = np.array([10.0, 0.1, 3.0] * 20)[:, None, None, None]
    x = scale * rng.choice([-1, 1], (60, 2, 4, 3)) * rng.uniform(0.8, 1.2, (60, 2, 4, 3))
    y = rng.normal(3000, 300, (60, 5, 6))
    fitted = FamilyMeans().fit(x, y, families)
    assert fitted.classes_.tolist() == ["faint", "loud"]
    shares = fitted.probabilities(x)
    # One addition of two shares, each a few roundings from right.
    np.testing.assert_allclose(shares.sum(1), 1, rtol=0, atol=1e-14)
    # The penalty keeps forty samples from more certainty: measured 0.73.
    assert (shares[::3, 1] > 0.7).all()
    assert (shares[1::3, 0] > 0.7).all()
    means = [y[1::3].mean(0), y[::3].mean(0)]
    expected = shares[:, :1, None] * means[0] + shares[:, 1:, None] * means[1]
    # The same two products and their sum, of maps below 1e4.
    np.testing.assert_allclose(fitted.predict(x), expected, rtol=0, atol=1e-10)


def test_no_component_without_variance_is_whitened() -> None:
    x, y, families = problem(12)
    components = FamilyMeans().fit(x, y, families).classifier_[1]
    assert components.n_components_ == 11  # twelve samples less their mean
    assert components.explained_variance_.min() > 1e-3 * components.explained_variance_.max()


@pytest.mark.parametrize("families", [[None] * 40, ["flat"] + [None] * 39])
def test_without_two_families_there_is_one_mean_map(families: list[str | None]) -> None:
    x, y, _ = problem(40)
    expected = MeanMap().fit(x, y, families).predict(x)
    # The mean times a share of 1, but for the order of forty additions of values of up to 1e4.
    predicted = FamilyMeans().fit(x, y, families).predict(x)
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-10)


def smooth_problem(n: int) -> tuple[Array, Array]:
    """Draw images whose one bright row says how deep a layer lies."""
    rng = np.random.default_rng(2)
    depth = rng.integers(2, 14, n)
    rows = np.arange(16)
    x = np.exp(-((rows - depth[:, None]) ** 2))[:, None, :, None] + rng.normal(
        0, 0.05, (n, 2, 16, 6)
    )
    y = np.where(rows[:, None] < depth[:, None, None], 2000.0, 4000.0) + np.zeros((n, 16, 5))
    return x.astype(np.float32), y


def test_network_learns_where_a_layer_lies() -> None:
    x, y = smooth_problem(400)
    fitted = GatherCNN(15).fit(x[:320], y[:320], [None] * 320)
    error = np.abs(fitted.predict(x[320:]) - y[320:]).mean()
    mean = np.abs(y[:320].mean(0) - y[320:]).mean()
    assert error < mean / 3  # measured 126 of 498 m/s
    again = GatherCNN(15).fit(x[:320], y[:320], [None] * 320)
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))


@pytest.mark.parametrize(("shown", "epochs"), [(1000, 20), (400, 10), (10, 1)])
def test_the_network_is_shown_so_many_samples(
    shown: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather_cnn, "_SHOWN", shown)
    x, y, families = problem(40)
    assert len(GatherCNN().fit(x, y, families).network_.history) == epochs


def test_an_interrupted_fit_is_no_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def pressed(prediction: Array, target: Array) -> tuple[Array, Array]:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return np.mean(prediction), np.zeros_like(prediction)

    monkeypatch.setattr(gather_cnn, "l1", pressed)
    x, y, families = problem(40)
    with pytest.raises(KeyboardInterrupt):
        GatherCNN(5).fit(x, y, families)
    assert len(calls) == 3
