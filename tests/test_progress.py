"""Progress: lines in a log, and nothing for work inside shown work."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fwi import progress
from fwi.progress import log_to, progress_bar


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is printed, with a line at every step."""
    lines: list[str] = []
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0)
    monkeypatch.setattr(progress.console, "print", lines.append)
    return lines


def test_a_log_says_what_is_done_and_left(said: list[str]) -> None:
    with progress_bar("dig", 4, done=1) as advance:
        advance(2, "deep")
    assert said[0].startswith("dig 3/4, ")
    assert said[0].endswith(" left deep")


def test_work_inside_shown_work_is_silent(said: list[str]) -> None:
    with progress_bar("outer", 2) as outer:
        with progress_bar("inner", 2) as inner:
            inner(note="unseen")
        outer()
    with progress_bar("later", 1) as later:
        later()
    assert [line.split()[0] for line in said] == ["outer", "later"]


def test_a_notebook_that_cannot_draw_bars_gets_lines(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.console, "is_jupyter", True)
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    with progress_bar("dig", 2) as advance:
        advance()
    assert said[0].startswith("dig 1/2, ")


@pytest.mark.usefixtures("small_disk")
def test_a_log_that_the_disk_does_not_hold_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("fwi.test")
    full = pytest.raises(OSError, match=r"the disk is full while writing .*log\.txt")
    with full as refused, log_to(tmp_path / "log.txt"):
        log.info("first")
        log.info("x" * 200_000)
    assert "\n" not in str(refused.value)
    assert capsys.readouterr().err == ""  # no trace of logging's own
    assert "first" in (tmp_path / "log.txt").read_text()
