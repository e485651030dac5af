"""The campaign's one test, and its count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import Case, attempt


@pytest.fixture
def hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Case], None]:
    """Try a case in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda case: attempt(case, tmp_path, capsys)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many inputs were tried."""
    passed = terminalreporter.stats.get("passed", [])
    n = sum("tests/campaign/" in report.nodeid for report in passed)
    terminalreporter.write_line(f"campaign of malformed and odd inputs: {n} held")
