"""Rates that start at their peak and fall, or stay; and the rise that may come before."""

from __future__ import annotations

from fwi.schedules.registry import by_cosine, check_step, length, register_schedule


@register_schedule("constant")
def constant(step: int, peak: float) -> float:
    """The same learning rate at every step: r(t) = peak."""
    return peak


@register_schedule("inverse_time")
def inverse_time(step: int, peak: float, decay: float = 1e-3) -> float:
    """Inverse-time decay: r(t) = peak / (1 + decay t).

    Args:
        step: t, from 0.
        peak: first rate.
        decay: how much of the first rate's inverse each step adds, at least 0.

    Returns:
        The rate at the step.

    Source:
        Robbins and Monro, 1951, eq. (26): steps whose sum diverges and whose squares' sum does
        not.
    """
    return peak / (1 + decay * step)


@register_schedule("exponential")
def exponential(step: int, total: int, peak: float, end: float = 1e-3) -> float:
    """Exponential decay: r(t) = peak end^(t / (total - 1)).

    Args:
        step: t, from 0 to total - 1.
        total: steps of the whole run.
        peak: first rate.
        end: last rate, as a part of the first, above 0.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run, or end is not above 0.
    """
    check_step(step, total)
    if not end > 0:
        raise ValueError(f"end must be above 0, got {end:g}")
    return peak * end ** (step / max(total - 1, 1))


@register_schedule("staircase")
def staircase(
    step: int, total: int, peak: float, every: float = 1 / 3, factor: float = 0.1
) -> float:
    """Step decay: r(t) = peak factor^floor(t / steps), with steps = every total, rounded.

    Args:
        step: t, from 0.
        total: steps of the whole run.
        peak: first rate.
        every: part of the run between two falls, above 0 to 1.
        factor: what each fall leaves of the rate, 0 to 1.

    Returns:
        The rate at the step.
    """
    return peak * factor ** (step // length(every, total))


@register_schedule("cosine")
def cosine(step: int, total: int, peak: float, end: float = 0.0) -> float:
    """Half a cosine from the peak: r(t) = peak (end + (1 - end) (1 + cos(pi t / (total - 1))) / 2).

    Args:
        step: t, from 0 to total - 1.
        total: steps of the whole run.
        peak: rate at step 0.
        end: rate at the last step, as a part of the first.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run.

    Source:
        Loshchilov and Hutter, arXiv 1608.03983, eq. (5), one period.
    """
    check_step(step, total)
    return by_cosine(peak, peak * end, step / max(total - 1, 1))


@register_schedule("constant_then_cosine")
def constant_then_cosine(
    step: int, total: int, peak: float, hold: float = 0.5, end: float = 0.0
) -> float:
    """The peak for a part of the run, then half a cosine.

    Args:
        step: t, from 0 to total - 1.
        total: steps of the whole run.
        peak: rate of the first steps.
        hold: part of the run in which it stays, 0 to 1.
        end: rate at the last step, as a part of the first.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run.
    """
    check_step(step, total)
    held = min(round(hold * total), total - 1)
    return peak if step < held else cosine(step - held, total - held, peak, end)


@register_schedule("warm_up")
def warm_up(step: int, total: int, peak: float, warmup: float = 0.05, start: float = 0.04) -> float:
    """Linear warm-up, constant afterwards: r(t) = peak (start + (1 - start) min(t / steps, 1)).

    Args:
        step: t, from 0.
        total: steps of the whole run.
        peak: rate after the rise.
        warmup: part of the run in which it rises; steps = warmup total, rounded, at least 1.
        start: first rate, as a part of the peak.

    Returns:
        The rate at the step.

    Source:
        Goyal et al., arXiv 1706.02677, section 2.2.
    """
    return peak * (start + (1 - start) * min(step / length(warmup, total), 1.0))
