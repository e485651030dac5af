"""Blends and test-time averaging against their formulas."""

import numpy as np
import numpy.typing as npt
import pytest

from fwi.geometry import flip_gathers
from fwi.inference.ensemble import blend, flip_averaged
from fwi.models.network import Prediction


@pytest.fixture
def predictions() -> list[npt.NDArray]:
    """Four models' maps (2, 6, 5) float32, m/s, the last one far off."""
    maps = np.random.default_rng(0).uniform(1500, 4500, (4, 2, 6, 5)).astype(np.float32)
    maps[3] += 10_000
    return list(maps)


def test_mean_is_numpys_in_float64(predictions: list[npt.NDArray]) -> None:
    oracle = np.mean(np.stack(predictions).astype(np.float64), axis=0).astype(np.float32)
    blended = blend(predictions, "mean")
    assert blended.dtype == np.float32
    assert np.array_equal(blended, oracle)


def test_median_is_cell_by_cell_and_robust(predictions: list[npt.NDArray]) -> None:
    blended = blend(predictions, "median")
    ordered = np.sort(np.stack(predictions).astype(np.float64), axis=0)
    # One float32 rounding of the mean of the two middle values.
    np.testing.assert_allclose(blended, (ordered[1] + ordered[2]) / 2, rtol=2**-23)
    assert blended.max() < 5000


@pytest.mark.parametrize("how", ["mean", "median"])
def test_one_prediction_is_its_own_blend(predictions: list[npt.NDArray], how: str) -> None:
    assert np.array_equal(blend(predictions[:1], how), predictions[0])


def test_order_of_models_does_not_matter(predictions: list[npt.NDArray]) -> None:
    # The float64 sums differ in their last bit, which float32 does not keep but for a tie.
    np.testing.assert_allclose(blend(predictions), blend(predictions[::-1]), rtol=2**-23)


def test_other_shapes_and_nothing_are_refused(predictions: list[npt.NDArray]) -> None:
    with pytest.raises(ValueError, match=r"one shape, got \[\(2, 6, 4\), \(2, 6, 5\)\]"):
        blend([predictions[0], predictions[1][..., 1:]])
    with pytest.raises(ValueError, match=r"one shape, got \[\]"):
        blend([])


def test_flip_average_is_the_mean_of_both_views() -> None:
    gathers = np.random.default_rng(0).normal(size=(2, 5, 4, 6))

    def ask(gathers: npt.NDArray) -> Prediction:
        return Prediction(gathers[:, 0], 2 * gathers[:, 0], gathers[:, 1, 0])

    said, mirrored = flip_averaged(ask, gathers), flip_gathers(gathers)
    expected = (gathers[:, 0] + mirrored[:, 0, :, ::-1]) / 2
    assert np.array_equal(said.velocity, expected)
    assert np.array_equal(said.error, 2 * expected)
    assert np.array_equal(said.family, (gathers[:, 1, 0] + mirrored[:, 1, 0]) / 2)


def test_flip_average_of_nothing_is_nothing() -> None:
    said = flip_averaged(lambda gathers: Prediction(gathers[:, 0]), np.ones((1, 5, 4, 6)))
    assert said.error is None
    assert said.family is None


@pytest.mark.parametrize("shots", [5, 6])
def test_flip_average_commutes_with_the_flip(shots: int) -> None:
    gathers = np.random.default_rng(1).normal(size=(2, shots, 4, 6))
    weights = np.random.default_rng(2).normal(size=shots)

    def ask(gathers: npt.NDArray) -> Prediction:
        return Prediction(np.einsum("bstr,s->btr", gathers, weights))

    mirrored = flip_averaged(ask, flip_gathers(gathers)).velocity[..., ::-1]
    # Sums of six float64 terms of size one in two orders.
    np.testing.assert_allclose(mirrored, flip_averaged(ask, gathers).velocity, atol=1e-14)
