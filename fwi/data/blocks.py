"""Samples taken a bounded number at a time."""

from __future__ import annotations


def blocks(samples: range, size: int) -> list[range]:
    """Cut a range of samples into consecutive ranges of at most `size`."""
    return [samples[i : i + size] for i in range(0, len(samples), size)]
