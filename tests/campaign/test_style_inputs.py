"""Recipes of Style maps with parameters that are of another kind, out of range or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cases import Case

from fwi import families
from fwi.families.chains import Chains
from fwi.families.marks import Marks

RECIPE: Any = families.recipe("Style_B")
REFUSED: list[tuple[Any, str, Any, str]] = [
    (RECIPE, "weight", 0.25, "weight must be a pair (first, last), got 0.25"),
    (RECIPE, "weight", (0.3, 0.2), "weight[1] must be 0.3 to 1, got 0.2"),
    (RECIPE, "weight", (0, 25), "weight[1] must be 0 to 1, got 25"),
    (RECIPE, "cover", [0.4, 0.5], "cover must be a pair"),
    (RECIPE, "cover", (0.4, float("nan")), "cover[1] must be 0.4 to 1, got nan"),
    (RECIPE, "cover", ("0.4", 0.5), "cover[0] must be a number, got str"),
    (RECIPE, "smooth", 2.0, "smooth must be a pair"),
    (RECIPE, "smooth", (0, 2), "smooth[0] must be 0.1 to 70, got 0"),
    (RECIPE, "slowest", (1.5, 0.2), "slowest[1] must be 1.5 to 100000, got 0.2"),
    (RECIPE, "slowest", (1500, 1600, 1700), "slowest must be a pair"),
    (RECIPE, "fastest", (1500, 4400), "fastest[0] must be 1600 to 100000, got 1500"),
    (RECIPE, "fastest", (float("inf"), float("inf")), "fastest[0] must be"),
    (RECIPE, "warp", -1, "warp must be 0 to 10, got -1"),
    (RECIPE, "rim", 0, "rim must be 0.01 to 70, got 0"),
    (RECIPE, "seam", None, "seam must be a number, got NoneType"),
    (Chains(), "n", 0, "n must be 1 to 10000, got 0"),
    (Chains(), "n", 2.5, "n must be a whole number, got 2.5"),
    (Chains(), "n", True, "n must be a number, got bool"),
    (Chains(), "single", 1.2, "single must be 0 to 1, got 1.2"),
    (Chains(), "slabs", 0.9, "single + slabs must be 0 to 1, got 1.35"),
    (Chains(), "size", (0, 4), "size[0] must be 0.1 to 70, got 0"),
    (Chains(), "flat", 0.7, "flat must be a pair"),
    (Chains(), "deep", (0, -1), "deep[1] must be 0 to 5, got -1"),
    (Chains(), "deep", 0.2, "deep must be a pair"),
    (Chains(), "vary", 1e9, "vary must be 0 to 10, got 1e+09"),
    (Marks(), "grain", -0.1, "grain must be 0 to 1, got -0.1"),
    (Marks(), "leg", "dark", "leg must be a number, got str"),
    (Marks(), "streak", float("nan"), "streak must be 0 to 1, got nan"),
]


def _cases() -> Iterator[Case]:
    for recipe, field, value, says in REFUSED:
        yield Case(
            f"{type(recipe).__name__}.{field} of {value!r:.30}",
            lambda _, r=recipe, f=field, v=value: lambda: replace(r, **{f: v}),
            (says,),
        )


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_recipe_of_style(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
