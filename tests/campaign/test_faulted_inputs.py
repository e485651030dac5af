"""Parameters of the Fault families that make no layers, no faults, or odd ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cases import Case

from fwi import families
from fwi.families.faulted import SharpFaulted, SmoothFaulted

BOTH: list[tuple[str, Any, str]] = [
    ("layers", (), "layers must hold one number at least"),
    ("layers", 4, "layers must be a tuple of whole numbers, got 4"),
    ("layers", (0,), "layers must be 1 to 70, got 0"),
    ("layers", (2.5,), "layers must be a whole number, got 2.5"),
    ("layers", ("4",), "layers must be a number, got str"),
    ("layers", (71,), "layers must be 1 to 70, got 71"),
    ("layers", (35,), "70 rows hold no more"),
    ("thinnest", 0, "thinnest must be 1 to 70, got 0"),
    ("thinnest", 60, "layers must be at most 1 where the thinnest has 60 rows"),
    ("throw", (10, 5), "throw[1] must be 10 to 70, got 5"),
    ("throw", (-1, 5), "throw[0] must be 0 to 70, got -1"),
    ("throw", (1, float("nan")), "throw[1] must be 1 to 70, got nan"),
    ("throw", 7, "throw must be a pair (first, last), got 7"),
    ("swing", (0, 71), "swing[1] must be 0 to 70, got 71"),
    ("swing", ("a", "b"), "swing[0] must be a number, got str"),
]
SHARP: list[tuple[str, Any, str]] = [
    ("periods", (), "periods must hold one number at least"),
    ("periods", (36,), "periods must be 1 to 35, got 36"),
    ("still", 1.5, "still must be 0 to 1, got 1.5"),
    ("lean", (0, 1e9), "lean[1] must be 0 to 140"),
    ("left", (3, 4), "left[0] must be a pair"),
    ("right", ((1, 2),), "right must be a pair"),
    ("seam", (60, 15), "seam[1] must be 60 to 140, got 15"),
]
ODD: list[Any] = [
    SmoothFaulted(layers=(1,)),
    SmoothFaulted(layers=(70,), thinnest=1, throw=(0, 70), swing=(70, 70)),
    SharpFaulted(layers=(1,), thinnest=70, swing=(70, 70)),
    SharpFaulted(throw=(70, 70), lean=(-140, 140), fall=(-9, 9), seam=(-140, 140)),
]
CASES = [
    *(
        Case(
            f"{type(recipe).__name__} {name} {value}",
            lambda _, r=recipe, n=name, v=value: lambda: replace(r, **{n: v}),
            (says,),
        )
        for recipe, parameters in ((SmoothFaulted(), BOTH), (SharpFaulted(), BOTH + SHARP))
        for name, value, says in parameters
    ),
    *(
        Case(f"odd {number}", lambda _, r=recipe: lambda: families.sample(r, 3, 0))
        for number, recipe in enumerate(ODD)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_faulted(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
