"""The command line: each subcommand is one stage; nothing heavy is imported before it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

app = typer.Typer(
    help="Seismic shot gathers in, velocity maps out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# Where there is no terminal to measure, tables are not cut at its usual 80 columns.
console = Console(width=None if sys.stdout.isatty() else 120)

_EXPECTED = (ValueError, TypeError, KeyError, OSError, FloatingPointError, ModuleNotFoundError)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file of the experiment.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="section.key=value, over the config.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace what an earlier run left.")]
Name = Annotated[str | None, typer.Option("--name", "-n", help="Name of the experiment.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="Folder of the store.")]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option("--checkpoint", "-k", help="Run, checkpoint or 'default'; may be repeated."),
]


def _run(
    stage: str, file: Path | None, overrides: list[str] | None, force: bool, **options: Any
) -> Any:
    """Load the config, put named options over it, run the stage."""
    from fwi.config import load_config, overrides_of
    from fwi.stages import run

    named = overrides_of(options)
    return run(load_config(file, [*(overrides or []), *named]), stage, force=force)


@app.command()
def demo(config: ConfigFile = None, overrides: Overrides = None, force: Force = False) -> None:
    """Walk the whole way on this machine with nothing downloaded."""
    from fwi.stages.demo import DEFAULTS

    result = (
        _run("demo", None, [*DEFAULTS, *(overrides or [])], force)
        if config is None
        else (_run("demo", config, overrides, force))
    )
    _print_table(result.table)
    console.print(
        f"picture: {result.picture}\nsubmission: {result.submission.path}, "
        f"{result.submission.n_rows} valid rows\n{result.seconds:.0f} s in all"
    )


@app.command()
def prepare(
    folder: Annotated[
        Path | None, typer.Argument(help="Competition or OpenFWI folder; none generates maps.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="'train' or 'test' part of the folder.")] = None,
    samples: Annotated[int | None, typer.Option(help="Maps to generate.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare all checksums.")] = False,
    name: Name = None,
    store: StorePath = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Make a store: from a folder, or from generated maps."""
    result = _run(
        "prepare",
        config,
        overrides,
        force,
        name=name,
        store=store,
        prepare__folder=folder,
        prepare__split=split,
        prepare__n_samples=samples,
    )
    if verify:
        result.verify()
    _print_store(result)


