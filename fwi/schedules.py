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


def _cosine(begin: float, finish: float, part: float) -> float:
    return finish + (begin - finish) * (1 + math.cos(math.pi * part)) / 2
