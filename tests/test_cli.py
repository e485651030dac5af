"""The command line: starts at once, takes every key of the config, says faults in one line."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import pytest
from rich.table import Table

from fwi.cli import main
from fwi.cli.endings import Stopped, stoppable
from fwi.cli.options import Option, options_of
from fwi.config import SECTIONS, Choice, Config, StoreShare, load_config
from fwi.files import atomic_file
from fwi.stages import STAGES

HEAVY = {"torch", "timm", "segmentation_models_pytorch", "albumentations", "numba", "polars"}
OPTIONS = {stage: options_of(known) for stage, known in STAGES.items()}
# What is typed for a key of a type, and what the config holds then. The texts are what YAML
# would read as a number, a truth, a date, keys, a comment or nothing.
_ADDRESS = "address"
EXAMPLES: dict[Any, list[tuple[str, Any]]] = {
    _ADDRESS: [("10.0.0.1:6379", "10.0.0.1:6379")],
    str: [("1e3", "1e3"), ("no", "no")],
    Path: [("a: b #c", Path("a: b #c")), ("2026-01-01", Path("2026-01-01"))],
    int: [("21", 21), ("3", 3)],
    float: [("0.25", 0.25), ("1e-3", 0.001)],
    dict: [("{gain: 1e3}", {"gain": 1000.0})],
    Choice: [("no", {"name": "no", "options": {}})],
    StoreShare: [
        ("a: b", {"path": Path("a: b"), "weight": 1.0}),
        ("{path: c, weight: 2}", {"path": Path("c"), "weight": 2.0}),
    ],
}
# What an option means nothing without.
BESIDE = {
    **dict.fromkeys(
        ("prepare.split", "prepare.dt", "prepare.source_x", "prepare.receiver_x"),
        "prepare.folder=f",
    ),
    **{
        f"{stage}.{key}": f"{stage}.augment=1"
        for stage in ("prepare", "simulate")
        for key in ("augmentation", "plain")
    },
    **{f"{stage}.lossy": f"{stage}.decimate=4" for stage in ("prepare", "simulate")},
    "train.augmentation": "train.fresh=1",
    "machine.address": "machine.engine=ray",
}
# Of files and checkpoints; names of experiments are those that folders have.
AWKWARD = ["1e3", "no", "null", "~", "2026-01-01", "a: b", "a #b", "[1", "{a: b}", " x ", "'"]
AWKWARD += ['"', "true", "[red]", "é😀", "a\nb", "0x1f", "-1", "=", "a=b", "*x", "!!str"]


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Config, bool]]:
    """Run a command line whose stage does nothing, and give what the stage was called with."""

    def run(stage: str, *arguments: object, result: object = "done") -> tuple[Config, bool]:
        calls: list[tuple[Config, bool]] = []

        def record(config: Config, *, force: bool) -> object:
            calls.append((config, force))
            return result

        module = ModuleType(f"fwi.stages.{stage}")
        monkeypatch.setattr(module, "run", record, raising=False)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(sys, "argv", ["fwi", stage, *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
        assert len(calls) == 1
        return calls[0]

    return run


@pytest.fixture
def helped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    """Give the help of a command, its lines joined."""

    def run(stage: str) -> str:
        monkeypatch.setattr(sys, "argv", ["fwi", stage, "--help"])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
        return " ".join(capsys.readouterr().out.split())

    return run


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


def imported_by_command(*arguments: str) -> set[str]:
    """Give the top-level modules that a command line imports."""
    return imported_by(
        f"import sys; sys.argv = {['fwi', *arguments]}\nfrom fwi.cli import main\n"
        "try: main()\nexcept SystemExit: pass"
    )


def typed(option: Option) -> tuple[list[str], Any]:
    """Give arguments that set an option to another value than its default, and that value."""
    kind = option.kinds[-1]
    if option.kinds == [bool]:
        return [option.flags[-1].split("/")[option.default]], not option.default
    if get_origin(kind) is Literal:
        examples = [(str(each), each) for each in get_args(kind) if each != option.default]
    else:
        examples = EXAMPLES[_ADDRESS if option.key == _ADDRESS else get_origin(kind) or kind]
    if not option.many:
        text, value = examples[0]
        return [*option.flags[-1:], text], value
    words = [word for text, _ in examples for word in (*option.flags[-1:], text)]
    return words, [value for _, value in examples]


def test_help_takes_less_than_a_second() -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        shown = python("-m", "fwi", "--help")
        seconds.append(time.perf_counter() - started)
        assert shown.returncode == 0
    assert statistics.median(seconds) < 1
    for stage, known in STAGES.items():
        assert f"  {stage} " in shown.stdout
        assert known.summary in shown.stdout  # not cut off


def test_help_imports_nothing_heavy() -> None:
    shown = imported_by_command("--help")
    assert "typer" in shown
    assert not shown & {*HEAVY, "numpy", "pydantic", "yaml"}


def test_help_of_a_command_imports_nothing_heavy() -> None:
    shown = imported_by_command("train", "--help")
    assert "pydantic" in shown
    assert not shown & {*HEAVY, "numpy"}


def test_import_is_free() -> None:
    shown = imported_by("import fwi")
    assert "fwi" in shown
    assert not shown & {*HEAVY, "numpy", "pydantic", "yaml", "typer"}


def test_public_names_are_there() -> None:
    shown = imported_by("import fwi\nfwi.submission.write, fwi.families.sample, fwi.simulate")
    assert {"numpy", "polars", "numba"} <= shown
    assert "torch" not in shown


def test_every_section_has_a_stage() -> None:
    assert {known.section for known in STAGES.values()} - {None} == set(SECTIONS) - {"machine"}


@pytest.mark.parametrize("stage", STAGES)
def test_help_names_every_key(stage: str, helped: Callable[[str], str]) -> None:
    shown = helped(stage)
    for option in OPTIONS[stage]:
        names = option.flags or [option.key.upper()]
        assert all(name.replace("/", " / ") in shown for name in names)
        # Lines are broken anywhere, and a page has two columns.
        assert "".join(option.field.description.split()) in shown.replace(" ", "")
    assert "Any key of any section, over the file: section.key=value" in shown


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("--lr", "Learning rate at the schedule's peak. [default: 0.002]"),
        ("--precision", "computes it natively. [default: auto]"),
        ("--threads", "Threads of simulator and networks; every processor. --workers"),
        ("--pretrained", "local .safetensors file. [default: false]"),
    ],
)
def test_help_says_a_default_that_is_a_value(
    key: str, said: str, helped: Callable[[str], str]
) -> None:
    shown = helped("train")
    assert said.replace(" ", "") in shown[shown.index(key) :].replace(" ", "")
    assert "Name of the experiment. [default: demo]" in helped("demo")


@pytest.mark.parametrize("stage", STAGES)
def test_flags_of_a_command_are_its_own(stage: str) -> None:
    flags = [flag for option in OPTIONS[stage] for flag in option.flags]
    flags += ["--config", "-c", "--set", "-s", "--force", "--help"]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(
    ("stage", "option"),
    [
        pytest.param(stage, option, id=f"{stage}-{option.path}")
        for stage, options in OPTIONS.items()
        for option in options
    ],
)
def test_option_reaches_its_key_alone(
    stage: str, option: Option, received: Callable[..., tuple[Config, bool]]
) -> None:
    arguments, value = typed(option)
    beside = ["--set", BESIDE[option.path]] if option.path in BESIDE else []
    config, force = received(stage, *arguments, *beside)
    expected = load_config(None, [*STAGES[stage].defaults, *beside[1:]]).model_dump()
    section, _, key = option.path.rpartition(".")
    part = expected[section] if section else expected
    assert part[key] != value
    part[key] = tuple(value) if option.kinds == [float] and option.many else value
    assert config.model_dump() == expected
    assert not force


@pytest.mark.parametrize("stage", STAGES)
def test_only_stages_that_spread_have_an_engine(
    stage: str, helped: Callable[[str], str], received: Callable[..., tuple[Config, bool]]
) -> None:
    spreads = stage in ("prepare", "simulate", "infer", "refine")
    assert ("--engine" in helped(stage)) == ("--address" in helped(stage)) == spreads
    # A config is of all stages.
    assert received(stage, "--set", "machine.engine=ray")[0].machine.engine == "ray"


@pytest.mark.parametrize("text", AWKWARD)
def test_text_arrives_unchanged(text: str, received: Callable[..., tuple[Config, bool]]) -> None:
    config, _ = received(
        "infer", f"--device={text}", f"--store=s/{text}", f"--checkpoint={text}", "-kx", "--", text
    )
    assert config.machine.device == text
    assert config.store == Path("s", text)
    assert config.infer.checkpoints == [os.path.expanduser(text), "x"]
    assert config.infer.input == Path(text).expanduser()


def test_texts_that_are_more_than_texts(received: Callable[..., tuple[Config, bool]]) -> None:
    config, _ = received("train", "--pretrained", "true", "--objective", "{name: a, options: {}}")
    assert config.train.pretrained is True
    assert config.train.objective == Choice(name="a")
    assert received("leaderboard", "--baseline", "[]")[0].leaderboard.baselines == []


def test_named_options_win_over_set_and_set_over_the_file(
    received: Callable[..., tuple[Config, bool]], tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntrain: {epochs: 1, lr: 0.1, fold: 1}\n")
    arguments = ["--epochs", 3, "--set", "train.epochs=2", "-s", "train.fold=2"]
    config, _ = received("train", "-c", tmp_path / "a.yaml", *arguments)
    assert (config.train.epochs, config.train.fold, config.train.lr) == (3, 2, 0.1)


def test_demo_has_defaults_of_its_own(
    received: Callable[..., tuple[Config, bool]], tmp_path: Path
) -> None:
    config, _ = received("demo", "--set", "train.epochs=1")
    assert (config.name, config.prepare.n_samples, config.train.epochs) == ("demo", 1000, 1)
    (tmp_path / "a.yaml").write_text("name: a\n")
    assert received("demo", "-c", tmp_path / "a.yaml")[0] == Config(name="a")


@pytest.mark.parametrize("stage", STAGES)
def test_force_is_for_the_stages_that_write(
    stage: str, received: Callable[..., tuple[Config, bool]], helped: Callable[[str], str]
) -> None:
    assert ("--force" in helped(stage)) == STAGES[stage].writes
    if STAGES[stage].writes:
        assert received(stage, "--force")[1]


def test_options_of_earlier_versions_are_there(
    received: Callable[..., tuple[Config, bool]],
) -> None:
    prepare = received("prepare", "f", "--split", "test", "--verify")[0].prepare
    assert (prepare.folder, prepare.split, prepare.verify) == (Path("f"), "test", True)
    assert received("prepare", "--samples", 3)[0].prepare.n_samples == 3
    models = received("models", "unet", "vit", "--no-speed")[0].models
    assert (models.names, models.speed) == (["unet", "vit"], False)
    assert received("submit", "p", "--sample", "s")[0].submit.sample_submission == Path("s")


def test_result_is_printed_as_it_is(
    received: Callable[..., tuple[Config, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = "runs/[bold]" + "a b " * 60 + "/x.npy: 3 maps"
    received("infer", result=path)
    assert capsys.readouterr().out == path + "\n"
    received("infer", result=Path(path))
    assert capsys.readouterr().out == path + "\n"
    table = Table("a" * 50, "b" * 50)
    received("leaderboard", result=table)
    assert "a" * 50 in capsys.readouterr().out


def test_unknown_subcommand_is_named() -> None:
    stopped = python("-m", "fwi", "prepair")
    assert stopped.returncode == 2
    assert "No such command 'prepair'" in stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_unknown_key_names_the_nearest(refused: Callable[..., str]) -> None:
    said = refused("prepare", "--set", "prepare.n_sample=3")
    assert "the config has an unknown key 'prepare.n_sample'; did you mean 'n_samples'" in said


def test_wrong_value_is_one_line(refused: Callable[..., str]) -> None:
    assert "prepare.n_samples of the config must be a whole number" in refused(
        "prepare", "--samples", 0
    )
    assert "must be YAML" in refused("prepare", "--set", "name=[")


def test_options_are_checked_as_their_config_keys(refused: Callable[..., str]) -> None:
    for option, key in (("--shots", "n_shots"), ("--dx", "dx"), ("--dt", "dt"), ("--nt", "nt")):
        said = refused("simulate", "maps.npy", option, -1)
        assert f"simulate.{key} of the config must be" in said
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
    monkeypatch.setenv("FWI_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["fwi", "train", "-c", str(tmp_path / "no.yaml")])
    with pytest.raises(FileNotFoundError):
        main()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_stop_is_one_line_and_leaves_nothing_half_written(
    number: signal.Signals,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def run(config: Config, *, force: bool) -> None:
        with atomic_file(tmp_path / "kept") as temporary:
            temporary.touch()
        with atomic_file(tmp_path / "half") as temporary:
            temporary.touch()
            os.kill(os.getpid(), number)
            time.sleep(60)

    module = ModuleType("fwi.stages.infer")
    monkeypatch.setattr(module, "run", run, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "argv", ["fwi", "infer"])
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == status
    assert signal.getsignal(number) == before
    said = capsys.readouterr().err
    assert said == "fwi: stopped; what was finished is kept: run the same command again to go on\n"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_signal_that_is_ignored_stays_so(received: Callable[..., tuple[Config, bool]]) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def answered_by_a_library() -> None:
    """Turn what a signal raised into an exit of one's own, as Ray does."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except Stopped:
        raise SystemExit(1) from None


def test_a_signal_that_a_library_answers_ends_the_command_as_any_other() -> None:
    with pytest.raises(Stopped) as ended, stoppable():
        answered_by_a_library()
    assert ended.value.code == 143


def test_an_exit_without_a_signal_keeps_its_status() -> None:
    with pytest.raises(SystemExit) as ended, stoppable():
        raise SystemExit(3)
    assert ended.value.code == 3
    assert not isinstance(ended.value, Stopped)


@pytest.mark.parametrize("arguments", [["models", "unet", "--no-speed"], ["--help"]])
def test_a_reader_that_has_gone_is_no_fault(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "fwi", *arguments], stdout=writer, stderr=subprocess.PIPE,
            timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert ended.stderr == b""


def test_a_fault_in_the_program_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("fwi.stages.infer")
    monkeypatch.setattr(module, "run", lambda *_, **__: [][0], raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "argv", ["fwi", "infer"])
    with pytest.raises(IndexError):
        main()


def test_a_sentence_is_one_line_whatever_a_path_holds(refused: Callable[..., str]) -> None:
    assert "a b\\x1b[31m" in refused("train", "--store", "a\nb\x1b[31m")
