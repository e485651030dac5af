"""Recipes of families that give no map, and parameters that make no layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import Case

from fwi import families
from fwi.families.layered import Layers

MAP = np.full((70, 70), 2000.0)
HOLED = np.where(np.eye(70) > 0, np.nan, MAP)
GIVEN: list[tuple[str, Any, str]] = [
    ("nothing", None, "must hold float16, float32 or float64, got object"),
    ("a text", "map", "must hold float16"),
    ("complex numbers", MAP * 1j, "must hold float16"),
    ("rows of several lengths", [[2e3], [2e3, 2e3]], "must be an array of numbers"),
    ("masked values", np.ma.masked_less(MAP - np.eye(70), 2000), "got masked ones"),
    ("a batch", MAP[None], "must be (70, 70), got (1, 70, 70)"),
    ("a number", 2000.0, "must be (70, 70), got ()"),
    ("a small map", MAP[:69], "must be (70, 70), got (69, 70)"),
    ("an empty map", MAP[:0], "must be (70, 70), got (0, 70)"),
    ("holes", HOLED, "must be finite, got 70 NaN or infinite values"),
    ("infinity", MAP * np.inf, "must be finite"),
    ("zeros", MAP * 0, "must be positive"),
    ("negative velocities", -MAP, "must be positive"),
    ("km/s", MAP / 1000, "as in km/s; multiply by 1000"),
    ("mm/s", MAP * 1000, "must be in m/s, at most 100000"),
]
NO_RECIPES: list[tuple[Any, str]] = [
    (Layers, "got the class Layers; give Layers()"),
    (MAP, "family must be a name or a recipe, got ndarray"),
    (("FlatVel_A",), "family must be a name or a recipe, got tuple"),
]
PARAMETERS: list[tuple[str, Any, str]] = [
    ("interfaces", (7, 3), "interfaces[1] must be 7 to 70, got 3"),
    ("interfaces", (0, 3), "interfaces[0] must be 1 to 70, got 0"),
    ("interfaces", (3, 71), "interfaces[1] must be 3 to 70, got 71"),
    ("interfaces", (3, 5.5), "interfaces[1] must be a whole number"),
    ("interfaces", 5, "interfaces must be a pair (first, last), got 5"),
    ("interfaces", (1, 2, 3), "interfaces must be a pair"),
    ("interfaces", ("3", 7), "interfaces[0] must be a number, got str"),
    ("velocities", (1.5, 4.5), "velocities[0] must be 20 to 100000"),
    ("velocities", (4500, 1500), "velocities[1] must be 4500 to 100000, got 1500"),
    ("swing", -0.1, "swing must be 0 to 1, got -0.1"),
    ("swing", np.nan, "swing must be 0 to 1, got nan"),
    ("jitter", "much", "jitter must be a number, got str"),
    ("jitter", 71, "jitter must be 0 to 70, got 71"),
]
LAYERS = Layers(increasing=True, curved=True)
CASES = [
    *(
        Case(
            f"gives {what}", lambda _, g=given: lambda: families.sample(lambda _: g, 1, 0), (says,)
        )
        for what, given, says in GIVEN
    ),
    *(
        Case(f"{thing!r:.20}", lambda _, t=thing: lambda: families.sample(t, 1, 0), (says,))
        for thing, says in NO_RECIPES
    ),
    *(
        Case(
            f"{name} {value}", lambda _, n=name, v=value: lambda: replace(LAYERS, **{n: v}), (says,)
        )
        for name, value, says in PARAMETERS
    ),
    Case(
        "whole numbers",
        lambda _: lambda: families.sample(lambda _: MAP.astype(np.int16).tolist(), 1, 0),
    ),
    Case(
        "one interface, all of a velocity",
        lambda _: (
            lambda: families.sample(
                replace(LAYERS, interfaces=(1, 1), velocities=(2000, 2000)), 1, 0
            )
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recipe(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
