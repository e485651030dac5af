"""One cycle: the rate up to its peak and down again, and the momentum the other way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fwi.schedules.registry import by_cosine, by_line, check_step, register_schedule

Anneal = Callable[[float, float, float], float]


@register_schedule("one_cycle")
def one_cycle(
    step: int, total: int, peak: float, warmup: float = 0.15, start: float = 0.04, end: float = 1e-4
) -> float:
    """One-cycle learning rate: a cosine rise to the peak, and a longer cosine fall.

    Args:
        step: from 0 to total - 1.
        total: steps of the whole run.
        peak: the highest rate.
        warmup: part of the steps in which it rises, 0 to 1.
        start: first rate, as a part of the peak.
        end: last rate, as a part of the first.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run.

    Source:
        Smith and Topin, arXiv 1708.07120; the two-phase cosine form.
    """
    levels = (peak * start, peak, peak * start * end)
    return _through(step, total, _two_turns(total, warmup), levels, by_cosine)


def one_cycle_momentum(
    step: int, total: int, low: float, high: float, warmup: float = 0.15
) -> float:
    """Momentum against `one_cycle`: high at its ends, low at its peak.

    Args:
        step: from 0 to total - 1.
        total: steps of the whole run.
        low: momentum where the rate is highest, 0 to below 1.
        high: at the first and at the last step.
        warmup: of the rate.

    Returns:
        The momentum at the step.

    Raises:
        ValueError: if the step lies outside the run.
    """
    return _through(step, total, _two_turns(total, warmup), (high, low, high), by_cosine)


@register_schedule("one_cycle_linear")
def one_cycle_linear(
    step: int, total: int, peak: float, warmup: float = 0.45, start: float = 0.1, end: float = 1e-2
) -> float:
    """One-cycle learning rate in three lines: up to the peak, down again as fast, and to almost 0.

    Args:
        step: from 0 to total - 1.
        total: steps of the whole run.
        peak: the highest rate.
        warmup: part of the steps in which it rises, and again in which it falls; 0 to 0.5.
        start: first rate, and that after the fall, as a part of the peak.
        end: last rate, as a part of the first.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run, or warmup is above one half.

    Source:
        Smith, arXiv 1803.09820, section 4; the three-phase form.
    """
    levels = (peak * start, peak, peak * start, peak * start * end)
    return _through(step, total, _three_turns(total, warmup), levels, by_line)


def one_cycle_linear_momentum(
    step: int, total: int, low: float, high: float, warmup: float = 0.45
) -> float:
    """Momentum against `one_cycle_linear`, see `one_cycle_momentum`; high in the last phase."""
    levels = (high, low, high, high)
    return _through(step, total, _three_turns(total, warmup), levels, by_line)


def _two_turns(total: int, warmup: float) -> list[float]:
    return [warmup * total - 1]


def _three_turns(total: int, warmup: float) -> list[float]:
    if not 0 <= warmup <= 0.5:
        raise ValueError(f"warmup must be 0 to 0.5, got {warmup:g}: the fall takes as long")
    return [warmup * total - 1, 2 * warmup * total - 2]


def _through(
    step: int, total: int, turns: Sequence[float], levels: Sequence[float], anneal: Anneal
) -> float:
    """Follow levels that are reached at step 0, at the turns between steps, and at the last step.

    A turn before step 0 is one at step 0.
    """
    check_step(step, total)
    begin, ends = 0.0, [max(turn, 0.0) for turn in turns]
    for end, level, following in zip(ends, levels, levels[1:], strict=False):
        if step <= end:
            return anneal(level, following, (step - begin) / (end - begin) if end > begin else 1.0)
        begin = end
    return anneal(levels[-2], levels[-1], (step - begin) / ((total - 1 - begin) or 1))
