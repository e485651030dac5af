"""Checkpoints that are damaged, of other things, or meant to do harm."""

import json
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import Case
from safetensors.torch import save
from small import altered, description, lay, weights

from fwi.inference.predictor import load

Make = Callable[[Path], Callable[[], Any]]


def content(data: bytes | str) -> Make:
    """Put other bytes in the JSON's place."""
    raw = data.encode() if isinstance(data, str) else data
    return lambda folder: partial(load, lay(folder, raw), device="cpu")


def said(**changes: Any) -> Make:
    """Change what the JSON says."""
    return lambda folder: content(json.dumps(description() | changes))(folder)


def without(key: str) -> Make:
    """Leave a key of the JSON out."""

    def make(folder: Path) -> Callable[[], Any]:
        values = description()
        del values[key]
        return content(json.dumps(values))(folder)

    return make


def options(**changes: Any) -> Make:
    """Change the network's options."""
    return lambda folder: said(options=description()["options"] | changes)(folder)


def tensors(make_bytes: Callable[[], bytes]) -> Make:
    """Put another file in the weights' place."""
    return lambda folder: partial(load, lay(folder, tensors=make_bytes()), device="cpu")


def changed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Make:
    """Change the tensors of the weights."""
    return tensors(lambda: altered(change))


KEYS = list(description())
UNREADABLE = {
    "nothing": "",
    "a space": " ",
    "a brace": "{",
    "a bracket": "[",
    "a word": "hello",
    "half a value": '{"model": ',
    "no quotes": "{model: unet}",
    "single quotes": "{'model': 'unet'}",
    "a comma too many": '{"format": 1,}',
    "two values": "{} {}",
    "YAML": "model: unet\nformat: 1\n",
    "XML": "<model>unet</model>",
    "zeros": b"\0" * 100,
    "UTF-16": json.dumps(description()).encode("utf-16"),
    "UTF-32": json.dumps(description()).encode("utf-32"),
    "Latin-1": b'{"model": "\xe9"}',
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(description()).encode(),
    "gzip": b"\x1f\x8b\x08" + bytes(40),
    "a pickle": b"\x80\x04\x95" + bytes(40),
    "brackets a hundred thousand deep": "[" * 100_000,
    "nested a hundred thousand deep": "[" * 100_000 + "]" * 100_000,
    "objects a hundred thousand deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a number of ten thousand digits": '{"format": ' + "9" * 10_000 + "}",
    "a control character": '{"model": "\x01"}',
    "a half surrogate escape": '{"model": "\\uZZZZ"}',
}
NO_CHECKPOINT = {
    "a list": "[1, 2]",
    "nothing in an object": "{}",
    "a number": "7",
    "null": "null",
    "NaN": "NaN",
    "a text": '"unet"',
    "true": "true",
    "a store's header": '{"format": 1, "n_shards": 2, "recipe": {}}',
    "a config": '{"name": "x", "train": {"model": "unet"}}',
    "a number of the format alone": '{"format": 1}',
    "a key twice, the last one wrong": json.dumps(description())[:-1] + ', "format": {}}',
}
FORMATS = [0, -1, 1.0, 2.0, "2", True, None, [], {}, [2]]
NEWER = [3, 4, 99, 10**12, 10**30]
WRONG = {
    "model": [None, 1, 1.5, True, [], {}, ["unet"]],
    "variant": [1, 0, 1.5, False, [], {}, ["narrow"]],
    "options": [None, 1, "width=1", [], [["width", 1]], True],
    "epoch": [None, "1", 1.5, [], {}, True, [1]],
    "metrics": [None, 1, "mae", [], {"mae": "low"}, {"mae": None}, {"mae": [1]}, {"mae": {}}],
    "history": [None, 1, "x", {}, [1], [[]], [None], ["mae"]],
    "config": [None, 1, "x", [], True],
    "data": [None, 1, "x", [], True],
    "conditions": [
        1,
        "x",
        [],
        True,
        {},
        {"shots": 5},
        {"shots": "5", "samples": 40, "receivers": 8},
        {"shots": 5.5, "samples": 40, "receivers": 8},
        {"shots": 5, "samples": None, "receivers": 8},
        {"shots": 5, "samples": 40, "receivers": [8]},
        {"shots": 5, "samples": 40, "receivers": 8, "traits": [1]},
        {"shots": 5, "samples": 40, "receivers": 8, "traits": {"rms": 1}},
        {"shots": 5, "samples": 40, "receivers": 8, "traits": {"rms": [1]}},
        {"shots": 5, "samples": 40, "receivers": 8, "traits": {"rms": [1, 2, 3]}},
        {"shots": 5, "samples": 40, "receivers": 8, "traits": {"rms": ["1", "2"]}},
        {"shots": 5, "samples": 40, "receivers": 8, "loudest": "0"},
        {"shots": 5, "samples": 40, "receivers": 8, "loudest": ["0"]},
        {"shots": 5, "samples": 40, "receivers": 8, "velocity": [1500]},
        {"shots": 5, "samples": 40, "receivers": 8, "recording": [15]},
    ],
}


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


