"""FlatVel and CurveVel against real maps on which nothing was fitted, and against their rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import BSpline
from scipy.optimize import linprog

from fwi import families
from fwi.families.curves import KNOTS, spline
from fwi.families.layered import Layers

Array = npt.NDArray[np.float64]
Tops = npt.NDArray[np.int64]  # rows of the interfaces of a flat map
Rule = Callable[[Tops], Tops]
WEIGHTS = spline(np.eye(8)).T
# Some 30 comparisons follow, of fixed data and seeds. Their power: interfaces that vary by 0.9 or
# 1.1 rows for 1.0 have p = 5e-8 and 2e-8, first interfaces within 0.4 T for 0.5 T have 1e-13.
LEAST_P = 1e-3


@cache
def drawn(family: str, n: int = 3000) -> Array:
    """Draw maps of a family once for all tests."""
    return families.sample(family, n, rng=2022).astype(np.float64)


@cache
def kept(folder: Path, family: str) -> Array:
    """Read the half of the real maps on which nothing was fitted."""
    with np.load(folder / "openfwi_maps" / f"many_{family}.npz") as file:
        maps = file["maps"]
    return maps[len(maps) // 2 :].astype(np.float64)


def interfaces(velocity: Array) -> Array:
    """Count the rows above every interface of a sorted map, (n, 70)."""
    values = np.unique(velocity)
    return (velocity <= values[:-1, None, None]).sum(axis=1).astype(float)


def whole(velocity: Array) -> Array:
    """Give the interfaces that no edge of the map cuts, (n, 70)."""
    depths = interfaces(velocity)
    return depths[(depths.min(axis=1) > 0) & (depths.max(axis=1) < 70)]


def misfit(space: Array, depths: Array) -> float:
    """Return the least largest distance, rows, of depths (70,) from a space of curves (70, k)."""
    free, bound = space.shape[1], -np.ones((70, 1))
    above = np.block([[space, bound], [-space, bound]])
    found = linprog(
        np.r_[np.zeros(free), 1],
        A_ub=above,
        b_ub=np.r_[depths, -depths],
        bounds=[(None, None)] * free + [(0, None)],
    )
    return float(found.fun)


@given(
    increasing=st.booleans(),
    curved=st.booleans(),
    fewest=st.integers(1, 12),
    more=st.integers(0, 12),
    swing=st.floats(0, 1),
    jitter=st.floats(0, 10),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_layers_of_any_parameters(
    increasing: bool, curved: bool, fewest: int, more: int, swing: float, jitter: float, seed: int
) -> None:
    """Maps hold what their parameters allow, whatever these are."""
    limits = (2000, 2600)
    recipe = Layers(increasing, curved, (fewest, fewest + more), swing, jitter, limits)
    velocity = recipe(np.random.default_rng(seed))
    assert velocity.shape == (70, 70)
    assert set(np.unique(velocity)) <= set(range(limits[0], limits[1] + 1))
    assert np.unique(velocity).size <= fewest + more + 1
    if not curved:
        assert (np.ptp(velocity, axis=1) == 0).all()
    if increasing:
        assert (np.diff(velocity, axis=0) >= 0).all()


@given(st.lists(st.floats(-100, 100), min_size=8, max_size=8))
def test_the_spline_is_a_chain_of_parabolas(values: list[float]) -> None:
    """A recursion gives the same curve: each parabola starts where and as the last one ends."""
    column = np.arange(70) + 0.1
    first = np.polyfit(KNOTS[:3], values[:3], 2)
    depth = np.polyval(first, column)
    slope = np.polyval(np.polyder(first), KNOTS[2])
    for start, end, value, target in zip(
        KNOTS[2:], KNOTS[3:], values[2:], values[3:], strict=False
    ):
        bend = (target - value - slope * (end - start)) / (end - start) ** 2
        along = column - start
        depth = np.where(along > 0, value + slope * along + bend * along**2, depth)
        slope += 2 * bend * (end - start)
    # Slopes and bends carry float64's rounding of values up to 100, a thousandfold amplified.
    np.testing.assert_allclose(spline(np.array(values)), depth, atol=1e-9)


def test_real_interfaces_are_such_splines(real_data: Path) -> None:
    """Every real interface is a spline rounded to rows; breaks a quarter column off spoil that."""
    real = np.concatenate([whole(v) for v in kept(real_data, "CurveVel_A")[:80]])
    assert len(real) > 200
    assert max(misfit(WEIGHTS, d) for d in real) <= 0.5  # what rounding to whole rows does
    breaks = np.arange(20, 61, 10) - 0.1 + 0.25
    off = BSpline.design_matrix(np.arange(70.0), np.r_[[0] * 3, breaks, [70] * 3], 2).toarray()
    assert np.mean([misfit(off, d) <= 0.5 for d in real[:50]]) < 0.5


def differences(maps: Array) -> Array:
    """Return spacings of neighbouring interfaces at the first seven knots, less T, (n, 7)."""
    found = []
    for velocity in maps:
        at_knots = whole(velocity) @ np.linalg.pinv(WEIGHTS).T
        steps = np.diff(at_knots, axis=0)[:, :7]
        if steps.size:
            spacing = 70 / np.arange(3, 8)
            nearest = np.abs(np.median(steps) - spacing).argmin()
            found.append(steps - spacing[nearest])
    jitter = np.concatenate(found)
    return jitter[np.abs(np.median(jitter, axis=1)) < 1.5]  # without layers of one velocity


def test_jitter_at_the_knots(real_data: Path) -> None:
    """Spacings vary at every knot as the real ones do, and independently of one another."""
    real = differences(kept(real_data, "CurveVel_A"))
    generated = differences(drawn("CurveVel_A")[:1500])
    assert stats.ks_2samp(real.ravel(), generated.ravel()).pvalue > LEAST_P
    # Neighbouring knots share what rounding does, in both alike. The largest of 21 differences
    # with a standard error of 0.036 each lies below 4 of them.
    gap = np.corrcoef(real.T) - np.corrcoef(generated.T)
    assert np.abs(gap).max() < 4 * np.sqrt(1 / len(real) + 1 / len(generated))


def columns(maps: Array) -> list[Tops]:
    """Give the interfaces of flat maps, rows."""
    return [np.flatnonzero(np.diff(c)) + 1 for c in maps[:, :, 0] if np.diff(c).any()]


def count(tops: Tops) -> int:
    """Tell the number of interfaces that a flat map was drawn with from their spacing."""
    if tops.size < 2:
        return 0
    return 3 + int(np.abs(np.median(np.diff(tops)) - 70 / np.arange(3, 8)).argmin())


def compare(real: Tops, generated: Tops) -> float:
    """Return the p-value of two samples of whole numbers coming from one distribution."""
    size = max(real.max(), generated.max()) + 1
    table = np.array([np.bincount(x, minlength=size) for x in (real, generated)])
    rare = table.sum(axis=0) < 5 * (1 + len(generated) / len(real))
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0])[1])


def test_interfaces_of_flat_maps(real_data: Path) -> None:
    """Counts, first interfaces, spacings and their sums are distributed as in real maps."""
    real, generated = columns(kept(real_data, "FlatVel_A")), columns(drawn("FlatVel_A"))
    for what in (count, len):
        samples = [np.array([what(t) for t in maps]) for maps in (real, generated)]
        assert compare(*samples) > LEAST_P, what
    for n in range(3, 8):
        ours, theirs = ([t for t in maps if count(t) == n] for maps in (generated, real))
        rules: dict[str, Rule] = {
            "first": lambda t: t[:1],
            "spacing": np.diff,
            "sum": lambda t, k=n // 2: t[k : k + 1] - t[0],
        }
        for name, rule in rules.items():
            samples = [np.concatenate([rule(t) for t in maps]) for maps in (theirs, ours)]
            assert compare(*samples) > LEAST_P, (n, name)


def test_velocities_are_sorted_uniform_numbers(real_data: Path) -> None:
    """In real and generated maps the k-th of n sorted uniform numbers has its beta law."""
    for maps in (kept(real_data, "CurveVel_A"), drawn("CurveVel_A")[:1000]):
        values = [np.unique(v) for v in maps]
        for k in (0, 1, 2):
            known = [v for v in values if v.size > k]
            smallest = (np.array([v[k] for v in known]) - 1499.5) / 3001
            sizes = np.array([v.size for v in known])
            shares = stats.beta.cdf(smallest, k + 1, sizes - k)
            assert stats.kstest(shares, "uniform").pvalue > LEAST_P


def test_crests_at_the_surface(real_data: Path) -> None:
    """As many generated crests as real ones are cut by the surface, over as many columns."""
    real, generated = (
        np.array([(interfaces(v)[0] == 0).sum() for v in maps])
        for maps in (kept(real_data, "CurveVel_A"), drawn("CurveVel_A"))
    )
    assert stats.fisher_exact([[sum(x > 0), sum(x == 0)] for x in (real, generated)])[1] > LEAST_P
    assert stats.ks_2samp(real[real > 0], generated[generated > 0]).pvalue > LEAST_P


@pytest.mark.parametrize(
    ("family", "mean", "spread"),
    [
        ("FlatVel_A", 2782, 786),
        ("FlatVel_B", 3001, 867),
        ("CurveVel_A", 2788, 794),
        ("CurveVel_B", 3000, 866),
    ],
)
def test_moments_of_the_full_set(family: str, mean: float, spread: float) -> None:
    """Pooled mean and spread are those printed over all 30,000 maps of the set."""
    # Maps' means spread by 400 m/s: 3,000 of them leave 7.5 m/s (0.27 %), of which 1 % is 3.7.
    assert drawn(family).mean() == pytest.approx(mean, rel=0.01)
    assert drawn(family).std() == pytest.approx(spread, rel=0.015)


@pytest.mark.parametrize("family", ["FlatVel_B", "CurveVel_B"])
def test_velocity_of_b_comes_in_any_order(family: str) -> None:
    """Steps of the B families go either way, one as often as the other."""
    # 15,000 interfaces, no two of which in a row are independent: a standard error below 0.005.
    steps = np.diff(drawn(family)[:, :, 35], axis=1)
    assert (steps < 0).sum() / (steps != 0).sum() == pytest.approx(0.5, abs=0.02)
