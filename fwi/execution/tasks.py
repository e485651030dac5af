"""Pieces of work as tasks of Ray: a bounded number at a time, again where a worker was lost."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from fwi.config import MachineConfig
from fwi.execution.cluster import Places, connected
from fwi.execution.engines import Finish, Made, Piece, Work
from fwi.execution.shared import Shared, pack
from fwi.execution.worker import Done, Origin, code_sum, perform
from fwi.progress import Advance

_RETRIES = 5  # of a task whose worker or machine was lost
_AHEAD = 2  # tasks a place: one runs, one waits, so that no worker does
_PATIENCE = 1.0  # s, after which machines that joined are counted anew


def carry_out_by_tasks(
    machine: MachineConfig,
    work: Work[Piece, Made],
    pieces: Iterable[Piece],
    advance: Advance,
    finish: Finish[Piece, Made],
    networks: bool,
) -> None:
    """Do `fwi.execution.carry_out` by tasks of Ray."""
    waiting, failed = iter(pieces), None
    first = next(waiting, None)
    if first is None:  # no Ray is started for nothing
        return
    waiting = chain((first,), waiting)
    with connected(machine, networks) as places, _flight(places, work) as (start, flying):
        while True:
            if failed is None:
                for piece in islice(waiting, max(0, _AHEAD * places.count() - len(flying))):
                    flying[start(piece)] = piece
            if not flying:
                break
            for reference in _landed(flying):
                piece = flying.pop(reference)
                try:
                    done = _result(reference)
                except Exception as error:
                    failed = failed or error  # those under way are worth their time
                    continue
                _repeat_warnings(done)
                finish(piece, done.made)
                advance(done.steps)
    if failed is not None:
        raise failed


@contextmanager
def _flight(
    places: Places, work: Work[Piece, Made]
) -> Iterator[tuple[Callable[[Piece], Any], dict[Any, Piece]]]:
    """Give what starts a task, and the tasks under way, which stop where the block fails."""
    import ray

    # Each process has the threads that its task has; a task that raises is not tried again.
    task = ray.remote(num_cpus=places.threads, num_gpus=places.gpus, max_retries=_RETRIES)(perform)
    origin, stored = ray.put(Origin(os.getcwd(), code_sum())), dict[Shared[Any], Any]()

    def start(piece: Piece) -> Any:
        packed, shared = pack((work, piece))
        for each in shared:
            if each not in stored:
                stored[each] = ray.put(each.value)
        return task.remote(origin, packed, [stored[each] for each in shared])

    flying: dict[Any, Piece] = {}
    try:
        yield start, flying
    finally:
        # Where we leave Ray, it stops our tasks. By force, Ray may abort this process where a task
        # ends just then (Check failed in task_manager.cc of 2.60).
        for reference in flying if places.stays else ():
            ray.cancel(reference)


def _landed(flying: dict[Any, Piece]) -> list[Any]:
    import ray

    return ray.wait(list(flying), timeout=_PATIENCE)[0]


def _result(reference: Any) -> Done:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayError as error:
        cause = error.cause if isinstance(error, RayTaskError) else error
        if not isinstance(cause, RayError):
            raise cause from error
        if "No module named 'fwi" in str(cause):
            raise ModuleNotFoundError(
                "workers of Ray must have this version of fwi, got another or none; install it on "
                "all machines"
            ) from error
        raise ChildProcessError(
            "a task of Ray must end, got it lost with its worker "
            f"({str(cause).splitlines()[0][:200]}); give it more memory, by fewer samples a shard "
            "or more threads a task"
        ) from error


def _repeat_warnings(done: Done) -> None:
    """Say what was said in the worker, which nobody heard."""
    for category, text in done.heard:
        warnings.warn(text, category, stacklevel=3)
