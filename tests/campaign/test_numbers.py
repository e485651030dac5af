"""Numbers of the config that no machine can hold, or that are none."""

from collections.abc import Callable

import pytest
from cases import Case

CASES = [
    Case("samples of -1", lambda _: ["prepare", "--samples", -1], ("n_samples", "-1")),
    Case("samples of 0", lambda _: ["prepare", "--samples", 0], ("n_samples", "0")),
    Case("samples in words", lambda _: ["prepare", "--samples", "many"], ("n_samples", "many")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_number(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
