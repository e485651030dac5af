"""Progress bars with rate and time left, alike in every stage."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from fwi.files import explained_disk_errors

console = Console(stderr=True)
_LINE_SECONDS = 30
_shown: ContextVar[bool] = ContextVar("shown", default=False)  # whether a bar is


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="cyan")


Advance = Callable[..., None]


@contextmanager
def progress_bar(what: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Show on standard error how far a stage is, how fast it goes and what is left.

    A terminal, or a notebook with ipywidgets, gets a bar; a log file, a line every half minute;
    work that is a step of shown work, nothing.

    Args:
        what: the work, in a word or two.
        total: steps in all.
        done: steps finished by an earlier run.

    Yields:
        advance(steps=1, note=None): counts steps and replaces the note behind the bar.
    """
    live = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
    show = _nothing if _shown.get() else _bar if live else _lines
    token = _shown.set(True)
    try:
        with show(what, total, done) as advance:
            yield advance
    finally:
        _shown.reset(token)


@contextmanager
def _nothing(what: str, total: int, done: int) -> Iterator[Advance]:
    yield lambda steps=1, note=None: None


@contextmanager
def _bar(what: str, total: int, done: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=total, completed=done, note="")

        def advance(steps: int = 1, note: str | None = None) -> None:
            progress.advance(task, steps)
            if note is not None:
                progress.update(task, note=note)

        yield advance


@contextmanager
def _lines(what: str, total: int, done: int) -> Iterator[Advance]:
    started = last = time.monotonic()
    count, current = done, ""

    def advance(steps: int = 1, note: str | None = None) -> None:
        nonlocal count, last, current
        count += steps
        current = current if note is None else note
        now = time.monotonic()
        if now - last >= _LINE_SECONDS and count > done:
            rate = (count - done) / (now - started)
            left = timedelta(seconds=round((total - count) / rate))
            console.print(f"{what} {count}/{total}, {rate:.1f}/s, {left} left {current}".rstrip())
            last = now

    yield advance


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Append the package's log to a file while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("fwi")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):  # a line that did not fit is told of already
            handler.close()


class _LogFile(logging.FileHandler):
    """A log that a full disk ends in a sentence, where logging would print a trace a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        with explained_disk_errors(Path(self.baseFilename)):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Pass on what failed."""
        raise
