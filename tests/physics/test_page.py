"""The examples of docs/physics.md."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "physics.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs_as_it_stands(number: int) -> None:
    exec(compile(EXAMPLES[number], str(PAGE), "exec"), {})


def test_paths_on_the_page_exist() -> None:
    named = re.findall(r"`((?:fwi|tests|benchmarks)/[\w./]*)`", PAGE.read_text(encoding="utf-8"))
    assert named
    assert [path for path in named if not (PAGE.parents[1] / path).exists()] == []
