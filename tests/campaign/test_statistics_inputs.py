"""What statistics and judges of maps are given that is no maps, or no maps of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cases import Case

from fwi.analysis.maps_judge import MapsJudge
from fwi.analysis.two_sample import StatisticsJudge, ask
from fwi.families.statistics import describe, interfaces, layers

MAPS = np.full((2, 12, 16), 2000.0, np.float32)
MAPS[:, 6:] = 3000
HOLE = MAPS.copy()
HOLE[1, 3, 4] = np.nan
REFUSED: dict[str, tuple[Any, str]] = {
    "a map": (MAPS[0], "got (12, 16); add a batch axis"),
    "a channel": (MAPS[:, None], "got (2, 1, 12, 16)"),
    "no maps": (MAPS[:0], "got (0, 12, 16)"),
    "a row": (MAPS[:, :1], "got (2, 1, 16)"),
    "a number": (2000.0, "got ()"),
    "NaN": (HOLE, "maps must be finite, got 1 NaN or infinite values"),
    "infinite": (np.full((1, 4, 4), np.inf), "got 16 NaN or infinite values"),
    "truths": (MAPS > 0, "maps must hold numbers, got bool"),
    "complex": (MAPS * 1j, "maps must hold numbers, got complex64"),
    "texts": (MAPS.astype(str), "maps must hold numbers, got <U"),
    "None": (None, "maps must hold numbers, got object"),
}
TABLE = describe(MAPS)


def _cases() -> Iterator[Case]:
    for name, (maps, says) in REFUSED.items():
        for statistic in (describe, interfaces, layers):
            yield Case(
                f"{statistic.__name__} of {name}",
                lambda _, maps=maps, statistic=statistic: lambda: statistic(maps),
                (says,),
            )
        yield Case(
            f"a judge of {name}",
            lambda _, maps=maps: lambda: MapsJudge(epochs=1).fit(maps, MAPS),
            (says,),
        )
    for name, maps in (
        ("whole numbers", MAPS.astype(int)), ("float16", MAPS.astype(np.float16)),
        ("lists", MAPS.tolist()), ("two cells", MAPS[:, 5:7, :2]), ("read-only", _frozen(MAPS)),
    ):  # fmt: skip
        yield Case(f"describe {name}", lambda _, maps=maps: lambda: _two_layers(maps))
    for name, pair, says in (
        ("fewer maps", (MAPS, MAPS[:1]), "got (1, 12, 16) for (2, 12, 16); draw more"),
        ("smaller maps", (MAPS, MAPS[:, 1:]), "got (2, 11, 16) for (2, 12, 16)"),
    ):
        yield Case(name, lambda _, p=pair: lambda: MapsJudge(epochs=1).fit(*p), (says,))
    for name, other, says in (
        ("an empty table", TABLE[:0], "got (2, 51) and (0, 51)"),
        ("other statistics", TABLE.drop("mean"), "got (2, 51) and (2, 50)"),
        ("another order", TABLE.select(sorted(TABLE.columns)), "tables of the same statistics"),
    ):
        yield Case(name, lambda _, o=other: lambda: StatisticsJudge().fit(TABLE, o), (says,))
    yield Case(
        "nobody to judge", lambda _: lambda: ask(StatisticsJudge(), TABLE[:0], TABLE[:0]),
        ("must be as many", "got 0 and 0"),
    )  # fmt: skip


def _frozen(maps: np.ndarray) -> np.ndarray:
    return np.frombuffer(maps.tobytes(), maps.dtype).reshape(maps.shape)


def _two_layers(maps: Any) -> None:
    """Whatever holds two layers of 2,000 and 3,000 m/s, they are found."""
    found = describe(maps)
    assert found["jump"].to_list() == [1000, 1000]
    assert found["layers"].to_list() == layers(maps).tolist() == [2, 2]


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_statistics_input(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
