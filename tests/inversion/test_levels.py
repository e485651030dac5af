"""The few values of a layered map."""

import numpy as np

from fwi.inversion.levels import levels, nearest, shares


def layered() -> np.ndarray:
    z, x = np.indices((40, 40))
    depth = z + 3 * np.sin(x / 7)
    return np.select([depth < 12, depth < 25], [1800.0, 2500.0], 3300.0)


def test_values_are_found_through_noise() -> None:
    noisy = layered() + np.random.default_rng(0).normal(0, 1, (40, 40))
    np.testing.assert_allclose(levels(noisy, 1.0), [1800, 2500, 3300], atol=0.5)


def test_a_blur_between_two_regions_is_no_value_until_cells_must_be_near_theirs() -> None:
    map_ = layered()
    map_[25:30, 10:12] = 3270.0  # ten cells, 30 m/s from what is around them
    assert 3270.0 not in levels(map_, 20.0)
    assert 3270.0 in levels(map_, 3.0)


def test_large_regions_keep_values_that_are_near() -> None:
    map_ = layered()
    map_[:, 20:][map_[:, 20:] == 2500] = 2512.0
    assert {2500.0, 2512.0} <= set(levels(map_, 20.0))


def test_shares_are_of_values_around_a_cell() -> None:
    map_ = layered()
    of = shares(map_, np.array([1800.0, 2500.0, 3300.0]), 5.0)
    assert of.sum(1).max() <= 1
    assert (of.argmax(1).reshape(map_.shape) == np.searchsorted([1800, 2500, 3300], map_)).all()
    off = map_.copy()
    off[20, 20] = 2900.0  # between two values: of none
    assert shares(off, np.array([1800.0, 2500.0, 3300.0]), 5.0)[20 * 40 + 20].sum() < 1e-6


def test_a_cell_takes_a_value_from_elsewhere_only_where_it_is_much_nearer() -> None:
    values, map_ = np.array([1800.0, 2500.0, 3300.0]), layered()
    map_[1, 1] = 2170.0  # 330 m/s from a value far below, 370 from that around it
    assert nearest(map_, values)[1, 1] == 0
    map_[1, 1] = 2400.0
    assert nearest(map_, values)[1, 1] == 1


def test_a_map_without_regions_has_no_values() -> None:
    rough = np.arange(400.0).reshape(20, 20) * 37.3
    assert levels(rough, 20.0).shape == (0,)
    assert shares(rough, np.array([]), 20.0).shape == (400, 0)
