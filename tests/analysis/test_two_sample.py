"""Judges of generated maps: chance where there is nothing to tell, certainty where there is all."""

import numpy as np
import polars as pl
import pytest
import torch

from fwi import families
from fwi.analysis.maps_judge import MapsJudge
from fwi.analysis.two_sample import StatisticsJudge, Verdict, ask, distances
from fwi.arrays import Array
from fwi.families.statistics import describe


@pytest.mark.parametrize(("right", "n"), [(300, 500), (0, 10), (10, 10), (1, 3)])
def test_interval_is_wilsons(right: int, n: int) -> None:
    """The interval is Wilson's closed form (1927)."""
    z, p = 1.959963984540054, right / n
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    assert Verdict(right, n).interval == pytest.approx(expected, abs=1e-12)
    assert Verdict(right, n).accuracy == p


def halves(family: str, n: int, seed: int = 0) -> tuple[Array, Array]:
    """Draw maps to learn on and maps to be asked about, n each."""
    maps = families.sample(family, 2 * n, seed)
    return maps[:n], maps[n:]


def test_statistics_of_one_generator_are_not_told_apart() -> None:
    """Trees are right half of the time on two draws of one generator."""
    (real, kept), (generated, other) = halves("CurveVel_A", 100), halves("CurveVel_A", 100, 1)
    judge = StatisticsJudge().fit(describe(real), describe(generated))
    low, high = ask(judge, describe(kept), describe(other)).interval
    assert low < 0.5 < high


def test_statistics_of_two_families_are_told_apart() -> None:
    """Trees know FlatVel_A from FlatVel_B, and by what: the order of their values."""
    (real, kept), (generated, other) = halves("FlatVel_A", 100), halves("FlatVel_B", 100)
    tables = [describe(maps) for maps in (real, generated, kept, other)]
    judge = StatisticsJudge().fit(*tables[:2])
    assert ask(judge, *tables[2:]).interval[0] > 0.9
    importance, apart = judge.importance(*tables[2:]), distances(*tables[2:])
    assert max(importance, key=importance.__getitem__) == "rising"
    assert max(apart, key=apart.__getitem__) == "rising"


def test_maps_of_two_families_are_told_apart_and_those_of_one_are_not() -> None:
    """A network knows CurveVel_A from Style_B, and nothing of two halves of one family."""
    pairs = halves("CurveVel_A", 96), halves("Style_B", 96)
    # A quarter of each map is a quarter of the work.
    (real, kept), (generated, other) = [[m[:, :35, :35] for m in pair] for pair in pairs]
    judge = MapsJudge(epochs=10).fit(real, generated)
    assert ask(judge, kept, other).accuracy > 0.95
    again = MapsJudge(epochs=4).fit(real[:48], real[48:])
    low, high = ask(again, kept[:48], kept[48:]).interval
    assert low < 0.5 < high


def test_a_seed_decides_and_the_global_stream_does_not() -> None:
    """A network judge learns the same from the same seed, and leaves torch's own stream alone."""
    real, generated = families.sample("FlatVel_A", 8, 0), families.sample("FlatVel_A", 8, 1)
    state = torch.get_rng_state()
    first = MapsJudge(seed=3, epochs=1).fit(real, generated)
    torch.manual_seed(99)
    torch.rand(5)
    second = MapsJudge(seed=3, epochs=1).fit(real, generated)
    weights = zip(first.network.parameters(), second.network.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in weights)
    torch.set_rng_state(state)
    MapsJudge(seed=3, epochs=1).fit(real, generated)
    assert torch.equal(torch.get_rng_state(), state)


def test_distances_are_of_kolmogorov_and_smirnov() -> None:
    """A distance is the largest gap of two distribution functions; NaN comes before all numbers."""
    real = pl.DataFrame({"a": [1.0, 2, 3, 4], "b": [np.nan, np.nan, 1, 2], "c": [1.0, 1, 1, 1]})
    generated = pl.DataFrame({"a": [3.5, 4, 5, 6], "b": [1.0, 1, 2, 2], "c": [1.0, 1, 1, 1]})
    assert distances(real, generated) == pytest.approx({"a": 0.75, "b": 0.5, "c": 0})


def test_chance_is_half() -> None:
    """A judge is asked about as many real as generated maps."""
    table = describe(families.sample("FlatVel_A", 6, 0))
    judge = StatisticsJudge().fit(table[:3], table[3:])
    with pytest.raises(ValueError, match=r"must be as many.*got 3 and 2; leave some out"):
        ask(judge, table[:3], table[:2])
