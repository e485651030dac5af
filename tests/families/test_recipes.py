"""Families as recipes: by name, as variants, and what a user's own recipe may give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fwi import families
from fwi.families.layered import Layers


@pytest.mark.parametrize("family", families.NAMES)
def test_a_recipe_draws_what_its_name_draws(family: str) -> None:
    """A name and its recipe give the same maps from the same seed."""
    by_name = families.sample(family, 1, rng=3)
    np.testing.assert_array_equal(families.sample(families.recipe(family), 1, rng=3), by_name)


def test_a_variant_follows_its_parameters() -> None:
    """A replaced field changes the maps, and leaves the family as it was."""
    recipe = families.recipe("FlatVel_B")
    assert isinstance(recipe, Layers)
    thin = families.sample(replace(recipe, interfaces=(20, 20), swing=0, jitter=0), 5, rng=0)
    # 20 interfaces 3.5 rows apart: the last one lies at row 70, so 20 layers are seen, of 3 or 4
    # rows; of 5 maps none has neighbours of the same velocity (1 in 3,001 each).
    starts = [np.flatnonzero(np.diff(column, prepend=0)) for column in thin[:, :, 0]]
    assert [len(s) for s in starts] == [20] * 5
    assert {int(t) for s in starts for t in np.diff(s)} == {3, 4}
    assert families.recipe("FlatVel_B") == recipe


def test_any_callable_is_a_recipe() -> None:
    """A function of a generator, whole numbers included, is a recipe; long draws begin alike."""

    def plain(rng: np.random.Generator) -> np.ndarray:
        return np.full((70, 70), rng.integers(1500, 4500))

    maps = families.sample(plain, 5, rng=1)
    assert maps.dtype == np.float32
    assert (maps == maps[:, :1, :1]).all()
    np.testing.assert_array_equal(families.sample(plain, 3, rng=1), maps[:3])
