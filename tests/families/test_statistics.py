"""Statistics of maps against closed forms, and on maps that are known by their making."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from fwi import families
from fwi.families.statistics import describe, description, interfaces, layers

DEPTH, COLUMN = np.mgrid[:70.0, :70.0]


def layered(tops: list[float], values: list[float]) -> np.ndarray:
    """Fill (70, 70) with flat layers."""
    return np.array(values)[np.searchsorted(tops, DEPTH, side="right")]


def one(velocity: np.ndarray) -> dict[str, float]:
    """Describe a map."""
    return describe(velocity[None]).row(0, named=True)


def test_flat_layers() -> None:
    """Of flat layers everything is known."""
    found = one(layered([10, 30, 60], [1500, 2500, 2000, 4500]))
    expected = {
        "mean": (15000 + 20 * 2500 + 30 * 2000 + 45000) / 70,
        "min": 1500,
        "max": 4500,
        "median": 2000,
        "upper quartile": 2500,
        "whole": 1,
        "distinct": 4,
        "layers": 4,
        "in layers": 1,
        "smallest gap": 500,
        "largest gap": 2000,
        "interfaces": 3,
        "rising": 2 / 3,
        "jump": (1000 + 500 + 2500) / 3,
        "smallest jump": 500,
        "edge": 1,
        "thickness": 25,
        "thickness spread": np.std([20, 30]),
        "thinnest": 20,
        "deepest interface": 60,
        "first interface": 10,
        "across 6": 1,
        "regions": 4,
        "blocks": 0,
        "slivers": 0,
        "largest region": 30 / 70,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    of_line = "relief", "net step", "breaks", "largest break", "roughness", "turns"
    of_rows = "steps", "faint steps", "median step", "steep step", "throws", "last row"
    assert {found[name] for name in of_line + of_rows} == {0}


def test_values_against_numpy() -> None:
    """Moments, quantiles and slope of noise are NumPy's."""
    maps = np.random.default_rng(0).uniform(1500, 4500, (3, 70, 70))
    found, cells = describe(maps), maps.reshape(3, -1)
    np.testing.assert_allclose(found["std"], cells.std(axis=1))
    np.testing.assert_allclose(found["lower quartile"], np.quantile(cells, 0.25, axis=1))
    fits = [np.polyfit(DEPTH.ravel(), velocity, 1) for velocity in cells]
    np.testing.assert_allclose(found["slope"], [fit[0] for fit in fits])
    rest = [v - np.polyval(fit, DEPTH.ravel()) for v, fit in zip(cells, fits, strict=True)]
    np.testing.assert_allclose(found["residual"], np.std(rest, axis=1))


@pytest.mark.parametrize("lag", [1, 3, 6, 10])
def test_correlation_of_a_cosine(lag: int) -> None:
    """Waves of seven columns' period over a trend correlate by cos(2 pi lag / 7), and down by 1."""
    wave = 3000 + 20 * DEPTH + 100 * np.cos(2 * np.pi * COLUMN / 7)
    found = one(wave)
    # The 70 - lag pairs hold no whole number of periods: the mean of a product departs by at most
    # one period's share, 7 / (70 - lag).
    assert found[f"across {lag}"] == pytest.approx(np.cos(2 * np.pi * lag / 7), abs=0.12)
    assert found[f"down {lag}"] == pytest.approx(1)
    assert found["slope"] == pytest.approx(20)


@pytest.mark.parametrize("sigma", [0.37, 1.0])
def test_edge_of_a_gaussian(sigma: float) -> None:
    """An edge blurred by a Gaussian is as wide as the jump over its steepest change."""
    depth = 34.5  # halfway between two rows, where the change between them is the steepest
    edge = 2000 + 500 * (1 + erf((DEPTH - depth) / (sigma * np.sqrt(2))))
    found = one(edge)
    assert found["edge"] == pytest.approx(1 / erf(0.5 / (sigma * np.sqrt(2))))
    # The row 34.5 lies between rows 34 and 35: the lower layer begins with row 35.
    assert found["first interface"] == pytest.approx(35)
    assert interfaces(edge[None])["jump"].to_list() == pytest.approx([1000] * 70)


@pytest.mark.parametrize(("throw", "column"), [(5, 20), (12, 50), (30, 35)])
def test_a_vertical_fault(throw: int, column: int) -> None:
    """A vertical fault steps by its throw at every interface it cuts."""
    shifted = DEPTH - throw * (column <= COLUMN)
    found = one(np.array([2000, 3000, 4000])[np.searchsorted([15, 32], shifted, side="right")])
    assert found["largest break"] == found["relief"] == found["net step"] == throw
    assert found["breaks"] == 1
    # Two interfaces, joined to one step where the throw reaches from one to the other.
    assert found["throws"] == (2 if throw <= 17 else 1)
    assert found["largest throw"] == (throw if throw <= 17 else throw + 17)
    assert found["turns"] == 0


