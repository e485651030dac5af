"""Schedules by name, and the pieces that they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable

from fwi.registry import Registry

SCHEDULES: Registry[Callable[..., float]] = Registry("schedule")
register_schedule = SCHEDULES.register


def check_step(step: int, total: int) -> None:
    """Refuse a step outside the run.

    Raises:
        ValueError: if it is.
    """
    if not 0 <= step < total:
        raise ValueError(f"step must be 0 to {total - 1}, got {step}")


def length(part: float, total: int) -> int:
    """Give the steps of a part of the run, at least one."""
    return max(1, round(part * total))


def by_cosine(begin: float, finish: float, part: float) -> float:
    """Go from one value to another along half a cosine; part is 0 to 1."""
    return finish + (begin - finish) * (1 + math.cos(math.pi * part)) / 2


def by_line(begin: float, finish: float, part: float) -> float:
    """Go from one value to another along a line; part is 0 to 1."""
    return begin + (finish - begin) * part
