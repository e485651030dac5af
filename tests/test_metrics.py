"""Errors in m/s against scikit-learn."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import mean_absolute_error

from fwi.metrics import SCORED, absolute_errors, mae, summarize

# Float64 means of some 10,000 terms in another order of summation.
ROUNDING = 1e-12


@pytest.fixture
def maps() -> tuple[npt.NDArray, npt.NDArray]:
    """Predicted and true maps (4, 70, 70) float32, m/s."""
    predicted, true = np.random.default_rng(0).uniform(1500, 4500, (2, 4, 70, 70))
    return predicted.astype(np.float32), true.astype(np.float32)


def test_mae_is_scikit_learns(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    predicted, true = (m.astype(np.float64) for m in maps)
    oracle = mean_absolute_error(true.ravel(), predicted.ravel())
    assert mae(*maps) == pytest.approx(oracle, rel=ROUNDING)


def test_scored_columns_are_the_odd_ones(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    assert list(range(70))[SCORED] == [int(f"{i}") for i in range(70) if i % 2 == 1]
    predicted, true = (m[..., [i for i in range(70) if i % 2]].astype(np.float64) for m in maps)
    oracle = mean_absolute_error(true.ravel(), predicted.ravel())
    assert mae(*maps, SCORED) == pytest.approx(oracle, rel=ROUNDING)


def test_even_columns_do_not_score(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    predicted = maps[1].copy()
    predicted[..., ::2] += 100
    assert mae(predicted, maps[1], SCORED) == 0
    assert mae(predicted, maps[1]) == pytest.approx(50)


def test_errors_are_one_a_map(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    errors = absolute_errors(*maps)
    assert errors.shape == (4,)
    assert errors[2] == pytest.approx(mae(maps[0][2:3], maps[1][2:3]), rel=ROUNDING)


def test_small_differences_survive_float32() -> None:
    true = np.full((1, 70, 70), 4500, np.float32)
    predicted = np.nextafter(true, np.float32(0))
    assert mae(predicted, true) == float(true[0, 0, 0]) - float(predicted[0, 0, 0])


def test_other_shapes_are_refused(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(4, 70, 70\) and \(1, 70, 70\)"):
        absolute_errors(maps[0], maps[1][:1])


def test_summary_has_each_family(maps: tuple[npt.NDArray, npt.NDArray]) -> None:
    predicted, true = maps
    summary = summarize(predicted, true, ["B", "A", "B", "A"])
    assert list(summary) == ["mae", "mae_scored", "A", "B"]
    assert summary["mae"] == mae(predicted, true)
    assert summary["mae_scored"] == mae(predicted, true, SCORED)
    assert summary["A"] == pytest.approx(mae(predicted[1::2], true[1::2]), rel=ROUNDING)
    assert summary["B"] == pytest.approx(mae(predicted[::2], true[::2]), rel=ROUNDING)
