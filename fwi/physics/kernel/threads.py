"""Shots at once: each is one call without the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Made = TypeVar("Made")


def available_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each_shot(
    work: Callable[[int, int], Made],
    samples: int,
    shots: int,
    threads: int,
    on_sample: Callable[[int], None] | None = None,
) -> list[list[Made]]:
    """Do some work for every shot of every sample.

    Args:
        work: called with the sample's and the shot's index, in any thread.
        samples: how many.
        shots: of each sample.
        threads: shots at once.
        on_sample: called with the sample's index as each one is finished, in order.

    Returns:
        What the work gives, by sample and shot.
    """
    done = []
    with workers(threads) as pool:
        runs = [[pool.submit(work, i, shot) for shot in range(shots)] for i in range(samples)]
        for i, sample in enumerate(runs):
            done.append([run.result() for run in sample])
            if on_sample is not None:
                on_sample(i)
    return done


@contextmanager
def workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop after the shots under way when something is raised."""
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        # On Ctrl-C only the shots under way are waited for, some 20 ms.
        pool.shutdown(cancel_futures=True)
