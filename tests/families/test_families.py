"""The generated maps against what is known of the ten families."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fwi import families
from fwi.openfwi import FULL_SET

Maps = npt.NDArray[np.float64]

SHARP = ("FlatVel_A", "FlatVel_B", "CurveVel_A", "CurveVel_B", "FlatFault_B", "CurveFault_B")
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
    assert families.NAMES == tuple(FULL_SET)


@pytest.mark.parametrize("family", families.NAMES)
def test_shape_type_and_limits(family: str) -> None:
    """Maps are finite float32 arrays within the limits of the full set."""
    maps = families.sample(family, 20, rng=0)
    assert maps.shape == (20, 70, 70)
    assert maps.dtype == np.float32
    assert maps.flags.c_contiguous
    assert np.isfinite(drawn(family)).all()
    assert drawn(family).min() >= FULL_SET[family][2]
    assert drawn(family).max() <= FULL_SET[family][3]


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
    # What is promised over many maps; with 1,000 of up to 600 m/s spread between maps the
    # sampling error of the mean is below 20 m/s (0.7 %), so a departure of 1 % just passes.
    mean, std, _, _ = FULL_SET[family]
    assert drawn(family).mean() == pytest.approx(mean, rel=0.02)
    assert drawn(family).std() == pytest.approx(std, rel=0.04)


@pytest.mark.parametrize("family", SHARP)
def test_sharp_families_hold_whole_numbers(family: str) -> None:
    """Families without interpolation hold whole m/s."""
    np.testing.assert_array_equal(drawn(family), np.rint(drawn(family)))


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


# Style maps are held to their own statistics (test_style.py): the background of Style_B rises by
# about 30 m/s a row, the threshold of a step here, so that a picture's rounding decides.
@pytest.mark.parametrize("family", [f for f in families.NAMES if not f.startswith("Style")])
def test_the_real_map_could_have_been_generated(family: str) -> None:
    """A real map's features lie in the central 98 % of generated ones."""
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
