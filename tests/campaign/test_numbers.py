"""Numbers of the config that no machine can hold, that are none, or that nobody means."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cases import Case

from fwi.config import SECTIONS, load_config, types_of

# Sections' keys, each with one number below and one above what it takes.
WHOLE = {
    "machine.threads": (0, 10**9),
    "machine.workers": (-1, 10**6),
    "prepare.n_folds": (1, 10**7),
    "prepare.shard_size": (0, 10**18),
    "prepare.seed": (-1, 2**32),
    "prepare.n_samples": (0, 10**18),
    "prepare.decimate": (0, 33),
    "simulate.n_folds": (-3, 10**9),
    "simulate.seed": (-(2**63), 2**64),
    "simulate.decimate": (-2, 10**9),
    "simulate.nt": (0, 10**20),
    "train.fold": (-1, 10**6),
    "train.epochs": (0, 10**20),
    "train.batch_size": (0, 2**31),
    "train.seed": (-1, 10**400),
    "infer.batch_size": (0, 10**7),
    "refine.draws": (-1, 10**6),
    "refine.samples": (0, 10**9),
    "leaderboard.fold": (-1, 10**9),
    "export.opset": (17, 24),
    "convert.n_samples": (0, 10**9),
}
REAL = {
    **{f"{stage}.dt": ("0", "100") for stage in ("prepare", "infer", "refine", "convert")},
    "machine.checkpoint_minutes": ("0", "1e9"),
    "prepare.augment": ("-0.1", "1e9"),
    "simulate.augment": ("-1", "1000.5"),
    "train.fresh": ("-1e-9", "1.5"),
    "simulate.dx": ("0", "1e300"),
    "simulate.dt": ("-1e-3", "1e20"),
    "simulate.frequency": ("0", "1e12"),
    "simulate.source_depth": ("-1e9", "1e9"),
    "simulate.receiver_depth": ("-1e9", "1e9"),
    "train.lr": ("0", "1e9"),
    "train.warmup": ("-0.1", "1.0001"),
    "train.weight_decay": ("-1", "1e9"),
    "train.clip_norm": ("0", "1e30"),
    "train.ema_decay": ("-0.1", "1"),
    "train.flip": ("-1e-9", "2"),
    "refine.noise": ("-1", "1e30"),
    "refine.seconds": ("0", "1e99"),
}
NO_NUMBERS = ["nan", ".nan", "inf", "-.inf", "1e400", "true", "[1]", "{a: 1}", "many", "''"]
TAKEN = [
    ("train.epochs=3.0", "train.epochs", 3),
    ("train.epochs='3'", "train.epochs", 3),
    ("train.epochs=1_000", "train.epochs", 1000),
    ("train.epochs=010", "train.epochs", 10),  # not octal, as in YAML 1.1
    ("train.epochs=+7", "train.epochs", 7),
    ("train.epochs=1e2", "train.epochs", 100),
    ("train.lr=1", "train.lr", 1.0),
    ("train.lr=.5", "train.lr", 0.5),
    ("train.lr=5.", "train.lr", 5.0),
    ("train.lr=1e-3", "train.lr", 0.001),
    ("train.lr=1E+1", "train.lr", 10.0),
    ("train.seed=4294967295", "train.seed", 2**32 - 1),
    ("train.flip=0", "train.flip", 0.0),
    ("train.flip=1", "train.flip", 1.0),
    ("simulate.n_shots='5'", "simulate.n_shots", 5),
    ("simulate.n_shots=6.0", "simulate.n_shots", 6),
    ("simulate.source_x=[0, 1e1]", "simulate.source_x", (0.0, 10.0)),
    ("export.opset=18", "export.opset", 18),
    ("refine.noise=0", "refine.noise", 0.0),
    ("machine.threads=null", "machine.threads", None),
]


def _stage(key: str) -> str:
    section = key.partition(".")[0]
    return "models" if section == "machine" else section


def _set(key: str, value: object) -> Case:
    arguments = [_stage(key), "--set", f"{key}={value}"]
    return Case(
        f"{key} of {str(value)[:30]}", lambda _: arguments, (f"{key} of the config must be",)
    )


def _in_a_file(key: str, value: object) -> Case:
    section, _, name = key.partition(".")

    def make(folder: object) -> list[str]:
        with open("a.yaml", "w", encoding="utf-8") as file:
            file.write(f"{section}:\n  {name}: {value}\n")
        return [_stage(key), "-c", "a.yaml"]

    return Case(f"{key} of {value} in a file", make, (f"{key} of a.yaml must be",))


def _called(key: str, value: object) -> Case:
    from fwi.stages import run

    option = key.replace(".", "__")
    return Case(
        f"{key} of {value!r:.30} in Python",
        lambda _: lambda: run(None, _stage(key), **{option: value}),
        (key, "must be"),
    )


def _taken(override: str, key: str, value: object) -> Case:
    section, _, name = key.partition(".")

    def check(_: object) -> None:
        assert getattr(getattr(load_config(None, [override]), section), name) == value

    return Case(
        f"{override} is taken", lambda _: lambda: load_config(None, [override]), check=check
    )


def _cases() -> Iterator[Case]:
    yield Case("samples of -1", lambda _: ["prepare", "--samples", -1], ("n_samples", "-1"))
    yield Case(
        "samples in words", lambda _: ["prepare", "--samples", "many"], ("n_samples", "many")
    )
    yield Case("no samples", lambda _: ["prepare", "--samples", ""], ("n_samples", "got ''"))
    yield Case("no threads", lambda _: ["prepare", "--threads", ""], ("threads", "got ''"))
    yield Case("no source", lambda _: ["simulate", "--source-x", ""], ("source_x", "got ''"))
    for key, (low, high) in WHOLE.items():
        yield from (_set(key, value) for value in (low, high, "2.5", "0x10", "1:30"))
        yield _in_a_file(key, high)
    for key, bounds in REAL.items():
        yield from (_set(key, value) for value in bounds)
        yield from (_in_a_file(key, value) for value in (".nan", "-.inf"))
    for i, key in enumerate([*WHOLE, *REAL]):
        # Each key meets some of the values that are no numbers, all of them each value some keys.
        yield from (_set(key, NO_NUMBERS[(i + step) % len(NO_NUMBERS)]) for step in (0, 3, 7))
        yield _called(key, [float("nan"), float("inf"), True, "x", [], {}, 10**30][i % 7])
    yield from (_taken(*taken) for taken in TAKEN)
    digits = "9" * 5000
    yield Case(
        "more digits than Python reads",
        lambda _: ["train", "--epochs", digits],
        ("train.epochs", "too long"),
    )


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_number(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


def test_every_number_of_the_config_is_here() -> None:
    numbers = {
        f"{name}.{key}"
        for name, section in SECTIONS.items()
        for key, field in section.model_fields.items()
        if {int, float} & set(types_of(field.annotation))
    }
    assert numbers - {"simulate.shard_size"} == {*WHOLE, *REAL}  # prepare's
