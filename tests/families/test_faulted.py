"""FlatFault and CurveFault: their steps against closed forms and scipy, their maps against real."""

from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, map_coordinates, median_filter, shift
from scipy.stats import ks_2samp

from fwi import families
from fwi.families.blocks import HOLLOW, faulted, slid, tilted
from fwi.families.edges import halved
from fwi.families.faulted import SharpFaulted, SmoothFaulted
from fwi.families.faults import TILT, Fault, draw_fault
from fwi.families.stacks import broken_thicknesses, two_halves
from fwi.families.wedges import Wedge

Maps = npt.NDArray[np.float64]

NAMES = ("FlatFault_A", "CurveFault_A", "FlatFault_B", "CurveFault_B")
FULL = {
    "FlatFault_A": (3089, 855),
    "CurveFault_A": (3083, 852),
    "FlatFault_B": (3056, 876),
    "CurveFault_B": (3036, 890),
}
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "openfwi_maps"
SEEDS = st.integers(0, 2**32 - 1)
LAYERS = np.repeat([1600.0, 2400.0, 3300.0, 4200.0], 35)[:, None] * np.ones(140)  # 140 x 140
BELOW = 0.0534893  # of a step, above it: 2 x 2 means of a Gaussian of half a fine cell


@cache
def drawn(family: str) -> Maps:
    """Draw 600 maps of a family once for all tests."""
    return families.sample(family, 600, rng=7).astype(np.float64)


@cache
def kept_apart() -> Maps:
    """Give the second half of the real FlatFault_A maps, all of four layers, (250, 70, 70)."""
    path = REAL / "many_FlatFault_A.npz"
    if not path.exists():
        pytest.skip("the real data folder ../shared/data is absent")
    with np.load(path) as file:
        return file["maps"][250:].astype(np.float64)


@cache
def four_layers() -> Maps:
    """Draw 300 FlatFault_A maps of four layers."""
    recipe = replace(SmoothFaulted(), layers=(4,))
    return families.sample(recipe, 300, rng=3).astype(np.float64)


@pytest.mark.parametrize("family", NAMES)
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_any_seed_gives_a_map(family: str, seed: int) -> None:
    """Maps are whole, finite and within the range of the full set."""
    velocity = families.sample(family, 1, rng=seed)[0]
    fastest = 4500 if family.endswith("A") else 4499
    assert velocity.shape == (70, 70)
    assert ((velocity >= 1500) & (velocity <= fastest)).all()


@pytest.mark.parametrize("family", NAMES)
def test_mean_and_spread_are_those_of_the_full_set(family: str) -> None:
    """Over all cells, as the full sets' statistics are."""
    # Maps' means spread by 300 m/s: 600 of them give theirs to 12 m/s (0.4 %).
    mean, std = FULL[family]
    assert drawn(family).mean() == pytest.approx(mean, rel=0.02)
    assert drawn(family).std() == pytest.approx(std, rel=0.04)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 8), over=st.integers(0, 40), thinnest=st.integers(1, 15))
def test_thicknesses_add_up(seed: int, n: int, over: int, thinnest: int) -> None:
    """No layer is too thin, and no row is left."""
    rows = n * thinnest + over
    thickness = broken_thicknesses(np.random.default_rng(seed), n, rows, thinnest)
    assert thickness.sum() == rows
    assert thickness.min() >= thinnest


def test_thicknesses_are_as_likely_as_a_broken_stick_says() -> None:
    """Drawn frequencies against the sum over all orders of the layers."""

    def odds(over: tuple[int, ...]) -> float:
        total = 0.0
        for order in permutations(over):
            left, product = 3, 1.0
            for taken in order[:-1]:
                product /= left + 1
                left -= taken
            total += product
        return total / 6

    rng = np.random.default_rng(0)
    draws = [tuple((broken_thicknesses(rng, 3, 18, 5) - 5).tolist()) for _ in range(4000)]
    for over in {*permutations((3, 0, 0)), *permutations((2, 1, 0)), (1, 1, 1)}:
        # 4,000 draws of odds p: four standard deviations are 4 sqrt(p / 4000).
        assert draws.count(over) / 4000 == pytest.approx(odds(over), abs=0.0633 * odds(over) ** 0.5)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 9))
