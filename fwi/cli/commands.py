"""One command a stage: its options are the keys of its section, and those that all share."""

from __future__ import annotations

import sys
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from fwi.cli.options import options_of
from fwi.stages import STAGES, run_overridden

_CONFIG = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="YAML file of the experiment.", metavar="FILE"),
]
_SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="Any key of any section, over the file: section.key=value; may be repeated.",
        metavar="KEY=YAML",
    ),
]
_FORCE = Annotated[bool | None, typer.Option("--force", help="Replace what an earlier run left.")]


def command(name: str) -> Any:
    """Make the command of a stage.

    Args:
        name: one of `STAGES`.

    Returns:
        A command of the click that typer is built on.
    """
    stage = STAGES[name]
    options = options_of(stage)

    def execute(
        file: Path | None, overrides: list[str] | None, force: bool | None = None, **values: Any
    ) -> None:
        given = [option for option in options if values[option.name] not in (None, [], ())]
        named = [option.override(values[option.name]) for option in given]
        _show(run_overridden(file, name, [*(overrides or []), *named], force=bool(force)))

    _declare(execute, [*(option.parameter() for option in options), *_common(stage.writes)])
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, help=stage.summary)(execute)
    return typer.main.get_command(alone)


def _common(writes: bool) -> list[Parameter]:
    """Declare what is no key: where keys come from, and whether files are replaced."""
    common = {"file": _CONFIG, "overrides": _SET} | ({"force": _FORCE} if writes else {})
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in common.items()
    ]


def _declare(function: Any, parameters: list[Parameter]) -> None:
    """Give a function the signature that typer reads."""
    function.__signature__ = Signature(parameters)
    function.__annotations__ = {each.name: each.annotation for each in parameters}


def _show(result: Any) -> None:
    """Print what a stage gave back, as it wants to be shown."""
    from rich.console import Console
    from rich.protocol import is_renderable

    if sys.stdout is None:  # closed by who started it
        return
    # Where there is no terminal to measure, tables are not cut at its usual 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 120)
    shown = result if is_renderable(result) else str(result)
    # A path must arrive whole: brackets in it are no markup, and a long one is not broken.
    console.print(shown, markup=False, highlight=False, soft_wrap=True)
