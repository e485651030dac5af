"""What several sections have in common: ranges of numbers, and how gathers were recorded."""

from __future__ import annotations

from typing import Annotated

from fwi.config.keys import Section, key
from fwi.config.values import within

# Upper bounds are beyond what anybody means: they keep a slip of the keyboard from being tried.
Samples = Annotated[int, within(1, 10_000_000)]  # the whole of OpenFWI has half a million
Batch = Annotated[int, within(1, 65_536)]
Fold = Annotated[int, within(0, 99_999)]
Fraction = Annotated[float, within(0.0, 1.0)]
Depth = Annotated[float, within(-1e6, 1e6)]
TimeStep = Annotated[float, within(1e-9, 10.0)]  # s
Positions = tuple[Depth, ...]


class RecordedSection(Section):
    """How gathers were recorded that are not OpenFWI's, where their files do not say."""

    dt: TimeStep | None = key(None, "Time step of the gathers, s; as their file says.")
    source_x: Positions | None = key(
        None, "Of their shots, m along the line; may be repeated. As their file says."
    )
    receiver_x: Positions | None = key(
        None, "Of their receivers, m along the line; may be repeated. As their file says."
    )
