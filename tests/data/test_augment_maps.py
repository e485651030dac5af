"""Augmented maps: what each transform does to known maps, ranges, seeds, and who is mixed."""

from collections import Counter

import albumentations as A
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwi import families
from fwi.data.augment import (
    RECIPES,
    AddedFault,
    AffineCrop,
    CutMix,
    ElasticWarp,
    GridWarp,
    MapRecipe,
    MixUp,
    VerticalStretch,
    augment_maps,
    is_layered,
)
from fwi.data.augment.library import generators
from fwi.data.augment.sampling import Sampling

WARPS = (AffineCrop, ElasticWarp, GridWarp, VerticalStretch, AddedFault)
MAPS = {name: families.sample(name, 2, rng=4) for name in families.NAMES}
LAYERED = [name for name in families.NAMES if not name.startswith("Style")]
DEPTH, X = np.mgrid[:70, :70].astype(np.float32)


def applied(transform: A.BasicTransform, seed: int = 0, **data: npt.NDArray) -> npt.NDArray:
    """Apply a transform alone, from a seed."""
    transform.set_random_state(*generators(seed))
    return transform(force_apply=True, **data)["image"]


@pytest.mark.parametrize("name", families.NAMES)
def test_layered_maps_are_known(name: str) -> None:
    assert [is_layered(velocity) for velocity in MAPS[name]] == [name in LAYERED] * 2


