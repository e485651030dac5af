"""The schedule that a config chooses, ready for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

from fwi.registry import nearest
from fwi.schedules.cycles import one_cycle_linear_momentum, one_cycle_momentum
from fwi.schedules.decays import warm_up
from fwi.schedules.registry import SCHEDULES, length

_MOMENTA = {"one_cycle": one_cycle_momentum, "one_cycle_linear": one_cycle_linear_momentum}
_RUN = ("step", "total", "peak", "warmup")  # what the run says, not the options


@dataclass(frozen=True)
class Schedule:
    """How fast weights move at each step of a run.

    Attributes:
        rate: learning rate of a step, from 0.
        momentum: of a step; the optimizer's own if None.
    """

    rate: Callable[[int], float]
    momentum: Callable[[int], float] | None = None


def create_schedule(
    name: str,
    total: int,
    peak: float,
    warmup: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> Schedule:
    """Make a schedule for a run.

    Args:
        name: a registered one.
        total: steps of the whole run.
        peak: the highest rate.
        warmup: part of the steps in which the rate rises, 0 to 1, linearly unless the schedule has
            a rise of its own; that, or no rise, if None.
        options: of the schedule. `momentum`, a pair, cycles the momentum between its first number,
            at the peak, and its second, at the ends, for those that are a cycle.

    Raises:
        KeyError: if the schedule is unknown; it names the nearest.
        TypeError: if an option is.
        ValueError: if an option does not fit.
    """
    function, chosen = SCHEDULES[name], dict(options or {})
    pair = chosen.pop("momentum", None)
    taken = signature(function).parameters
    _check_options(name, chosen, [key for key in taken if key not in _RUN])
    rise: dict[str, Any] = {} if warmup is None else {"warmup": warmup}
    momentum = None if pair is None else _momentum(name, total, rise, pair)
    if "warmup" in taken or not warmup:
        known = {"total": total, "peak": peak, **rise}
        given = {key: value for key, value in known.items() if key in taken}
        schedule = Schedule(partial(function, **given, **chosen), momentum)
    else:
        after = create_schedule(name, max(total - length(warmup, total), 1), peak, None, chosen)
        schedule = Schedule(partial(_warmed, total, peak, warmup, after.rate))
    schedule.rate(0)  # an option that does not fit is refused before the run
    return schedule


def _warmed(
    total: int, peak: float, warmup: float, after: Callable[[int], float], step: int
) -> float:
    """Rise, and then begin the schedule of the steps that are left."""
    risen = length(warmup, total)
    return warm_up(step, total, peak, warmup) if step < risen else after(step - risen)


def _momentum(name: str, total: int, rise: Mapping[str, Any], pair: Any) -> Callable[[int], float]:
    if name not in _MOMENTA:
        raise ValueError(
            f"momentum is cycled by {' and '.join(_MOMENTA)} alone, got schedule {name}; leave "
            "the option momentum out"
        )
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or not all(isinstance(m, int | float) and 0 <= m < 1 for m in pair)
    ):
        raise ValueError(
            "momentum must be two numbers, 0 to below 1, of the peak and of the ends, such as "
            f"[0.85, 0.95], got {pair!r}"
        )
    return partial(_MOMENTA[name], total=total, low=pair[0], high=pair[1], **rise)


def _check_options(name: str, options: Mapping[str, Any], known: list[str]) -> None:
    for key, value in options.items():
        if key not in known:
            raise TypeError(f"unknown option {key!r} of schedule {name}; {nearest(key, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"option {key} of schedule {name} must be a number, got {value!r}")
        if not 0 <= value <= 1:
            raise ValueError(f"option {key} of schedule {name} must be 0 to 1, got {value:g}")