@app.command()
def simulate(
    input: Annotated[
        Path | None, typer.Argument(help="A .npy file of maps, a folder of them, or a store.")
    ] = None,
    shots: Annotated[int | None, typer.Option(help="OpenFWI's 5, or 6: the flip is exact.")] = None,
    dx: Annotated[float | None, typer.Option(help="Cell size, m.")] = None,
    dt: Annotated[float | None, typer.Option(help="Time step, s.")] = None,
    nt: Annotated[int | None, typer.Option(help="Time samples.")] = None,
    frequency: Annotated[float | None, typer.Option(help="Peak of the wavelet, Hz.")] = None,
    name: Name = None,
    store: StorePath = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Make a store: from maps, simulating their gathers."""
    result = _run(
        "simulate",
        config,
        overrides,
        force,
        name=name,
        store=store,
        simulate__input=input,
        simulate__n_shots=shots,
        simulate__dx=dx,
        simulate__dt=dt,
        simulate__nt=nt,
        simulate__frequency=frequency,
    )
    _print_store(result)


@app.command()
def train(
    name: Name = None,
    store: StorePath = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training fold.")] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Train a network, or go on where a killed fit stopped."""
    result = _run("train", config, overrides, force, name=name, store=store, train__epochs=epochs)
    console.print(
        f"{result.run}: best epoch {result.best['epoch']}, validation MAE "
        f"{result.best['mae']:.1f} m/s, scored columns {result.best['mae_scored']:.1f}"
    )


@app.command()
def infer(
    input: Annotated[
        Path | None, typer.Argument(help="Store, folder of .npy gathers, or one file.")
    ] = None,
    checkpoint: Checkpoints = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the predictions.")] = None,
    name: Name = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Predict velocity maps from gathers."""
    result = _run(
        "infer",
        config,
        overrides,
        force,
        name=name,
        infer__input=input,
        infer__checkpoints=checkpoint,
        infer__out=out,
    )
    console.print(f"{result.path}: {len(result)} maps")


@app.command()
def submit(
    predictions: Annotated[Path | None, typer.Argument(help="Folder that infer wrote.")] = None,
    sample: Annotated[Path | None, typer.Option(help="The sample submission.")] = None,
    out: Annotated[Path | None, typer.Option(help="The csv file.")] = None,
    name: Name = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Write predictions as a validated submission."""
    result = _run(
        "submit",
        config,
        overrides,
        force,
        name=name,
        submit__predictions=predictions,
        submit__sample_submission=sample,
        submit__out=out,
    )
    console.print(f"{result.path}: {result.n_rows} valid rows")


@app.command()
def leaderboard(
    run: Annotated[list[str] | None, typer.Argument(help="Runs or 'default'; all of them.")] = None,
    name: Name = None,
    store: StorePath = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Compare runs, and the baselines, on one validation fold."""
    _print_table(
        _run("leaderboard", config, overrides, False, name=name, store=store, leaderboard__runs=run)
    )


@app.command()
def export(
    checkpoint: Annotated[
        str | None, typer.Argument(help="Run, checkpoint or 'default'; the run's best.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The .onnx file.")] = None,
    opset: Annotated[int | None, typer.Option(help="Version of ONNX's operators.")] = None,
    name: Name = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Write a network as ONNX, one pass without the flip average, and check it."""
    result = _run(
        "export",
        config,
        overrides,
        force,
        name=name,
        export__checkpoint=checkpoint,
        export__out=out,
        export__opset=opset,
    )
    console.print(
        f"{result.path}: {result.n_bytes / 1e6:.1f} MB, opset {result.opset}, "
        f"within {result.difference:.2g} m/s of torch"
    )
    if result.note:
        console.print(result.note)


@app.command()
def models(
    name: Annotated[list[str] | None, typer.Argument(help="Models; all of them.")] = None,
    speed: Annotated[bool, typer.Option(help="Measure memory and speed on this machine.")] = True,
) -> None:
    """List the networks that can be trained, and what they cost."""
    from fwi.analysis.cost import LARGE, complexity_table
    from fwi.analysis.speed import conditions

    frame = complexity_table(name or (), speed)
    _print_models(frame)
    if speed:
        console.print(f"training memory and speed: {conditions()}")
    if speed and frame["memory_mb"].null_count():
        console.print(
            f"-: above {LARGE // 10**6} M parameters, measured where named (fwi models NAME), or "
            "too large for the memory"
        )


def _print_store(store: Any) -> None:
    """Say where a store is and what it holds."""
    shots, nt, receivers = store.gather_shape
    console.print(f"{store.path}: {len(store)} samples of {shots} x {nt} x {receivers}")


def _print_models(frame: Any) -> None:
    """Print what variants cost, without the columns that nothing is known of, and the sources."""
    from rich.box import SIMPLE
    from rich.table import Table

    columns = {
        "model": ("model", ""),
        "variant": ("variant", ""),
        "parameters_m": ("parameters\nM", ".1f"),
        "multiply_adds_g": ("multiply-\nadds, G", ".2f"),
        "memory_mb": ("training\nMB", ".0f"),
        "forward_samples_s": ("forward\n1/s", ".1f"),
        "train_samples_s": ("training\n1/s", ".1f"),
        "published_mae": ("published\nMAE, m/s", ".1f"),
    }
    known = [key for key in columns if frame[key].null_count() < len(frame)]
    table = Table(box=SIMPLE, show_edge=False, padding=0)
    for key in known:
        title, form = columns[key]
        table.add_column(title, justify="right" if form else "left", no_wrap=True)
    for row in frame.select(known).iter_rows(named=True):
        cells = ((row[key], columns[key][1]) for key in known)
        table.add_row(*("-" if value is None else format(value, form) for value, form in cells))
    console.print(table)
    sources = frame.drop_nulls("source").unique("model", maintain_order=True)
    for model, source in sources.select("model", "source").iter_rows():
        console.print(f"{model}: {source}", highlight=False)


def _print_table(frame: Any) -> None:
    """Print a leaderboard: families across would not fit, so runs stand across."""
    from rich.table import Table

    table = Table()
    table.add_column("MAE, m/s", no_wrap=True)
    for run in frame["run"]:
        table.add_column(run, overflow="fold")
    for key in frame.columns[1:]:
        table.add_row(key, *(f"{value:.1f}" for value in frame[key]))
    console.print(table)


def main() -> None:
    """Run the command line; an expected error is one sentence and exit status 1."""
    try:
        app()
    except _EXPECTED as error:
        if os.environ.get("FWI_DEBUG"):
            raise
        text = error.args[0] if isinstance(error, KeyError) else error
        if isinstance(error, OSError) and error.strerror:
            text = error.strerror if error.filename is None else str(error)
        print(f"fwi: {text}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