def test_a_curve() -> None:
    """An interface along a cosine of three periods turns five times, as high as the cosine."""
    shift = np.rint(6 * np.cos(2 * np.pi * 3 * COLUMN / 69))
    found = one(np.where(DEPTH - shift < 35, 2000, 3000))
    assert found["relief"] == 12
    assert found["turns"] == 5  # the first and the last crest are the map's ends
    assert found["first interface"] == pytest.approx((35 + shift[0]).mean())
    assert found["breaks"] == 0


def test_marks() -> None:
    """A block, a blended cell, a faint mark and a last row are told from layers."""
    velocity = layered([35], [2000, 3000])
    velocity[33:38, 10:20] = 2500  # a block of 50 cells
    velocity[60, 60] = 3100  # a sliver
    velocity[69, :14] = 3500  # a fifth of the last row, a sliver of 14 cells: a region
    velocity[5, 40] = 2010  # faint
    found = one(velocity)
    assert found["blocks"] == 1
    assert found["slivers"] == 2
    assert found["regions"] == 4
    assert found["layers"] == 2
    assert found["last row"] == 0.2
    assert found["faint steps"] == 2 / (70 * 69)


def test_a_constant_map() -> None:
    """What a constant map has not is NaN, counts are zero."""
    found = one(np.full((70, 70), 2000.0))
    assert found["interfaces"] == found["breaks"] == found["turns"] == found["throws"] == 0
    empty = ("rising", "jump", "edge", "thickness", "first interface", "relief", "smallest gap",
             "across 1", "down 10")  # fmt: skip
    assert all(np.isnan(found[name]) for name in empty)


@given(seed=st.integers(0, 2**32 - 1), family=st.sampled_from(families.NAMES))
def test_a_mirror_changes_what_is_lateral_alone(seed: int, family: str) -> None:
    """A mirrored map has the same statistics."""
    maps = families.sample(family, 1, seed)
    first, mirrored = (describe(m).row(0) for m in (maps, maps[:, :, ::-1]))
    # The side columns are counted from either side, 3 and 66. What sums in another order is as
    # near as float64 lets it be.
    np.testing.assert_allclose(first, mirrored, rtol=1e-9, atol=1e-8)


def test_a_chunk_is_like_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map's statistics do not depend on its neighbours, within a chunk or beyond."""
    monkeypatch.setattr(description, "_AT_ONCE", 3)
    maps = families.sample("FlatFault_A", 8, 3)
    together = describe(maps).to_numpy()
    for row, velocity in zip(together, maps, strict=True):
        # Sums over a stack and over a map may round differently.
        np.testing.assert_allclose(row, describe(velocity[None]).to_numpy()[0], rtol=1e-12)


def test_layers_are_counted_by_area() -> None:
    """A value is a layer from 2.5 % of the cells on: two rows of 70 are, one is not."""
    thin = layered([30, 31, 40, 42], [2000, 2500, 3000, 3500, 4000])
    assert layers(thin[None]).tolist() == [4]


@pytest.mark.parametrize(
    ("maps", "error", "says"),
    [
        (np.zeros((70, 70)), ValueError, "maps must be (n, nz, nx) of 2 x 2 cells or more"),
        (np.zeros((0, 70, 70)), ValueError, "got (0, 70, 70)"),
        (np.zeros((1, 1, 70, 70)), ValueError, "got (1, 1, 70, 70)"),
        (np.zeros((1, 70, 1)), ValueError, "got (1, 70, 1)"),
        (np.full((1, 70, 70), np.nan), ValueError, "got 4900 NaN or infinite values"),
        (np.zeros((1, 70, 70), complex), TypeError, "maps must hold numbers, got complex128"),
        (np.full((1, 70, 70), "fast"), TypeError, "maps must hold numbers, got <U4"),
        (None, TypeError, "maps must hold numbers, got object"),
    ],
)
def test_what_is_no_map(maps: object, error: type[Exception], says: str) -> None:
    """What is no stack of maps is refused by every statistic in one sentence."""
    for statistic in (describe, interfaces, layers):
        with pytest.raises(error, match=re.escape(says)):
            statistic(maps)  # type: ignore[arg-type]
