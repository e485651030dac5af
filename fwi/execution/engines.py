"""The one way to do many pieces of work; the config says who does them (`machine.engine`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from fwi.config import MachineConfig
from fwi.progress import Advance

Piece = TypeVar("Piece")
Made = TypeVar("Made")
Work = Callable[[Piece, Advance], Made]
Finish = Callable[[Piece, Made], None]


def carry_out(
    machine: MachineConfig,
    work: Work[Piece, Made],
    pieces: Iterable[Piece],
    advance: Advance,
    finish: Finish[Piece, Made],
    *,
    networks: bool = False,
) -> None:
    """Do some work for every piece.

    Args:
        machine: who does it: "local", this process, one piece after another; "ray", tasks of Ray,
            as many at once as there are processors, in any order.
        work: from a piece to what is made of it; it counts its steps with its second argument. On
            Ray it runs in another process, on another machine even: what it writes lies where all
            machines see it, and it may run twice, where a worker was lost.
        pieces: they are asked for as they are needed, and travel to the workers; `Shared` keeps
            what many of them hold from travelling with each.
        advance: counts the steps.
        finish: called in this process with a piece and what was made of it, before `advance` on
            a piece that is not counted step by step.
        networks: whether the work is faster on a GPU, where there is one.

    Raises:
        ModuleNotFoundError: if it is to be Ray, which is not installed.
        ValueError: if no machine of Ray has the processors that a piece takes.
        ConnectionError: if there is no Ray at the address.
        ChildProcessError: if a piece was lost again and again with its worker.
        Exception: what the work raises; on Ray, pieces under way are finished first.
    """
    if machine.engine == "ray":
        from fwi.execution.tasks import carry_out_by_tasks

        carry_out_by_tasks(machine, work, pieces, advance, finish, networks)
        return
    for piece in pieces:
        finish(piece, work(piece, advance))
