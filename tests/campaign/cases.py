"""What a case of the campaign is, and what must hold of every one.

A module of the campaign holds a table of cases, each of them the smallest input of its kind.
A refusal is one line with exit status 1, after which the folder is as it was; what is taken ends
with exit status 0, and with no temporary file left. Nothing ends in a traceback or hangs.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fwi.cli import EXPECTED, main

_SECONDS = 120  # a case takes a second or so; what has not ended by then hangs


@dataclass(frozen=True)
class Case:
    """One input, and what becomes of it.

    Attributes:
        name: what is odd about it.
        make: lays the input out below an empty folder, which is the current one too, and gives
            the arguments of the command line, or a call of the interface in Python.
        says: what the sentence of the refusal must hold, in any order; nothing where it is taken.
        warns: what a warning must hold, where it is taken.
        check: what must be true of the folder afterwards, where it is taken.
    """

    name: str
    make: Callable[[Path], Sequence[object] | Callable[[], Any]]
    says: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    check: Callable[[Path], None] | None = None

    def __str__(self) -> str:
        """Give its name in reports."""
        return self.name


def attempt(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Try a case in an empty folder, and hold it to what it promises."""
    wanted = case.make(folder)
    before = _tree(folder)
    capsys.readouterr()
    with _deadline(), warnings.catch_warnings(record=callable(wanted)) as heard:
        warnings.simplefilter("always" if callable(wanted) else "default")
        lines, refused = _call(wanted) if callable(wanted) else _command(wanted, capsys)
    warned = [str(w.message) for w in heard or []]
    warned += [line for line in lines if line.startswith("fwi: warning: ")]
    if case.says:
        assert refused, f"taken: {lines}"
        _check_sentence(refused, case.says)
        assert _tree(folder) == before, "a refusal leaves everything as it was"
        return
    assert not refused, refused
    for words in case.warns:
        assert any(words in line for line in warned), f"{words!r} is not in {warned}"
    if not case.warns:
        assert not warned, warned
    leftovers = [p for p in folder.rglob(".*") if p.suffix in (".tmp", ".old", ".lock")]
    assert not leftovers, leftovers
    if case.check is not None:
        case.check(folder)


def _check_sentence(sentence: str, says: tuple[str, ...]) -> None:
    assert "\n" not in sentence.strip()
    assert "Traceback" not in sentence
    for words in says:
        assert words in sentence, f"{words!r} is not in {sentence!r}"


def _command(arguments: Sequence[object], capsys: Any) -> tuple[list[str], str | None]:
    """Run a command line; give what it says on standard error, and its refusal, if it is one."""
    sys.argv, old = ["fwi", *map(str, arguments)], sys.argv
    try:
        main()
        status: object = 0
    except SystemExit as stopped:
        status = stopped.code
    finally:
        sys.argv = old
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fwi: ")]
    if status in (0, None):
        return lines, None
    assert status == 1, f"exit status {status}: {lines}"
    said = [line for line in lines if not line.startswith("fwi: warning: ")]
    assert len(said) == 1, said
    return lines, said[0]


def _call(function: Callable[[], Any]) -> tuple[list[str], str | None]:
    """Call the interface in Python; give its refusal, if it is one."""
    try:
        function()
    except EXPECTED as error:
        return [], str(error.args[0] if isinstance(error, KeyError) else error)
    return [], None


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """List everything below a folder, with sizes and times of change of the files."""
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[str(path)] = (0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns)
    return found


@contextmanager
def _deadline() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError(f"it hangs: no end within {_SECONDS} s")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
