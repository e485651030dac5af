"""Paths and names: `~` in every one, names that would lie elsewhere, letters no file can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import Case

from fwi.config import SECTIONS, Config, load_config, types_of
from fwi.stages import run

# Keys that hold a path, a run or a checkpoint, and how one is written there.
_LISTED = {"infer.checkpoints", "leaderboard.runs"}
PATHS = ["store", "runs", "prepare.folder", "simulate.input", "train.pretrained", "infer.input"]
PATHS += ["infer.out", "refine.input", "refine.start", "refine.out", "submit.predictions"]
PATHS += ["submit.sample_submission", "submit.out", "export.checkpoint", "export.out"]
PATHS += [*sorted(_LISTED), "train.stores", "prepare.predictions", "convert.input", "convert.out"]
NAMES: dict[str, str] = {
    "up": "../../x",
    "up once": "..",
    "here": ".",
    "hidden": ".x",
    "dots": "...",
    "a folder in another": "a/b",
    "a folder": "a/",
    "absolute": "/tmp/x",
    "double slash": "//x",
    "of Windows": "a\\b",
    "of a drive of Windows": "c:\\b",
    "empty": "",
    "a NUL": "a\0b",
    "an end of line": "a\nb",
    "a carriage return": "a\rb",
    "a tab": "a\tb",
    "a bell": "a\x07",
    "an escape": "\x1b[31mred",
    "a delete": "a\x7f",
    "a control of Latin-1": "a\x85b",
    "a mark of direction": "a\u202eb",
    "a space of no width": "a\u200bb",
    "half a character": "a\udc80",
    "a file's bytes": "\udcff\udcfe",
    "too long": "x" * 201,
    "too long in bytes": "é" * 101,
    "a path in the home": "~/x",
}
TAKEN = [
    "a",
    "a b",
    "a.b",
    "a..b",
    "ström",
    "地震",
    "😀",
    "a:b",
    "-a",
    "[red]",
    "x" * 200,
    "~",
    "a~",
]


def _value(key: str, text: str) -> Any:
    return [text] if key in _LISTED or key == "train.stores" else text


def _read(config: Config, key: str) -> Any:
    section, _, name = key.rpartition(".")
    value = getattr(getattr(config, section) if section else config, name)
    value = value[0] if isinstance(value, list) else value
    return Path(getattr(value, "path", value))


def _expanded(key: str, how: str) -> Case:
    """A path below the home, given in Python, as an override, in a file, or as a config."""

    def make(folder: Path) -> Callable[[], Config]:
        option = {key.replace(".", "__"): _value(key, "~/a/b")}
        if how == "file":
            section, _, name = key.rpartition(".")
            line = f"{name}: {_value(key, '~/a/b')}"
            text = f"{section}:\n  {line}\n" if section else line
            (folder / "a.yaml").write_text(text, encoding="utf-8")
            return lambda: _hold(load_config("a.yaml"), key)
        if how == "override":
            return lambda: _hold(load_config(None, [f"{key}={_value(key, '~/a/b')}"]), key)
        from fwi.config import overrides_of

        option = {
            name: [Path(v[0])] if isinstance(v, list) else Path(v) for name, v in option.items()
        }
        return lambda: _hold(load_config(None, overrides_of(option)), key)

    return Case(f"~ in {key}, {how}", make)


def _hold(config: Config, key: str) -> Config:
    assert _read(config, key) == Path.home() / "a" / "b"
    assert _read(load_config(config), key) == Path.home() / "a" / "b"
    return config


def _literal(key: str) -> Case:
    """A file whose name begins with ~, which is meant by ./~."""

    def make(folder: Path) -> Callable[[], None]:
        def call() -> None:
            config = load_config(None, [f"{key}={_value(key, './~a')}"])
            assert _read(load_config(config), key).resolve() == folder / "~a"

        return call

    return Case(f"./~ in {key}", make)


def _refused(key: str, text: str, what: str, says: tuple[str, ...]) -> Case:
    option = {key.replace(".", "__"): _value(key, text)}
    return Case(f"{what} in {key}", lambda _: lambda: run(None, "models", **option), (key, *says))


def _named(what: str, name: str) -> Iterator[Case]:
    says = ("name of the config must",)
    yield Case(f"{what} for a name", lambda _: ["models", f"--name={name}"], says)
    yield Case(
        f"{what} for a name, in Python", lambda _: lambda: run(None, "models", name=name), says
    )


def _cases() -> Iterator[Case]:
    for key in PATHS:
        yield from (_expanded(key, how) for how in ("file", "override", "Python"))
        yield _literal(key)
        nobody = ("must begin with a home that exists", "~nobody_at_all/x")
        yield _refused(key, "~nobody_at_all/x", "no home", nobody)
        yield _refused(key, "a\udcffb", "half a character", ("must be UTF-8",))
        yield _refused(key, "a\0b", "a NUL", ("must be a path",))
        if key not in {
            "infer.checkpoints",
            "leaderboard.runs",
            "export.checkpoint",
            "refine.start",
        }:
            yield _refused(key, "", "nothing", ("must be",))
    for what, name in NAMES.items():
        yield from _named(what, name)
    for name in TAKEN:
        yield Case(f"{name[:20]} for a name", lambda _, name=name: lambda: Config(name=name))
    for path in ("nowhere.yaml", "no/where.yaml", "~/no_such_config.yaml", "a\nb.yaml", "x" * 300):
        yield (
            Case(
                f"a config at {path[:20]!r}",
                lambda _, path=path: ["models", "-c", path],
                (path[-6:],),
            )
            if "\n" not in path
            else Case(
                "a config of two lines", lambda _, path=path: ["models", "-c", path], ("a b.yaml",)
            )
        )
    for path in ("", "a\0b", "~nobody_at_all/a.yaml", "\udcff\0"):
        yield Case(
            f"a config at {path!r}",
            lambda _, path=path: lambda: load_config(path),
            ("config must",),
        )
    for base in (3, 3.5, b"a.yaml", ["a.yaml"], {"name": "a"}, object()):
        yield Case(
            f"a config that is a {type(base).__name__}",
            lambda _, base=base: lambda: load_config(base),
            ("config must be a Config, a path or None", type(base).__name__),
        )
    yield Case(
        "a store in a file that is no folder",
        lambda folder: (
            (folder / "file").touch(), ["prepare", "--samples", 1, "--store", "file/store"]
        )[1],
        ("file",),
    )  # fmt: skip
    yield Case(
        "a config whose name is not UTF-8",
        lambda folder: (
            Path("\udcff.yaml").write_text("name: a", encoding="utf-8"),
            lambda: load_config("\udcff.yaml"),
        )[1],
        ("config must be UTF-8", "\\udcff"),
    )  # fmt: skip


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_path(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


def test_every_path_of_the_config_is_here() -> None:
    places = {"": Config, **SECTIONS}
    found = {
        f"{place}.{key}".lstrip(".")
        for place, section in places.items()
        for key, field in section.model_fields.items()
        if Path in types_of(field.annotation)
    }
    assert found <= set(PATHS)