OPTIONS: list[tuple[str, Any, str]] = [
    *[("width", n, "width") for n in (10**6, 10**9, 10**30, -(10**6), 8193)],
    *[("width", n, "width") for n in (None, "1", [], [1], {}, True, 1.5, 0, -1)],
    *[("n_shots", n, "n_shots") for n in (0, -1, 10**6, 10**9, 5.0, "5", None, [5], True)],
    *[("gain", g, "gain") for g in (0, -1, -0.5, "10", [10], {}, 1e300, float("nan"))],
    *[("gain", g, "gain") for g in (float("inf"), -float("inf"), True)],
    *[("n_families", n, "n_families") for n in (-1, 1, 9, 10**6, 10**9, 10.0, "ten", None)],
    *[("confidence", c, "confidence") for c in ("yes", 1, 0, None, [], {}, "false")],
    *[("norm", c, "norm") for c in ("yes", 1, None, [])],
    *[("output", o, "output") for o in ("tanh", "", 1, None, [], "LINEAR")],
    *[("map_shape", s, "map_shape") for s in (70, [70], [70, 70, 70], "70", None, {}, [8, "8"])],
    *[("map_shape", s, "map_shape") for s in ([0, 8], [-8, 8], [8, 10**6], [8.0, 8], [7, 8])],
    *[("map_shape", s, "map_shape") for s in ([8, 1025], [[8], 8], [8, None], [True, 8])],
    ("pretrained", True, "pretrained"),
    ("pretrained", False, "pretrained"),
    ("pretrained", "/etc/passwd", "pretrained"),
    ("checkpoint_path", "/etc/passwd", "checkpoint_path"),
    ("cache_dir", "/tmp", "cache_dir"),
    ("pretrained_cfg_overlay", {"file": "x.pth"}, "pretrained_cfg_overlay"),
    ("encoder_options", {"checkpoint_path": "x"}, "checkpoint_path"),
    ("encoder_options", {"pretrained_cfg": {"url": "x"}}, "pretrained_cfg"),
    ("wings", 2, "wings"),
    ("name", "unet", "name"),
    ("variant", "wide", "variant"),
    ("self", 1, "self"),
    ("body", 1, "body"),
    ("", 1, "option"),
    ("widht", 1, "did you mean 'width'"),
    ("encoder_options", _deep(8), "nested"),
    ("encoder_options", _deep(90), "nested"),
    ("encoder_options", _deep(300), "recursion"),
    ("encoder_options", {str(i): 1 for i in range(300)}, "fewer"),
    ("x", [[[[[[1]]]]]], "nested"),
    ("x", list(range(300)), "fewer"),
    ("x", 10**400, "unknown option"),
    ("depth", 10**6, "depth"),
    ("trunk_options", {"depth": 10**6}, "depth"),
]
CUTS = [0, 1, 7, 8, 9, 50, 100, 1000, 5000, 20_000, -1, -4, -1000]


