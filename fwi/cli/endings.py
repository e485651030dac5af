"""How a command ends that cannot go on: in one line, with nothing half-written left."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(SystemExit):
    """A signal to stop: what is open is closed, and temporary files go, on its way up."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` on Ctrl-C and SIGTERM while the block runs; a second one kills at once.

    A signal that is ignored, as Ctrl-C is by what runs in a shell's background, stays so.
    """
    before: dict[int, Any] = {}
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        received.append(number)
        for known in list(before):
            signal.signal(known, signal.SIG_DFL)
        raise Stopped(128 + number)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            # None: whoever embeds Python has its own handler, which cannot be put back.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:  # of what waited for the end of a step
        raise Stopped(128 + signal.SIGINT) from None
    except SystemExit as ended:
        if received and not isinstance(ended, Stopped):  # Ray passes it on as one of its own
            raise Stopped(128 + received[0]) from None
        raise
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Print the project's own warnings as one line, without the place in the code."""
    others = warnings.showwarning

    def say_warning(message: Any, category: type[Warning], *place: Any, **where: Any) -> None:
        if category.__module__.startswith("fwi."):
            say(f"warning: {message}")
        else:
            others(message, category, *place, **where)

    warnings.showwarning = say_warning
    try:
        yield
    finally:
        warnings.showwarning = others


def say(text: str) -> None:
    """Print one line on standard error, whatever characters a file's name or a library has."""
    line = " ".join(text.splitlines())
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    print(f"fwi: {plain}", file=sys.stderr)


def take_any_text() -> None:
    """Let standard output write what its encoding has no letters for in escapes."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
