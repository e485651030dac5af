"""Learning-rate schedules: pure functions of the step, so that a resumed run needs no state."""

from __future__ import annotations

import math


def one_cycle(
    step: int, total: int, peak: float, warmup: float, start: float = 0.04, end: float = 1e-4
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
    if not 0 <= step < total:
        raise ValueError(f"step must be 0 to {total - 1}, got {step}")
    turn = warmup * total - 1
    if step <= turn:
        return _cosine(peak * start, peak, step / turn if turn > 0 else 1.0)
    turn = max(turn, 0)
    return _cosine(peak, peak * start * end, (step - turn) / max(total - 1 - turn, 1))


def constant(step: int, rate: float) -> float:
    """The same learning rate at every step: r(t) = r."""
    return rate


def inverse_time(step: int, start: float, decay: float) -> float:
    """Inverse-time decay: r(t) = start / (1 + decay t).

    Args:
        step: t, from 0.
        start: first rate.
        decay: how much of the first rate's inverse each step adds, at least 0.

    Returns:
        The rate at the step.

    Source:
        Robbins and Monro, 1951, eq. (26): steps whose sum diverges and whose squares' sum does
        not.
    """
    return start / (1 + decay * step)


def cosine(step: int, total: int, start: float, end: float = 0.0) -> float:
    """Half a cosine from one rate to another.

    r(t) = end + (start - end) (1 + cos(pi t / (total - 1))) / 2

    Args:
        step: t, from 0 to total - 1.
        total: steps of the whole run.
        start: rate at step 0.
        end: rate at the last step.

    Returns:
        The rate at the step.

    Raises:
        ValueError: if the step lies outside the run.

    Source:
        Loshchilov and Hutter, arXiv 1608.03983, eq. (5), one period.
    """
    if not 0 <= step < total:
        raise ValueError(f"step must be 0 to {total - 1}, got {step}")
    return _cosine(start, end, step / max(total - 1, 1))


def staircase(step: int, every: int, start: float, factor: float = 0.1) -> float:
    """Step decay: r(t) = start factor^floor(t / every).

    Args:
        step: t, from 0.
        every: steps between two falls, at least 1.
        start: first rate.
        factor: what each fall leaves of the rate, 0 to 1.

    Returns:
        The rate at the step.
    """
    return start * factor ** (step // every)


def warm_up(step: int, steps: int, peak: float, start: float = 0.04) -> float:
    """Linear warm-up, constant afterwards: r(t) = peak (start + (1 - start) min(t / steps, 1)).

    Times another schedule's part of its peak, it is that schedule with a warm-up.

    Args:
        step: t, from 0.
        steps: length of the rise, at least 1.
        peak: rate after the rise.
        start: first rate, as a part of the peak.

    Returns:
        The rate at the step.

    Source:
        Goyal et al., arXiv 1706.02677, section 2.2.
    """
    return peak * (start + (1 - start) * min(step / steps, 1.0))


def _cosine(begin: float, finish: float, part: float) -> float:
    return finish + (begin - finish) * (1 + math.cos(math.pi * part)) / 2
