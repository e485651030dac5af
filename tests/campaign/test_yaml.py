"""Configs whose YAML hangs, hides keys, or is none; and such as only look odd."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cases import Case

from fwi.config import Config, load_config

LAUGHS = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
MERGES = "a0: &a0 {k: 1}\n" + "\n".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)
)
DEEP = 10_000
# The content of a file, and what is said of it.
REFUSED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "billion laughs": (b"a0: &a0 lol\n" + LAUGHS.encode(), ("alias", "line 2")),
    "billion merges": (MERGES.encode(), ("alias", "line 2")),
    "alias of itself": (b"train: &a {options: *a}", ("*a is an alias", "line 1")),
    "alias of nothing": (b"name: *nobody", ("*nobody is an alias",)),
    "alias as a key": (b"&a name: x\n*a : y", ("alias", "line 2")),
    "merged keys": (b"train:\n  <<: {lr: 1}", ("'<<' merges keys", "line 2")),
    "merged list": (b"train: {<<: [{lr: 1}]}", ("'<<' merges keys",)),
    "merge in options": (b"train: {options: {<<: {a: 1}}}", ("'<<' merges keys",)),
    "doubled key": (b"name: a\nname: b", ("'name' stands twice", "line 2")),
    "doubled section": (b"train: {lr: 1}\nname: b\ntrain: {lr: 2}", ("'train'", "line 3")),
    "doubled inner key": (b"train:\n  lr: 1\n  epochs: 2\n  lr: 1", ("'lr'", "line 4")),
    "doubled key in a list": (b"train: {stores: [{path: a, path: b}]}", ("'path'", "line 1")),
    "doubled key in quotes": (b"name: a\n\"name\": b", ("'name'", "line 2")),
    "doubled key in options": (b"train: {options: {a: 1, a: 1}}", ("'a'", "twice")),
    "doubled key in JSON": (b'{"name": "a", "name": "b"}', ("'name'", "twice")),
    "deep lists": (b"name: " + b"[" * DEEP + b"]" * DEEP, ("at most 20 deep", "line 1")),
    "deep keys": (b"{a: " * DEEP + b"}" * DEEP, ("at most 20 deep",)),
    "deep unclosed lists": (b"[" * DEEP, ("at most 20 deep",)),
    "deep dashes": (b"- " * DEEP + b"a", ("at most 20 deep",)),
    "deep questions": (b"? " * DEEP + b"a", ("at most 20 deep",)),
    "deep indents": (b"".join(b" " * i + b"a:\n" for i in range(100)), ("20 deep", "line 20")),
    "deep options": (b"train: {options: {a: " + b"[" * 30 + b"]" * 30 + b"}}", ("20 deep",)),
    "tag of Python": (b"!!python/object/apply:os.mkdir [marker]", ("python/object", "tag")),
    "tag of a name": (b"name: !!python/name:os.system x", ("python/name", "tag")),
    "tag of a number": (b"train: {epochs: !!int abc}", ("int is a tag",)),
    "tag of a truth": (b"name: !!bool maybe", ("bool is a tag",)),
    "tag of bytes": (b"name: !!binary aGk=", ("binary is a tag",)),
    "tag of a set": (b"train: {options: !!set {a, b}}", ("set is a tag",)),
    "tag of a date": (b"name: !!timestamp 2026-13-45", ("timestamp is a tag",)),
    "tag of one's own": (b"name: !mine x", ("!mine is a tag",)),
    "tag without a name": (b"name: ! x", ("is a tag",)),
    "number for a key": (b"1: 2", ("a key must be a text, got '1'", "line 1")),
    "truth for a key": (b"train: {yes: 2}", ("a key must be a text, got 'yes'",)),
    "nothing for a key": (b"~: 2", ("a key must be a text, got '~'",)),
    "empty key": (b": 2", ("is not readable YAML", "line 1")),
    "list for a key": (b"? [a, b]\n: 2", ("a key must be a text, got a list",)),
    "keys for a key": (b"{{a: 1}: 2}", ("a key must be a text, got a list or keys",)),
    "a list": (b"- 1\n- 2", ("must hold keys and values, got a list",)),
    "a text": (b"just text", ("must hold keys and values, got a str",)),
    "a number": (b"3", ("must hold keys and values, got a int",)),
    "a zero": (b"0", ("must hold keys and values, got a int",)),
    "a falsehood": (b"false", ("must hold keys and values, got a bool",)),
    "an empty list": (b"[]", ("must hold keys and values, got a list",)),
    "an empty text": (b"''", ("must hold keys and values, got a str",)),
    "two documents": (b"name: a\n---\nname: b", ("single document", "line 2")),
    "unclosed list": (b"train: [\n\n1", ("is not readable YAML", "line 3")),
    "unclosed keys": (b"train: {lr: 1", ("is not readable YAML", "line 1")),
    "unclosed quote": (b"name: 'a", ("is not readable YAML", "line 1")),
    "tab for an indent": (b"train:\n\tlr: 1", ("is not readable YAML", "line 2")),
    "wrong indent": (b"train:\n  lr: 1\n epochs: 2", ("is not readable YAML", "line 3")),
    "two colons": (b"name: a: b", ("is not readable YAML", "line 1")),
    "an at sign": (b"name: @a", ("is not readable YAML", "line 1")),
    "a backtick": (b"name: `a`", ("is not readable YAML", "line 1")),
    "a per cent": (b"%YAML 9.9\n---\nname: a", ("is not readable YAML",)),
    "an unknown escape": (b'name: "\\q"', ("is not readable YAML", "line 1")),
    "no character": (b'name: "\\U0011ffff"', ("is not readable YAML", "too long")),
    "half a character": (b'name: "\\ud800"', ("name of a.yaml must be UTF-8",)),
    "a NUL": (b"name: a\x00b", ("U+0000",)),
    "a bell": (b"name: a\x07b", ("U+0007",)),
    "a NUL in an escape": (b'name: "a\\0b"', ("name of a.yaml must name one folder",)),
    "bytes that are no UTF-8": (b"name: \xff\xfe", ("must be UTF-8, got the byte 0xff at 6",)),
    "Latin-1": ("name: ström".encode("latin-1"), ("must be UTF-8, got the byte 0xf6",)),
    "UTF-16": ("name: a".encode("utf-16"), ("must be UTF-8, got the byte 0xff at 0",)),
    "a cut character": ("name: é".encode()[:-1], ("must be UTF-8, got the byte 0xc3",)),
    "surrogates in bytes": (b"name: \xed\xa0\x80", ("must be UTF-8, got the byte 0xed",)),
    "a .npy file": (b"\x93NUMPY\x01\x00v\x00", ("must be UTF-8, got the byte 0x93 at 0",)),
    "5,000 digits": (b"train: {epochs: " + b"9" * 5000 + b"}", ("too long",)),
    "5,000 digits in options": (b"train: {options: {a: " + b"9" * 5000 + b"}}", ("too long",)),
    "huge": (b"#" * 1_000_001, ("at most 1000000 bytes",)),
    "section of nothing": (b"train:\n", ("train of a.yaml must hold keys and values, got None",)),
    "section of a list": (b"train: [lr]", ("train of a.yaml must hold keys and values",)),
    "section of a text": (b"train: lr", ("train of a.yaml must hold keys and values, got 'lr'",)),
    "name of nothing": (b"name:", ("name of a.yaml must be a text, got None",)),
    "name of a number": (b"name: 3", ("name of a.yaml must be a text, got 3; quote it",)),
    "name of a truth": (b"name: no", ("name of a.yaml must be a text, got False; quote it",)),
    "path of a number": (b"store: 3", ("store of a.yaml must be a path, got 3",)),
    "path of a list": (b"store: [a]", ("store of a.yaml must be a path, got ['a']",)),
    "list of a text": (b"infer: {checkpoints: a}", ("infer.checkpoints of a.yaml must be a list",)),
    "text of a list": (b"train: {model: [unet]}", ("train.model of a.yaml must be a text",)),
    "keys of a list": (b"train: {options: [1]}", ("train.options of a.yaml must hold keys",)),
    "truth of a number": (b"infer: {tta: 3}", ("infer.tta of a.yaml must be true or false",)),
    "choice of another": (b"infer: {blend: max}", ("must be 'mean' or 'median', got 'max'",)),
    "NaN in options": (b"train: {options: {gain: .nan}}", ("train.options.gain", "finite", "nan")),
    "infinity in options": (b"train: {options: {a: {b: [1, -.inf]}}}", ("options.a.b.1", "-inf")),
    "a huge number in options": (b"train: {options: {a: 18446744073709551616}}", ("64 bits",)),
    "NaN in an objective": (
        b"train: {objective: {name: critic, options: {w: .nan}}}",
        ("train.objective.options.w", "finite"),
    ),
    "unknown key": (b"train: {lerning_rate: 1}", ("unknown key 'train.lerning_rate'",)),
    "a key of 1,000 letters": (b"k" * 1000 + b": 1", ("unknown key 'kkkk",)),
}  # fmt: skip
TAKEN: dict[str, tuple[bytes, Config]] = {
    "empty": (b"", Config()),
    "a comment": (b"# nothing\n", Config()),
    "null": (b"null", Config()),
    "a marker": (b"---\n", Config()),
    "a marker at either end": (b"---\nname: a\n...\n", Config(name="a")),
    "a byte order mark": (b"\xef\xbb\xbfname: a", Config(name="a")),
    "a byte order mark alone": (b"\xef\xbb\xbf", Config()),
    "line ends of Windows": (b"name: a\r\nruns: b\r\n", Config(name="a", runs="b")),
    "JSON": (b'{"name": "a", "train": {"epochs": 3}}', Config(name="a", train={"epochs": 3})),
    "no end of line": (b"name: a", Config(name="a")),
    "letters beyond ASCII": ("name: ström-地震".encode(), Config(name="ström-地震")),
    "a date for a name": (b"name: 2026-01-01", Config(name="2026-01-01")),
    "a time for a name": (b"name: 12:30:45", Config(name="12:30:45")),
    "a number in quotes": (b"name: '3'", Config(name="3")),
    "3e-4": (b"train: {lr: 3e-4}", Config(train={"lr": 3e-4})),
    "+1E-5": (b"train: {lr: +1E-5}", Config(train={"lr": 1e-5})),
    "yes for a truth": (b"infer: {tta: no}", Config(infer={"tta": False})),
    "an anchor that nothing uses": (b"name: &n a", Config(name="a")),
    "a space before the colon": (b"name : a", Config(name="a")),
    "deep but not too deep": (
        b"train: {options: {a: " + b"[" * 15 + b"]" * 15 + b"}}",
        Config(train={"options": {"a": json.loads("[" * 15 + "]" * 15)}}),
    ),
    "a merge sign that is a value": (b"train: {model: '<<'}", Config(train={"model": "<<"})),
}  # fmt: skip
# Not files that hold text.
MADE: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "folder": (Path.mkdir, ("a.yaml must be a file, got a folder",)),
    "pipe": (os.mkfifo, ("a.yaml must be a file, got a device or pipe",)),
    "link to nothing": (lambda path: path.symlink_to("nobody"), ("a.yaml does not exist",)),
    "link to itself": (lambda path: path.symlink_to(path), ("a.yaml",)),
    "link to endless zeros": (
        lambda path: path.symlink_to("/dev/zero"), ("must be a file, got a device or pipe",),
    ),
    "link to nothing at all": (
        lambda path: path.symlink_to("/dev/null"), ("must be a file, got a device or pipe",),
    ),
    "sparse gigabytes": (
        lambda path: (path.touch(), os.truncate(path, 2**33)), ("at most 1000000 bytes",),
    ),
}  # fmt: skip


def _file(name: str, content: bytes, says: tuple[str, ...]) -> Case:
    def make(folder: Path) -> list[str]:
        (folder / "a.yaml").write_bytes(content)
        return ["models", "-c", "a.yaml"]

    return Case(name, make, says)


def _override(name: str, content: bytes, says: tuple[str, ...]) -> Case:
    """The same YAML as the value of an override; lines and files are another matter."""
    value = content.decode("latin-1")
    says = tuple(words for words in says if "line" not in words and "a.yaml" not in words)
    return Case(
        f"{name}, overridden",
        lambda _: lambda: load_config(None, [f"train.options.x={value}"]),
        (*says, "train.options.x"),
    )


def _taken(name: str, content: bytes, config: Config) -> Case:
    def make(folder: Path) -> Callable[[], Config]:
        (folder / "a.yaml").write_bytes(content)
        return lambda: load_config("a.yaml")

    def check(folder: Path) -> None:
        assert load_config(folder / "a.yaml") == config

    return Case(name, make, check=check)


def _made(name: str, make_file: Callable[[Path], object], says: tuple[str, ...]) -> Case:
    def make(folder: Path) -> list[str]:
        make_file(folder / "a.yaml")
        return ["models", "-c", "a.yaml"]

    return Case(f"a {name}", make, says)


def _cases() -> Iterator[Case]:
    for name, (content, says) in REFUSED.items():
        yield _file(name, content, says)
        if "alias" in str(says) or name.startswith(("deep ", "tag of", "merge")):
            yield _override(name, content, says)
    yield from (_taken(name, *given) for name, given in TAKEN.items())
    yield from (_made(name, *given) for name, given in MADE.items())
    for deep in (25, 1000, DEEP, 10 * DEEP):
        for text in ("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep):
            yield Case(
                f"JSON {deep} deep, {text[0]}",
                lambda _, text=text: ["train", "--set", f"train.options={{a: 1, b: {text}}}"],
                ("train.options", "20 deep"),
            )
            yield Case(
                f"a value of JSON {deep} deep, {text[0]}",
                lambda _, text=text: lambda: load_config(None, [f"train.options={text}"]),
                ("train.options",),
            )


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_yaml(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
