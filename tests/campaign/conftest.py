"""The campaign's one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cases import Case, attempt


@pytest.fixture
def hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Case], None]:
    """Try a case in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda case: attempt(case, tmp_path, capsys)