def header(entries: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """Build a safetensors file by hand."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(shape: Any = (1,), offsets: Any = (0, 4), dtype: Any = "F32") -> dict[str, Any]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


UNREADABLE_TENSORS = {
    "random bytes": bytes(range(256)) * 4,
    "zeros": bytes(1000),
    "text": b"weights " * 100,
    "a zip file, as torch.save writes": b"PK\x03\x04" + bytes(200),
    "a .npy file": b"\x93NUMPY\x01\x00" + bytes(120),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "a header of 2^63 bytes": header({}, length=2**63),
    "a header of a gigabyte": header({}, length=2**30),
    "a header longer than the file": header({}, length=50),
    "a header that is no JSON": header(b"{weights}"),
    "a header that is a list": header([1, 2]),
    "a header that is null": header(None),
    "a header of brackets": header(b"[" * 10_000),
    "an unknown dtype": header(entry(dtype="F99"), bytes(4)),
    "a dtype that is a number": header(entry(dtype=32), bytes(4)),
    "a shape that is a text": header(entry(shape="1"), bytes(4)),
    "a negative shape": header(entry(shape=[-1]), bytes(4)),
    "a shape of fractions": header(entry(shape=[1.5]), bytes(4)),
    "a shape that overflows": header(entry(shape=[2**40, 2**40]), bytes(4)),
    "a shape of a terabyte": header(entry(shape=[2**38]), bytes(4)),
    "offsets the wrong way": header(entry(offsets=[4, 0]), bytes(4)),
    "offsets beyond the file": header(entry(offsets=[0, 400], shape=[100]), bytes(4)),
    "negative offsets": header(entry(offsets=[-4, 0]), bytes(4)),
    "one offset": header(entry(offsets=[0]), bytes(4)),
    "bytes that no tensor owns": header(entry(), bytes(400)),
    "overlapping tensors": header({**entry(), "b": entry()["a"]}, bytes(4)),
    "an entry that is a number": header({"a": 1}, bytes(4)),
}


def first(state: dict[str, torch.Tensor]) -> str:
    """Name a tensor that is a matrix and not square, which transposed would fit."""
    return next(k for k, t in state.items() if t.ndim > 1 and t.shape[0] != t.shape[1])


def put(make: Callable[[torch.Tensor], torch.Tensor]) -> Make:
    """Change one matrix."""
    return changed(lambda s: s.update({first(s): make(s[first(s)]).contiguous()}))


def spoil(value: float) -> Make:
    """Put one value in a matrix."""

    def change(state: dict[str, torch.Tensor]) -> None:
        state[first(state)].view(-1)[-1] = value

    return changed(change)


FIT = "do not fit their model"
OTHER_TENSORS: list[tuple[str, Make, str]] = [
    ("no tensor at all", tensors(lambda: save({})), FIT),
    ("one tensor of another name", tensors(lambda: save({"a": torch.ones(2)})), FIT),
    ("one tensor missing", changed(lambda s: s.pop(first(s))), "got none"),
    ("all but one missing", changed(lambda s: [s.pop(k) for k in list(s)[1:]]), FIT),
    ("one tensor more", changed(lambda s: s.update(more=torch.ones(2))), "more must be absent"),
    ("a name of a thousand letters", changed(lambda s: s.update({"a" * 1000: torch.ones(1)})), FIT),
    ("names with a prefix", tensors(lambda: save(_prefixed("module."))), FIT),
    ("names in upper case", tensors(lambda: save(_prefixed("", str.upper))), FIT),
    ("a matrix transposed", put(lambda t: t.transpose(0, 1)), FIT),
    ("a matrix flattened", put(lambda t: t.flatten()), FIT),
    ("a matrix with a row more", put(lambda t: torch.cat([t, t])), FIT),
    ("a matrix empty", put(lambda t: t[:0]), FIT),
    ("a matrix that is a scalar", put(lambda t: t.sum()), FIT),
    ("a matrix of a million rows", put(lambda t: torch.ones(10**6, 1)), FIT),
    ("a NaN", spoil(float("nan")), "must be finite"),
    ("an infinity", spoil(float("inf")), "must be finite"),
    ("a negative infinity", spoil(-float("inf")), "must be finite"),
    ("int64 weights", put(lambda t: t.long()), "got torch.int64"),
    ("int8 weights", put(lambda t: t.to(torch.int8)), "got torch.int8"),
    ("truth values", put(lambda t: t > 0), "got torch.bool"),
    ("float8 weights", put(lambda t: t.to(torch.float8_e4m3fn)), "float8"),
    ("float counters", changed(lambda s: s.update(_counters(s))), "must hold torch.int64"),
]


def _prefixed(prefix: str, rename: Callable[[str], str] = str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load as read

    return {prefix + rename(key): tensor for key, tensor in read(weights()).items()}


def _counters(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: t.float() for k, t in state.items() if not t.is_floating_point()}


def _place(kind: str) -> Make:
    """Put something that is no file where a file belongs."""

    def make(folder: Path) -> Callable[[], Any]:
        path = lay(folder)
        name, what = kind.split(" ", 1)
        file = path / name
        file.unlink()
        if what == "folder":
            file.mkdir()
        elif what == "fifo":
            os.mkfifo(file)
        elif what == "link to itself":
            file.symlink_to(file)
        elif what == "link to nothing":
            file.symlink_to(folder / "none")
        elif what == "link to a device":
            file.symlink_to("/dev/zero")
        return lambda: load(path, device="cpu")

    return make


PLACES = [
    f"{name} {what}"
    for name in ("checkpoint.json", "weights.safetensors")
    for what in ("folder", "fifo", "link to itself", "link to nothing", "link to a device", "gone")
]
PATHS: list[tuple[str, Make, str]] = [
    ("a folder that is not there", lambda f: lambda: load(f / "none"), "is not a checkpoint"),
    ("an empty folder", lambda f: lambda: load(f), "is not a checkpoint"),
    ("a number", lambda f: lambda: load(7), "path"),
    ("None", lambda f: lambda: load(None), "path"),
    ("bytes", lambda f: lambda: load(b"default"), "path"),
    ("an empty name", lambda f: lambda: load(""), "a checkpoint must be a path"),
    ("default misspelt", lambda f: lambda: load("defualt"), "defualt is not a checkpoint"),
    ("the JSON itself", lambda f: partial(load, lay(f) / "checkpoint.json"), "not a checkpoint"),
]


def _format_1(folder: Path) -> Callable[[], Any]:
    values = description() | {"format": 1}
    del values["conditions"]
    return content(json.dumps(values))(folder)


def _all_of(dtype: torch.dtype) -> Make:
    def cast(state: dict[str, torch.Tensor]) -> None:
        state.update({k: t.to(dtype) for k, t in state.items() if t.is_floating_point()})

    return changed(cast)


TAKEN: list[tuple[str, Make]] = [
    ("as it is", content(json.dumps(description()))),
    ("format 1, without conditions", _format_1),
    ("no conditions known", said(conditions=None)),
    ("no variant named", said(variant=None)),
    ("whole numbers as metrics", said(metrics={"mae": 190})),
    ("NaN in the metrics", said(metrics={"mae": float("nan")})),
    ("unknown traits", said(conditions={**description()["conditions"], "traits": {"x": [0, 1]}})),
    (
        "a recording that is none",
        said(
            conditions={
                "shots": 5,
                "samples": 40,
                "receivers": 8,
                "recording": {"frequency": "loud"},
            }
        ),
    ),
    ("float16 weights", _all_of(torch.float16)),
    ("bfloat16 weights", _all_of(torch.bfloat16)),
    ("float64 weights", _all_of(torch.float64)),
    (
        "keys in another order",
        lambda f: content(json.dumps(dict(reversed(description().items()))))(f),
    ),
    ("indented by tabs", content(json.dumps(description(), indent="\t"))),
]
CASES = [
    *[Case(f"JSON: {n}", content(c), ("not readable JSON",)) for n, c in UNREADABLE.items()],
    *[Case(f"JSON: {n}", content(c), ("must hold the keys",)) for n, c in NO_CHECKPOINT.items()],
    Case("JSON of 17 MB", content(" " * (17 << 20)), ("at most", "bytes")),
    *[Case(f"without {key}", without(key), ("must hold the keys", key)) for key in KEYS],
    Case("one key more", said(more=1), ("must hold the keys",)),
    *[Case(f"format {f!r}", said(format=f), ("must hold the keys",)) for f in FORMATS],
    *[Case(f"format {f}", said(format=f), ("this version reads 2",)) for f in NEWER],
    *[
        Case(f"{key} {value!r}", said(**{key: value}), (key, "checkpoint.json"))
        for key, values in WRONG.items()
        for value in values
    ],
    *[
        Case(f"option {key} {value!r:.40} ({i})", options(**{key: value}), (words, "one"))
        for i, (key, value, words) in enumerate(OPTIONS)
    ],
    Case("unknown model", said(model="physics_unett"), ("did you mean 'physics_unet'",)),
    Case("a model by path", said(model="../unet"), ("unknown model",)),
    Case("no model", said(model=""), ("unknown model",)),
    Case("unknown variant", said(variant="narow"), ("did you mean 'narrow'",)),
    Case("another model's weights", said(model="unet", variant=None, options={}), (FIT,)),
    Case("another variant's weights", said(options={"map_shape": [8, 8]}), (FIT,)),
    Case("another size's weights", options(map_shape=[70, 70]), (FIT,)),
    Case("channels of a thousand", options(width=1000), (FIT,)),
    Case("channels of eight thousand", options(width=8192), (FIT,)),
    *[
        Case(f"weights cut at {n}", tensors(lambda n=n: weights()[:n]), ("not a readable",))
        for n in CUTS
    ],
    *[
        Case(f"weights: {n}", tensors(lambda c=c: c), ("weights.safetensors",))
        for n, c in UNREADABLE_TENSORS.items()
    ],
    *[Case(f"weights: {n}", make, (words,)) for n, make, words in OTHER_TENSORS],
    *[Case(kind, _place(kind), ("one",)) for kind in PLACES],
    *[Case(f"load of {n}", make, (words,)) for n, make, words in PATHS],
    *[Case(f"taken: {n}", make) for n, make in TAKEN],
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_checkpoint(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
