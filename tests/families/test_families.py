"""The generated maps against what is known of the ten families."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fwi import families
from fwi.families.faults import Fault, grid, unfault
from fwi.families.layers import blurred, sharp

Maps = npt.NDArray[np.float64]

# Mean, standard deviation and limits printed over the full OpenFWI set, m/s.
TABLE = {
    "FlatVel_A": (2782, 786, 1500, 4500),
    "FlatVel_B": (3001, 867, 1500, 4500),
    "CurveVel_A": (2788, 794, 1500, 4500),
    "CurveVel_B": (3000, 866, 1500, 4500),
    "FlatFault_A": (3089, 855, 1500, 4500),
    "FlatFault_B": (3056, 876, 1500, 4499),
    "CurveFault_A": (3083, 852, 1500, 4500),
    "CurveFault_B": (3036, 890, 1500, 4499),
    "Style_A": (2729, 666, 1515, 4446),
    "Style_B": (2838, 638, 1522, 4429),
}
LAYERED = ("FlatVel_A", "FlatVel_B", "CurveVel_A", "CurveVel_B")
SHARP = (*LAYERED, "FlatFault_B", "CurveFault_B")
DEPTH = np.arange(70) - 34.5
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "openfwi_maps"


@cache
def drawn(family: str) -> Maps:
    """Draw 1,000 maps of a family once for all tests."""
    return families.sample(family, 1000, rng=2021).astype(np.float64)


def slopes(maps: Maps) -> Maps:
    """Return the depth slope (n,) of every map, m/s a row."""
    return maps.mean(axis=2) @ DEPTH / (DEPTH @ DEPTH)


def test_names_are_registered_in_the_order_of_the_field() -> None:
    """NAMES keeps the order of the published tables."""
    assert families.NAMES == tuple(TABLE)


@pytest.mark.parametrize("family", families.NAMES)
def test_shape_type_and_limits(family: str) -> None:
    """Maps are finite float32 arrays within the limits of the full set."""
    maps = families.sample(family, 20, rng=0)
    assert maps.shape == (20, 70, 70)
    assert maps.dtype == np.float32
    assert maps.flags.c_contiguous
    assert np.isfinite(drawn(family)).all()
    assert drawn(family).min() >= TABLE[family][2]
    assert drawn(family).max() <= TABLE[family][3]


@pytest.mark.parametrize("family", families.NAMES)
def test_the_seed_decides(family: str) -> None:
    """The same seed gives the same maps, in any form, and a prefix of a longer draw."""
    maps = families.sample(family, 4, rng=7)
    np.testing.assert_array_equal(maps, families.sample(family, 4, np.random.SeedSequence(7)))
    np.testing.assert_array_equal(maps[:2], families.sample(family, 2, np.random.default_rng(7)))
    assert not np.array_equal(maps, families.sample(family, 4, rng=8))
    assert np.unique(maps.reshape(4, -1), axis=0).shape[0] == 4


def test_a_generator_moves_on() -> None:
    """A generator that is handed in is advanced."""
    rng = np.random.default_rng(0)
    first, second = families.sample("Style_A", 1, rng), families.sample("Style_A", 1, rng)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("family", families.NAMES)
def test_mean_and_spread_match_the_full_set(family: str) -> None:
    """Pooled mean and spread are those of the full set."""
    # Between generators, 3 % of the mean and 6 % of the spread cannot be told apart
    # by a network that normalises its target; with 1,000 maps of up to 600 m/s
    # spread between maps the sampling error of the mean is below 20 m/s (0.7 %).
    mean, std, _, _ = TABLE[family]
    assert drawn(family).mean() == pytest.approx(mean, rel=0.03)
    assert drawn(family).std() == pytest.approx(std, rel=0.06)


@pytest.mark.parametrize("family", SHARP)
def test_sharp_families_hold_whole_numbers(family: str) -> None:
    """Families without interpolation hold whole m/s."""
    np.testing.assert_array_equal(drawn(family), np.rint(drawn(family)))


@pytest.mark.parametrize("family", ["FlatVel_A", "FlatVel_B"])
def test_flat_rows_are_constant(family: str) -> None:
    """Flat layers do not change along a row."""
    assert (np.ptp(drawn(family), axis=2) == 0).all()


@pytest.mark.parametrize("family", ["FlatVel_A", "CurveVel_A"])
def test_velocity_increases_with_depth(family: str) -> None:
    """No step of the layered A families goes down."""
    assert (np.diff(drawn(family), axis=1) >= 0).all()


@pytest.mark.parametrize("family", ["FlatVel_B", "CurveVel_B"])
def test_velocity_of_b_comes_in_any_order(family: str) -> None:
    """Steps of the layered B families go either way."""
    # Independent values fall at every second interface.
    steps = np.diff(drawn(family), axis=1)
    assert (steps < 0).sum() / (steps != 0).sum() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("family", LAYERED)
def test_layer_counts(family: str) -> None:
    """Layered maps have about three to eight layers."""
    # Three to eight nominal layers; one more where the last thickness falls short,
    # one less where a layer is cut off or two velocities agree.
    counts = np.array([np.unique(m).size for m in drawn(family)])
    assert counts.min() >= 2
    assert counts.max() <= 9
    assert 4.5 < counts.mean() < 6.5


def test_flat_layers_are_about_as_thick_as_each_other() -> None:
    """Whole layers of a map share a nominal thickness."""
    # Jitter of 30 % about one nominal thickness, from 70/8 to 70/2.5 rows; one map in
    # a hundred may have neighbours of one velocity, which look like one thick layer.
    fair = []
    for column in drawn("FlatVel_B")[:, :, 0]:
        whole = np.diff(np.flatnonzero(np.diff(column, prepend=0)))  # without the last
        fair.append(6 <= whole.min() and whole.max() <= min(37, 2 * whole.min() + 1))
    assert np.mean(fair) > 0.99


@pytest.mark.parametrize("family", ["CurveVel_A", "CurveVel_B"])
def test_one_curve_shifts_every_interface(family: str) -> None:
    """All interfaces of a curved map are parallel."""
    # Below the first interface, every column shows what the deepest trough shows.
    for velocity in drawn(family)[:100]:
        first = np.argmax(velocity != velocity[0], axis=0)
        trough = first.argmax()
        below = velocity[first[trough] :, trough]
        for column in np.flatnonzero((first > 0) & (velocity[0] == velocity[0, trough])):
            found = velocity[first[column] :, column][: below.size]
            np.testing.assert_array_equal(found, below)


def test_curves_have_the_measured_periods() -> None:
    """The curves are sums of the first five harmonics."""
    # The first interface is the curve wherever the top layer is met in all columns;
    # its power is in the periods 70/1 ... 70/5.
    shares = []
    for velocity in drawn("CurveVel_A")[:300]:
        if (velocity[0] == velocity[0, 0]).all() and (velocity[-1] != velocity[0]).all():
            first = np.argmax(velocity != velocity[0], axis=0)
            power = np.abs(np.fft.rfft(first - first.mean())) ** 2
            shares.append(power[1:6].sum() / power.sum())
    assert len(shares) > 100
    assert np.median(shares) > 0.97  # rounding to whole rows takes the rest


@pytest.mark.parametrize("kind", ["FlatFault", "CurveFault"])
def test_a_faults_are_blurred_and_b_faults_sharp(kind: str) -> None:
    """A has values in between, B a dozen values in all."""
    smooth, rough = drawn(f"{kind}_A"), drawn(f"{kind}_B")
    in_between = [np.unique(m).size for m in smooth]
    main = [np.unique(m).size for m in rough]
    assert np.median(in_between) > 15  # real: 47 and 146, of which 2 to 4 are layers
    assert max(main) <= 14
    assert np.median(main) >= 8  # real: 10 and 14


@pytest.mark.parametrize("family", ["FlatFault_B", "CurveFault_B"])
def test_b_faults_mostly_increase_with_depth(family: str) -> None:
    """Most steps of the B faults go up with depth."""
    steps = np.diff(drawn(family), axis=1)
    assert (steps > 0).sum() > 2 * (steps < 0).sum()


def test_faults_cut_flat_layers() -> None:
    """Nearly every flat map shows a fault."""
    # Without a fault, a flat map has no step along its rows.
    for family in ("FlatFault_A", "FlatFault_B"):
        cut = (np.abs(np.diff(drawn(family), axis=2)) > 30).any(axis=(1, 2))
        assert cut.mean() > 0.9


def test_a_fault_moves_one_side_along_its_line() -> None:
    """The slip is parallel to the line, on one side of it."""
    fault = Fault(35, 35, np.deg2rad(60), throw=9, width=1e-6, rough=np.zeros(70))
    depth, x = grid()
    old_depth, old_x = unfault([fault], depth, x)
    right, left = fault.side(depth, x) > 0.1, fault.side(depth, x) < -0.1
    np.testing.assert_allclose(old_depth[right], depth[right] - 9)
    inner = right & (x > 9)
    np.testing.assert_allclose(x[inner] - old_x[inner], 9 / np.tan(np.deg2rad(60)))
    np.testing.assert_array_equal(old_depth[left], depth[left])


def test_blurred_layers_are_the_sharp_ones_away_from_interfaces() -> None:
    """Blur only touches interfaces."""
    values, tops, depth = np.array([2000, 3000, 4000]), np.array([20.5, 50.5]), np.arange(70.0)
    step = sharp(values, tops, depth)
    ramp = blurred(values, tops, depth, width=3)
    far = np.abs(depth[:, None] - tops).min(axis=1) >= 1.5
    np.testing.assert_array_equal(ramp[far], step[far])
    np.testing.assert_allclose(ramp[19:23], [2000, 2000 + 1000 / 3, 2000 + 2000 / 3, 3000])


def features(maps: Maps) -> dict[str, Maps]:
    """Sum every map up in a few numbers that need no alignment of maps, (n,) each."""
    down, across = np.abs(np.diff(maps, axis=1)), np.abs(np.diff(maps, axis=2))
    counts = [np.unique(np.rint(m / 30)).size for m in maps]  # real values: to 12 m/s
    return {
        "distinct values": np.array(counts, float),
        "steps down": (down > 30).mean(axis=(1, 2)),
        "steps across": (across > 30).mean(axis=(1, 2)),
        "mean": maps.mean(axis=(1, 2)),
        "spread": maps.std(axis=(1, 2)),
        "lateral roughness": across.mean(axis=(1, 2)),
        "depth slope": slopes(maps),
        "slowest": maps.min(axis=(1, 2)),
        "fastest": maps.max(axis=(1, 2)),
    }


@pytest.mark.parametrize("family", [f for f in families.NAMES if "Style" not in f])
def test_the_real_map_could_have_been_generated(family: str) -> None:
    """A real map's features lie in the central 98 % of generated ones; Style: test_style.py."""
    path = REAL / f"{family}.npy"
    if not path.exists():
        pytest.skip("the real data folder ../shared/data is absent")
    real = features(np.load(path)[None])
    outside = {}
    for name, generated in features(drawn(family)).items():
        # Central 98 %; velocities get 12 m/s more, as near as real values are known.
        low, high = np.quantile(generated, (0.01, 0.99))
        slack = 12 if name in {"mean", "spread", "slowest", "fastest"} else 1e-9
        if not low - slack <= real[name][0] <= high + slack:
            outside[name] = (low, float(real[name][0]), high)
    assert not outside


def test_unknown_family_names_the_nearest() -> None:
    """The error for an unknown name suggests names."""
    with pytest.raises(KeyError, match=r"unknown family 'curvefault_b'.*CurveFault_B"):
        families.sample("curvefault_b", 1, rng=0)


@pytest.mark.parametrize("n", [0, -3])
def test_too_few_maps(n: int) -> None:
    """Counts below one are refused."""
    with pytest.raises(ValueError, match=re.escape(f"n must be 1 to 10000000, got {n}")):
        families.sample("Style_A", n, rng=0)


@pytest.mark.parametrize("n", [1.0, True])
def test_a_number_that_is_no_count(n: float) -> None:
    """Counts that are not integers are refused."""
    with pytest.raises(TypeError, match="n must be an integer"):
        families.sample("Style_A", n, rng=0)  # type: ignore[arg-type]


def test_a_name_is_given_once() -> None:
    """A second function under one name is refused."""
    with pytest.raises(ValueError, match="registered already"):
        families.register_family("Style_A")