def test_half_of_the_layers_are_slow(seed: int, n: int) -> None:
    """Velocities increase, n // 2 of them in the slow half."""
    values = two_halves(np.random.default_rng(seed), n, (1500, 3000, 4500))
    assert (np.diff(values) >= 0).all()
    assert (values < 3000).sum() == n // 2
    assert values[0] >= 1500
    assert values[-1] < 4500


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, side=st.sampled_from([70, 140]))
def test_faults_cross_the_corners_that_they_should(seed: int, side: int) -> None:
    """Every line passes the top right of its first quarter and the bottom left of its third."""
    fault = draw_fault(np.random.default_rng(seed), side, (5, 10))
    top = fault.column + side / 2 * fault.lean
    bottom = fault.column - side / 2 * fault.lean
    assert top >= side / 4 - 1e-6
    assert bottom <= 3 * side / 4 + 1e-6
    assert 5 <= abs(fault.throw) <= 10


@pytest.mark.parametrize("throw", [12.7, -12.3])
def test_a_layer_moves_by_the_throw(throw: float) -> None:
    """Far from the line the ground is where it was, or whole rows away."""
    moved = slid(LAYERS, Fault(70, 0.3, throw))
    rows = int(np.floor(throw))
    np.testing.assert_array_equal(moved[:, 0], LAYERS[:, 0])
    inside = slice(20, 120)
    np.testing.assert_array_equal(moved[inside, 125], np.roll(LAYERS[:, 125], rows)[inside])


@pytest.mark.parametrize(("lean", "throw"), [(0.8, 13.0), (-0.3, 17.0), (0.45, -15.0)])
def test_sliding_is_a_spline_shift_of_masked_ground(lean: float, throw: float) -> None:
    """Scipy's cubic shift of the ground right of the line, and the rest as it was."""
    fault = Fault(60, lean, throw)
    rows, columns = np.mgrid[0.0:140, 0.0:140]
    left = columns < fault.column - (rows - 70) * lean
    masked = np.where(left, HOLLOW, LAYERS)
    oracle = shift(masked, (throw, -throw * lean), order=3, mode="constant", cval=HOLLOW)
    oracle = np.where(left, LAYERS, oracle)
    # Splines of both axes against splines of rows: the same but for rounding, 1e-16 of 4500.
    np.testing.assert_allclose(slid(LAYERS, fault), oracle, atol=1e-8)


def test_ringing_falls_as_a_spline_rings() -> None:
    """From cell to cell by 2 - sqrt(3), with the other sign."""
    ground = np.full((140, 140), 2000.0)
    row = slid(ground, Fault(40, 0.13, 15.0))[70]
    rings = row[42:52] - 2000
    np.testing.assert_allclose(rings[1:] / rings[:-1], 3**0.5 - 2, rtol=1e-3)


def test_tilting_is_an_interpolation_along_tilted_columns() -> None:
    """Scipy's linear interpolation at the tilted places."""
    picture = np.random.default_rng(0).uniform(1500, 4500, (140, 140))
    rows, columns = np.mgrid[0.0:140, 0.0:140]
    places = [rows / np.cos(TILT), columns - rows * np.tan(TILT)]
    oracle = map_coordinates(picture, places, order=1, mode="grid-constant", cval=HOLLOW)
    np.testing.assert_allclose(tilted(picture), oracle, atol=1e-8)