def test_real_layered_maps_are_known(real_data: pytest.FixtureRequest) -> None:
    for file in sorted(real_data.glob("openfwi_maps/many_*.npz")):
        maps = np.load(file)["maps"]
        assert all(is_layered(velocity) for velocity in maps[: len(maps) // 2 : 10])


@settings(max_examples=60)
@given(st.sampled_from(WARPS), st.sampled_from(LAYERED), st.integers(0, 2**32))
def test_a_warped_layered_map_has_no_new_velocity(
    warp: type[A.DualTransform], name: str, seed: int
) -> None:
    made = applied(warp(), seed, image=MAPS[name][0])
    assert made.shape == (70, 70)
    assert made.dtype == np.float32
    assert np.isin(made, MAPS[name][0]).all()


@settings(max_examples=60)
@given(st.sampled_from(WARPS), st.sampled_from(families.NAMES), st.integers(0, 2**32))
def test_a_warp_sampled_linearly_stays_in_the_range_of_the_map(
    warp: type[A.DualTransform], name: str, seed: int
) -> None:
    velocity = MAPS[name][1]
    made = applied(warp(sampling="linear"), seed, image=velocity)
    # A mean of four float32 velocities is rounded: to one part in 2^23 each.
    slack = 1e-6 * velocity.max()
    assert velocity.min() - slack <= made.min()
    assert made.max() <= velocity.max() + slack


@pytest.mark.parametrize("warp", WARPS)
@pytest.mark.parametrize(
    ("sampling", "new"), [("auto", True), ("linear", True), ("nearest", False)]
)
def test_smooth_maps_are_sampled_between_cells(
    warp: type[A.DualTransform], sampling: Sampling, new: bool
) -> None:
    made = applied(warp(sampling=sampling), 1, image=MAPS["Style_A"][0])
    assert bool((~np.isin(made, MAPS["Style_A"][0])).any()) == new


@pytest.mark.parametrize("turn", [0.0, 17.0, -40.0])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_affine_crop_turns_and_stretches_a_gradient(turn: float, scale: float) -> None:
    along, down = 12.0, 20.0
    made = applied(
        AffineCrop(scale=(scale, scale), rotate=(turn, turn), shift=(0.0, 0.0), sampling="linear"),
        image=2000 + along * X + down * DEPTH,
    )
    # Of a plane it makes a plane, whose gradient is turned and 1 / scale as steep. In the middle:
    # a corner of the turned map lies outside. OpenCV places samples to 1/32 of a cell.
    middle = made[25:45, 25:45].astype(np.float64)
    design = np.stack([X[25:45, 25:45].ravel(), DEPTH[25:45, 25:45].ravel(), np.ones(400)], 1)
    got = np.linalg.lstsq(design, middle.ravel(), rcond=None)[0][:2]
    angle = np.deg2rad(turn)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    expected = turned @ (along, down) / scale
    np.testing.assert_allclose(got, expected, rtol=0, atol=0.02 * np.hypot(along, down))


@pytest.mark.parametrize("factor", [0.8, 1.6])
def test_a_stretch_scales_depths_from_the_surface(factor: float) -> None:
    made = applied(
        VerticalStretch(factor=(factor, factor), sampling="linear"), image=1500 + 30 * DEPTH
    )
    depth = np.minimum(np.arange(70) / factor, 69)
    # OpenCV places samples to 1/32 of a cell.
    np.testing.assert_allclose(made, (1500 + 30 * depth)[:, None].repeat(70, 1), atol=30 / 32)


def test_elastic_displacements_are_as_large_as_said() -> None:
    warp, found = ElasticWarp(cells=2.0, sampling="linear"), []
    for seed in range(30):
        moved = applied(warp, seed, image=1000 + X) - (1000 + X)
        found.append(np.mean(moved[15:-15, 15:-15] ** 2))
    # Of 30 fields of some 6 independent places each: a twelfth of the power, three deviations.
    assert np.sqrt(np.mean(found)) == pytest.approx(2.0, rel=0.15)


def test_a_grid_warp_keeps_the_corners_and_the_order_of_columns() -> None:
    for seed in range(10):
        made = applied(GridWarp(sampling="linear"), seed, image=1000 + X)[35]
        assert (np.diff(made) >= 0).all()
        assert made[0] == 1000


@pytest.mark.parametrize("throw", [5, 12])
def test_a_vertical_fault_shifts_one_side_by_its_throw(throw: int) -> None:
    velocity = np.repeat(np.linspace(1500, 4500, 70, dtype=np.float32)[:, None], 70, 1)
    signs = set()
    for seed in range(8):
        made = applied(AddedFault(throw=throw, dip=90), seed, image=velocity)
        sign = 1 if made[35, -1] < velocity[35, -1] else -1
        shifted = velocity[np.clip(np.arange(70) - sign * throw, 0, 69)]
        first = int((made != velocity).any(axis=0).argmax())
        assert 7 <= first <= 63  # the line crosses the middle of the map
        assert np.array_equal(made, np.hstack([velocity[:, :first], shifted[:, first:]]))
        signs.add(sign)
    assert signs == {-1, 1}


def test_a_dipping_fault_slides_the_ground_along_its_line() -> None:
    steep, inner, slopes = np.tan(np.deg2rad(60)), np.s_[10:-10, 10:-10], []
    velocity = 2000 + 7 * X + 11 * DEPTH
    for seed in range(8):
        made = applied(AddedFault(throw=6, dip=60, sampling="linear"), seed, image=velocity)
        change = np.abs(made - velocity)[inner].astype(np.float64)
        # 6 rows along a line of 60 degrees are 6 / tan 60 columns.
        slide = 6 * 11 + 6 / steep * 7
        moved = change > slide / 2
        # OpenCV places samples to 1/32 of a cell.
        np.testing.assert_allclose(change, np.where(moved, slide, 0), rtol=0, atol=18 / 32)
        firsts = moved.argmax(axis=1)
        rows = np.flatnonzero(moved.any(axis=1) & (firsts > 0))
        if len(rows) >= 20:
            slopes.append(np.polyfit(rows, firsts[rows], 1)[0])
    assert len(slopes) >= 3
    # Edges are whole columns: of 20 rows and more, the slope is uncertain by a column over them.
    np.testing.assert_allclose(slopes, 1 / steep, atol=0.05)


def test_mix_up_is_a_mean_of_two_maps() -> None:
    one, other = MAPS["CurveFault_B"][0], MAPS["Style_A"][0]
    weights = []
    for seed in range(20):
        made = applied(MixUp(weight=(0.3, 0.7)), seed, image=one, partner=other)
        pair = np.stack([one.ravel(), other.ravel()], 1).astype(np.float64)
        weight, rest, *_ = np.linalg.lstsq(pair, made.ravel().astype(np.float64), rcond=None)
        assert weight.sum() == pytest.approx(1, abs=1e-6)
        # Rounding to float32, 1.2e-4 m/s at 4000 m/s, of 4900 cells.
        assert rest[0] < 4900 * (5e-4) ** 2
        weights.append(weight[0])
    assert 0.3 <= min(weights) < max(weights) <= 0.7


def test_cut_mix_puts_a_rectangle_of_the_other_map_in_its_place() -> None:
    one, other = 2000 + DEPTH, 3000 + X
    for seed in range(20):
        made = applied(CutMix(side=(0.3, 0.8)), seed, image=one, partner=other)
        rows, columns = np.nonzero(made >= 3000)
        cut = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        expected = one.copy()
        expected[cut] = other[cut]
        assert np.array_equal(made, expected)
        assert all(21 <= s.stop - s.start <= 56 for s in cut)


def test_transforms_are_albumentations_own_kind() -> None:
    pipeline = A.Compose([MixUp(p=1), A.OneOf([ElasticWarp(p=1), AddedFault(p=1)], p=1)], seed=3)
    one, other = MAPS["FlatVel_A"]
    made = pipeline(image=one, partner=other)["image"]
    assert made.shape == (70, 70)
    assert not np.array_equal(made, one)
    untouched = A.Compose([warp(p=0) for warp in WARPS])(image=one)["image"]
    assert np.array_equal(untouched, one)
    for warp in (*WARPS, MixUp, CutMix):
        assert "p=0.5" in repr(warp())


def maps_of(names: list[str]) -> npt.NDArray:
    return np.concatenate([MAPS[name] for name in names])


@settings(max_examples=25)
@given(st.data())
def test_parents_share_a_group_and_take_turns(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(families.NAMES), min_size=1, max_size=4))
    maps, labels = maps_of(names), [name for name in names for _ in range(2)]
    groups = data.draw(st.lists(st.integers(0, 2), min_size=len(maps), max_size=len(maps)))
    n = data.draw(st.integers(1, 3 * len(maps)))
    recipe = data.draw(st.sampled_from(["default", "warp"]))
    seed = data.draw(st.integers(0, 2**40))
    made = augment_maps(maps, n, seed, recipe, families=labels, groups=groups)
    assert made.velocity.shape == (n, 70, 70)
    for velocity, parents, done in zip(*made, strict=True):
        assert len({groups[i] for i in parents}) == 1
        assert len(set(parents)) == len(parents) <= 2
        assert (len(parents) == 2) == bool({"MixUp", "CutMix"} & set(done))
        assert set(done) - {"HorizontalFlip"}
        slack = 1e-6 * maps.max()
        assert maps[list(parents)].min() - slack <= velocity.min()
        assert velocity.max() <= maps[list(parents)].max() + slack
    turns = Counter(parents[0] for parents in made.parents)
    assert max(turns.values()) - min(turns[i] for i in range(len(maps))) <= 1


def test_maps_are_mixed_within_and_across_families_as_the_recipe_says() -> None:
    names = ["FlatVel_A", "CurveVel_A", "Style_B"]
    labels = [name for name in names for _ in range(2)]
    for across, others in ((0.0, {False}), (1.0, {True, False})):
        recipe = MapRecipe((MixUp(p=1),), across)
        made = augment_maps(maps_of(names), 40, 0, recipe, families=labels)
        assert {labels[a] != labels[b] for a, b in made.parents} == others


def test_new_maps_hang_on_the_seed_and_a_longer_draw_begins_with_a_shorter() -> None:
    maps = maps_of(["CurveFault_A", "Style_A"])
    short, long = augment_maps(maps, 9, 5), augment_maps(maps, 20, 5)
    assert np.array_equal(short.velocity, long.velocity[:9])
    assert short.parents == long.parents[:9]
    assert short.transforms == long.transforms[:9]
    assert not np.array_equal(short.velocity, augment_maps(maps, 9, 6).velocity)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_change_maps(name: str) -> None:
    maps = maps_of(["CurveFault_B", "CurveVel_A"])
    made = augment_maps(maps, 30, 0, name)
    changed = [
        not np.array_equal(new, maps[of[0]])
        for new, of in zip(made.velocity, made.parents, strict=True)
    ]
    assert sum(changed) >= 28  # a rectangle or a fault may fall where both sides are alike
    assert (name == "warp") == (max(map(len, made.parents)) == 1)


def test_a_recipe_must_change_something() -> None:
    with pytest.raises(ValueError, match="a transform other than a flip"):
        MapRecipe((A.HorizontalFlip(p=1), MixUp(p=0)))
    with pytest.raises(ValueError, match="only mixes maps, got a fold or group with a single one"):
        augment_maps(maps_of(["Style_A"]), 2, 0, "mix", groups=[0, 1])
