"""Snapping a nearly right map to the layered one behind it."""

import numpy as np

from fwi.inversion.plateaus import snap


def steps() -> np.ndarray:
    z, x = np.indices((30, 30))
    depth = z + 3 * np.sin(x / 6)
    return np.select([depth < 10, depth < 20], [1801.0, 2499.0], 3300.0)


def test_values_and_blurred_cells_are_put_right() -> None:
    true = steps()
    rng = np.random.default_rng(0)
    off = true + rng.uniform(-2, 2, true.shape)
    edge = np.zeros(true.shape, bool)
    edge[:-1] |= np.diff(true, axis=0) != 0
    # Cells beside an interface, up to 0.45 of the way to the other side.
    below = np.roll(true, -1, axis=0)
    off[edge] += (below - true)[edge] * rng.uniform(0.05, 0.45, edge.sum())
    np.testing.assert_array_equal(snap(off), true)


def test_two_regions_of_one_row_keep_their_own_values() -> None:
    true = np.full((12, 20), 2000.0)
    true[:, 10:] = 2010.0
    np.testing.assert_array_equal(snap(true + 0.3), true)


def test_a_map_without_regions_is_rounded() -> None:
    rough = np.arange(100.0).reshape(10, 10) * 37.3
    np.testing.assert_array_equal(snap(rough), np.rint(rough))


def test_a_small_step_that_is_still_smooth_parts_two_regions() -> None:
    # From 4371 to 4395 over eight rows: no two neighbours differ by 5 m/s.
    column = np.interp(np.arange(40), [0, 16, 24, 40], [4371.0, 4371.0, 4395.0, 4395.0])
    snapped = snap(np.repeat(column[:, None], 30, axis=1))
    assert set(np.unique(snapped)) == {4371.0, 4395.0}
    assert (snapped[:20] == 4371).all()
    assert (snapped[21:] == 4395).all()


def test_an_even_slope_stays_one_region() -> None:
    slope = np.repeat(np.linspace(3000.0, 3040.0, 40)[:, None], 30, axis=1)
    assert len(np.unique(snap(slope))) == 1
