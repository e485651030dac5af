"""The command line starts at once, and says each fault in one line."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fwi.stages import STAGES

HEAVY = {"torch", "timm", "segmentation_models_pytorch", "albumentations", "numba", "polars"}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def imported_by(code: str) -> set[str]:
    """Give the top-level modules that a piece of code imports."""
    report = python("-c", code + "\nimport sys; print(*{m.split('.')[0] for m in sys.modules})")
    assert report.returncode == 0, report.stderr
    return set(report.stdout.splitlines()[-1].split())


def test_help_takes_less_than_a_second() -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        helped = python("-m", "fwi", "--help")
        seconds.append(time.perf_counter() - started)
        assert helped.returncode == 0
    assert statistics.median(seconds) < 1
    for command in (*STAGES, "models"):
        assert f"  {command} " in helped.stdout


def test_help_imports_nothing_heavy() -> None:
    shown = imported_by(
        "import sys; sys.argv = ['fwi', '--help']\nfrom fwi.cli import main\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert "typer" in shown
    assert not shown & {*HEAVY, "numpy"}


def test_import_is_free() -> None:
    shown = imported_by("import fwi")
    assert "fwi" in shown
    assert not shown & {*HEAVY, "numpy", "pydantic", "yaml", "typer"}


def test_public_names_are_there() -> None:
    shown = imported_by("import fwi\nfwi.submission.write, fwi.families.sample, fwi.simulate")
    assert {"numpy", "polars", "numba"} <= shown
    assert "torch" not in shown


def test_unknown_subcommand_is_named() -> None:
    stopped = python("-m", "fwi", "prepair")
    assert stopped.returncode == 2
    assert "No such command 'prepair'" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_unknown_key_names_the_nearest(refused: Callable[..., str]) -> None:
    said = refused("prepare", "--set", "prepare.n_sample=3")
    assert "the config has an unknown key 'prepare.n_sample'; did you mean 'n_samples'" in said


def test_wrong_value_is_one_line(refused: Callable[..., str]) -> None:
    assert "prepare.n_samples of the config does not fit" in refused("prepare", "--samples", 0)
    assert "must be YAML" in refused("prepare", "--set", "name=[")


def test_options_are_checked_as_their_config_keys(refused: Callable[..., str]) -> None:
    for option, key in (("--shots", "n_shots"), ("--dx", "dx"), ("--dt", "dt"), ("--nt", "nt")):
        said = refused("simulate", "maps.npy", option, -1)
        assert f"simulate.{key} of the config does not fit" in said
    assert "simulate.frequency of the config" in refused("simulate", "--frequency", "nan")


def test_config_file_faults_are_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "does not exist; check the path" in refused("train", "-c", tmp_path / "no.yaml")
    (tmp_path / "a.yaml").write_text("train: [\n\n1")
    assert "is not readable YAML" in refused("train", "-c", tmp_path / "a.yaml")


def test_missing_store_is_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    said = refused("train", "--store", tmp_path / "none")
    assert said.endswith("none does not exist; run fwi prepare for it")


def test_debug_shows_the_traceback(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fwi.cli import main

    monkeypatch.setenv("FWI_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["fwi", "train", "-c", str(tmp_path / "no.yaml")])
    with pytest.raises(FileNotFoundError):
        main()
