"""Options that are unknown, mean nothing beside another one, or hold another kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case

from fwi.config import SECTIONS, Config, load_config
from fwi.registry import Registry, nearest
from fwi.stages import STAGES, run

# Overrides of which the first key is ignored beside, or without, the second.
IGNORED = [
    (["prepare.n_samples=3", "prepare.folder=f"], "prepare.n_samples", "prepare.folder"),
    (["prepare.families=[Style_A]", "prepare.folder=f"], "prepare.families", "prepare.folder"),
    (["prepare.split=test"], "prepare.split", "without prepare.folder"),
    (["simulate.n_shots=5", "simulate.source_x=[0]"], "simulate.n_shots", "simulate.source_x"),
]
COMMANDS = [
    (["prepare", "f", "--samples", 3], ("prepare.n_samples", "beside prepare.folder")),
    (["prepare", "f", "--family", "Style_A"], ("prepare.families", "beside prepare.folder")),
    (["prepare", "--split", "test"], ("prepare.split", "without prepare.folder")),
    (["simulate", "m.npy", "--shots", 5, "--source-x", 0], ("n_shots", "simulate.source_x")),
    (["simulate", "m.npy", "--shots", 7], ("simulate.n_shots", "must be 5 or 6, got 7")),
    (["simulate", "m.npy", "--source-x", "a"], ("simulate.source_x.0", "got 'a'")),
    (["infer", "--blend", "max"], ("infer.blend", "'mean' or 'median'")),
    (["train", "--precision", "float16"], ("train.precision", "'float32'")),
    (["train", "--objective", "{nme: a}"], ("unknown key 'train.objective.nme'", "'name'")),
    (["train", "--also", "{weight: 1}"], ("train.stores.0.path", "must be given")),
    (["train", "--also", "{path: a, weight: nan}"], ("train.stores.0.weight",)),
    (["train", "--options", "[1]"], ("train.options", "must hold keys and values")),
    (["train", "--options", "{gain: .inf}"], ("train.options.gain", "finite")),
    (["train", "--set", "train"], ("section.key=value", "'train'")),
    (["train", "--set", "=1"], ("unknown key ''",)),
    (["train", "--set", ""], ("section.key=value", "''")),
    (["train", "--set", "train.lr.peak=1"], ("train.lr", "must be a number")),
    (["train", "--set", "name.a=1", "--set", "name=b", "--set", "name.c=1"], ("'name.c'", "value")),
    (["prepare", "--family", "FlatVelA"], ("unknown family 'FlatVelA'", "FlatVel_A")),
    (["models", "unnet"], ("unknown model 'unnet'", "'unet'")),
    (["models", "x" * 100_000], ("unknown model 'xxx",)),
    (["models", ""], ("unknown model ''",)),
    (["models", "--set", "x" * 100_000 + "=1"], ("unknown key 'xxx",)),
    (["simulate"], ("simulate.input must name",)),
    (["prepare", "--engine", "dask"], ("machine.engine", "must be 'local' or 'ray', got 'dask'")),
    (["simulate", "m.npy", "--engine", ""], ("machine.engine", "'local' or 'ray'")),
    (["infer", "--engine", "Ray"], ("machine.engine", "'local' or 'ray', got 'Ray'")),
    (["prepare", "--address", "h:6379"], ("machine.address", "without machine.engine=ray")),
    (["prepare", "--set", "machine.address=auto"], ("machine.address", "machine.engine=ray")),
    (["prepare", "--set", "machine.engine=1"], ("machine.engine", "'local' or 'ray'")),
    (["prepare", "--set", "machine.engine=[ray]"], ("machine.engine", "'local' or 'ray'")),
    (["prepare", "--engine", "ray", "--set", "machine.address=1"], ("machine.address", "a text")),
    (["prepare", "--engine", "ray", "--set", "machine.adress=h:1"], ("machine.adress", "address")),
    (["simulate", "nowhere.npy"], ("nowhere.npy",)),
]
# What is no address of a Ray.
ADDRESSES = [
    "", " ", "h", "6379", ":6379", "h:", "h:0", "h:-1", "h:65536", "h:1e3", "h:port", "h:6379:",
    "ray://h:10001", "http://h:8265", "h:6379/x", "h h:6379", "local", "AUTO", "h:٣", "::1:6379",
    "[::1]", "h:" + "9" * 10_000, "h\0:1",
]  # fmt: skip
# Of a section and a value: what is no dict of keys.
NO_KEYS = [None, 3, 2.5, True, "text", [], ["lr"], [{"lr": 1}]]
OBJECTS: list[tuple[Any, str]] = [
    (object(), "object"),
    (lambda: None, "function"),
    (1j, "complex"),
    (b"bytes", "bytes"),
    ({1, 2}, "set"),
    (np.zeros(2), "ndarray"),
    (range(3), "range"),
    (Path, "type"),
]


def _circle() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["itself"] = circle
    return circle


def _deep(n: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(n):
        deep = [deep]
    return deep


def _misspelt(section: str, key: str) -> Case:
    """A key without its last letter, or with another in front: the key itself is suggested."""
    path = f"{section}.{key}z".lstrip(".")
    return Case(
        f"{path} for a key",
        lambda _: lambda: load_config(None, [f"{path}=1"]),
        (f"unknown key '{path}'", f"'{key}'"),
    )


def _cases() -> Iterator[Case]:
    for overrides, ignored, beside in IGNORED:
        says = (f"{ignored} of the config means nothing", beside)
        yield Case(f"{overrides}", lambda _, o=overrides: lambda: load_config(None, o), says)
        yield Case(
            f"{overrides[::-1]} over a config",
            lambda _, o=overrides: lambda: load_config(Config(), o[::-1]),
            says,
        )
    for words, says in COMMANDS:
        yield Case(" ".join(map(str, words))[:60], lambda _, words=words: words, says)
    for address in ADDRESSES:
        yield Case(
            f"an address of Ray that is {address[:20]!r}",
            lambda _, address=address: ["prepare", "--engine", "ray", f"--address={address}"],
            ("machine.address", "must be auto or host:port"),
        )
    for section in SECTIONS:
        for value in NO_KEYS:
            yield Case(
                f"{section} of {value}",
                lambda _, section=section, value=value: (
                    lambda: run(None, "models", **{section: value})
                ),
                (f"{section} of the config must hold keys and values",),
            )
    for section, place in SECTIONS.items():
        yield from (_misspelt(section, key) for key in list(place.model_fields)[:4])
    yield from (_misspelt("", key) for key in Config.model_fields)
    for value, kind in OBJECTS:
        yield Case(
            f"a number of epochs that is a {kind}",
            lambda _, value=value: lambda: run(None, "models", train__epochs=value),
            ("train.epochs",),
        )
    for name, value in (("a circle", _circle()), ("too deep", _deep(100_000)), ("deep", _deep(30))):
        yield Case(
            f"options that are {name}",
            lambda _, value=value: lambda: run(None, "models", train__options={"a": value}),
            ("train.options",),
        )
    for overrides in ("train.lr=1", b"train.lr=1"):
        yield Case(
            f"overrides in one {type(overrides).__name__}",
            lambda _, overrides=overrides: lambda: load_config(None, overrides),
            ("override",),
        )
    for override in (3, None, b"a=1", ("a", 1), {"a": 1}):
        yield Case(
            f"an override that is {override!r}",
            lambda _, override=override: lambda: load_config(None, [override]),
            ("an override must be a text", type(override).__name__),
        )
    for stage in ("trian", "", "Train", "train ", "x" * 10**5):
        yield Case(
            f"a stage called {stage[:20]!r}",
            lambda _, stage=stage: lambda: run(None, stage),
            ("unknown stage",),
        )
    for stage in (3, None, ["train"], b"train"):
        yield Case(
            f"a stage that is {stage!r}",
            lambda _, stage=stage: lambda: run(None, stage),
            ("stage must be a name", type(stage).__name__),
        )
    for name in (3, None, ["a"], {"a": 1}, 1.5):
        yield Case(
            f"a registered name that is {name!r}",
            lambda _, name=name: lambda: Registry("thing")[name],
            ("thing must be a name", type(name).__name__),
        )
    for name in ("", "a", "x" * 10**6):
        yield Case(
            f"{name[:9]!r} of an empty registry",
            lambda _, name=name: lambda: Registry("thing")[name],
            ("unknown thing", "there is none"),
        )


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_option(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


@pytest.mark.parametrize("stage", STAGES)
def test_hints_name_what_exists(stage: str) -> None:
    section = STAGES[stage].section
    known = SECTIONS[section].model_fields if section else Config.model_fields
    for typed in ("channels", "n", "fold_", "lear", "outt", ""):
        said = nearest(typed, known)
        quoted = said.split("'")[1::2]
        assert set(quoted) <= set(known)
