"""The command line: each subcommand is one stage; nothing heavy is imported before it runs."""

from __future__ import annotations

import os
from typing import Any

import typer
from typer.core import TyperGroup

from fwi.cli.endings import (
    Stopped,
    say,
    stoppable,
    take_any_text,
    warnings_in_lines,
)
from fwi.stages import STAGES

EXPECTED = (
    ValueError, TypeError, KeyError, OSError, FloatingPointError, MemoryError, ModuleNotFoundError,
)  # fmt: skip


class _Stages(TyperGroup):
    """Stages whose options are made when one is asked for: the list needs their names alone."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Give the whole command that the arguments begin with."""
        from fwi.cli.commands import command

        name, listed, rest = super().resolve_command(ctx, args)
        return name, command(name) if name in STAGES else listed, rest


app = typer.Typer(
    cls=_Stages,
    help="Seismic shot gathers in, velocity maps out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _listed() -> None:
    """Stand for a stage until it is asked for."""


for _name, _stage in STAGES.items():
    app.command(_name, help=_stage.summary)(_listed)


def main() -> None:
    """Run the command line; an expected error is one sentence and exit status 1."""
    take_any_text()
    try:
        with stoppable(), warnings_in_lines():
            app()
    except Stopped:
        say("stopped; what was finished is kept: run the same command again to go on")
        raise
    except EXPECTED as error:
        if os.environ.get("FWI_DEBUG"):
            raise
        say(_sentence(error))
        raise SystemExit(1) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, KeyError):
        return str(error.args[0] if error.args else error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else str(error)
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this size ({error}); ask for less at once"
    return str(error)