def test_what_faulting_missed_lies_flat() -> None:
    """Beside the tilted left edge the ground is the flat one."""
    bent = np.roll(LAYERS, 9, axis=0)
    result = faulted(LAYERS, bent, Fault(400, 0.0, 10.0))  # a fault beside the picture
    np.testing.assert_array_equal(result[100:139, :10], LAYERS[100:139, :10])
    assert (result[44, 20:] == bent[44, 20:]).all()


def test_the_mean_block_holds_the_mean() -> None:
    """Where the first layer slid over the second, beside the fault, the mean of the two."""
    velocity = halved(faulted(LAYERS, LAYERS, Fault(70, 0.4, 16.0)))
    # The ringing that makes the block is there: 3100 m/s times (2 - sqrt(3))**10, 0.006 m/s.
    np.testing.assert_allclose(velocity[19:23, 48:52], (1600 + 2400) / 2, atol=0.05)
    np.testing.assert_allclose(velocity[19:23, 59:63], 1600)
    np.testing.assert_allclose(velocity[28:33, 59:63], 2400)


def test_halving_is_a_blur_a_mean_and_a_median() -> None:
    """The matrix against scipy's Gaussian; a step leaves 0.0535 above."""
    picture = np.random.default_rng(0).uniform(1500, 4500, (140, 140))
    fine = gaussian_filter(picture, 0.5).reshape(70, 2, 70, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(halved(picture), median_filter(fine, 3, mode="nearest"))
    step = np.repeat([0.0, 1.0], 70)[:, None] * np.ones(140)
    np.testing.assert_allclose(halved(step)[34:36, 9], [BELOW, 1 - BELOW], atol=1e-6)


def test_real_steps_are_as_sharp() -> None:
    """Beside the left edge, where no faulting came, real interfaces leave 0.0535 above."""
    # At whole rows, between two layers of one row each: maps are float32, of 1e-7 x 4500 m/s.
    shares = []
    for column in kept_apart()[:, :, 0]:
        for row in range(40, 58):
            above, upper, _, below = column[row - 2 : row + 2]
            if below - above > 300 and abs(column[row - 3] - above) < 1e-3:
                shares.append((upper - above) / (below - above))
    found = np.isclose(shares, BELOW, atol=2e-5)
    assert found.sum() > 50


def exact(velocity: Maps) -> Maps:
    """Mark the cells of a map's four commonest velocities."""
    values, counts = np.unique(velocity, return_counts=True)
    return np.isin(velocity, values[np.argsort(counts)[-4:]])


STATISTICS = {
    "exact cells": lambda m: exact(m).mean(),
    "distinct values": lambda m: np.unique(m).size,
    "mean": np.mean,
    "spread": np.std,
    "steps across": lambda m: (np.abs(np.diff(m, axis=1)) > 30).sum(),
    "faint steps across": lambda m: (np.abs(np.diff(m, axis=1)) > 0.01).sum(),
    "steps up": lambda m: (np.diff(m, axis=0) < -20).sum(),
    "first interface": lambda m: np.argmax(m[:, 35] > m[0, 35] + 1),
    "edges": lambda m: np.abs(m[:, 0] - m[:, 69]).mean(),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_maps_of_four_layers_are_like_real_ones_kept_apart(name: str) -> None:
    """Kolmogorov and Smirnov's test of what sums a map up."""
    # Nine statistics at 0.001: one false alarm in a hundred seeds, and the seed is fixed.
    real, ours = (
        [float(STATISTICS[name](m)) for m in maps] for maps in (kept_apart(), four_layers())
    )
    assert ks_2samp(real, ours).pvalue > 0.001


@pytest.mark.parametrize("family", ["FlatFault_B", "CurveFault_B"])
def test_sharp_maps_hold_two_stacks_of_whole_numbers(family: str) -> None:
    """Whole m/s, and no more velocities than two stacks of eight layers have."""
    np.testing.assert_array_equal(drawn(family), np.rint(drawn(family)))
    counts = np.array([np.unique(m).size for m in drawn(family)])
    assert counts.max() <= 16
    assert 12 < counts.mean() < 15  # 8 real maps kept for fitting: 10 to 15, 12.4 on average


def test_a_seam_parts_the_stacks() -> None:
    """Without slip, a map of two stacks is flat on either side of a straight line."""
    recipe = SharpFaulted(throw=(0, 0), seam=(35, 35), still=0)
    velocity = recipe(np.random.default_rng(0))
    assert (np.ptp(velocity[:, :35], axis=1) == 0).all()
    assert (np.ptp(velocity[:, 35:], axis=1) == 0).all()
    assert (velocity[:, 0] != velocity[:, 69]).any()


def test_a_wedge_is_lifted_between_its_faults() -> None:
    """Rows moved by zones; ground slid along the fault on its left."""
    drop, column = Wedge((20, 50), (0.5, 1.0), (3, -9, 6)).slip()
    np.testing.assert_array_equal(drop[35, [0, 19, 20, 49, 50, 69]], [3, 3, -9, -9, 6, 6])
    np.testing.assert_array_equal(drop[45, [24, 25, 59, 60]], [3, -9, -9, 6])
    across = np.arange(70.0) + 2 * 35 * np.tan(TILT) - column[35]
    np.testing.assert_allclose(across[[0, 30, 60]], [0, -12 * 0.5, 3 * 1.0], atol=1e-12)


@pytest.mark.parametrize("family", ["FlatFault_B", "CurveFault_B"])
def test_curves_are_in_curved_maps_only(family: str) -> None:
    """Interfaces of curved maps step from column to column, flat ones at faults alone."""
    steps = (np.diff(drawn(family), axis=2) != 0).sum(axis=(1, 2))
    # Real: 147 to 241 steps in flat maps, 559 to 814 in curved ones (pictures, even numbers).
    low, high = (100, 350) if family == "FlatFault_B" else (300, 1100)
    assert low < np.quantile(steps, 0.02)
    assert np.quantile(steps, 0.98) < high


def summary(velocity: Maps) -> dict[str, float]:
    """Sum a map up in what pictures show exactly: where its values change."""
    velocity = velocity.astype(np.float64)
    across, down = np.diff(velocity, axis=1), np.diff(velocity, axis=0)
    return {
        "distinct": np.unique(velocity).size,
        "across": (np.abs(across) > 30).sum(),
        "down": (np.abs(down) > 30).sum(),
        "faster above": (down < -30).sum(),
        "last row": (np.abs(down[68]) > 30).mean(),
        "values in a row": np.mean([np.unique(np.rint(row / 30)).size for row in velocity]),
        "steepness": (np.abs(across) > 30).sum(axis=0).max(),
    }


@pytest.mark.parametrize("family", NAMES)
def test_real_pictures_kept_apart_could_have_been_generated(family: str) -> None:
    """Real maps' summaries lie in the central 99 % of generated ones."""
    path = REAL / "pictures.npz"
    if not path.exists():
        pytest.skip("the real data folder ../shared/data is absent")
    with np.load(path) as file:
        real = [summary(m) for m in file[family][1::2]]
    # Pictures know values within 0.5 % of the range, 15 m/s: distinct values only where sharp.
    ours = [summary(m) for m in drawn(family)]
    outside = []
    for name in real[0]:
        if name == "distinct" and family.endswith("A"):
            continue
        low, high = np.quantile([float(one[name]) for one in ours], (0.005, 0.995))
        outside += [(name, one[name]) for one in real if not low <= one[name] <= high]
    assert not outside


def test_a_variant_is_a_replacement_of_fields() -> None:
    """Recipes are frozen instances with parameters."""
    recipe = families.recipe("FlatFault_B")
    assert isinstance(recipe, SharpFaulted)
    few = families.sample(replace(recipe, layers=(2,), thinnest=20), 20, rng=0)
    assert max(np.unique(m).size for m in few) <= 4
