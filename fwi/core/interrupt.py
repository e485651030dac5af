"""Ctrl-C that waits for the end of the step under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C instead of raising it while the block runs; a second one stops at once.

    Yields:
        Whether Ctrl-C was pressed. Outside the main thread, which alone gets it, never.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    # None: whoever embeds Python has its own handler, which cannot be put back.
    before = signal.signal(signal.SIGINT, note) or signal.SIG_DFL
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
