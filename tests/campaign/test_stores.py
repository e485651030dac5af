"""Stores whose description, catalog or shards are damaged, hostile or oddly named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import stores
from cases import Case
from stores import altered, cut, described, flip, grow, no_file, of_shard, put, write_store

from fwi.data.shards import Shard, make_store
from fwi.data.store import Store
from fwi.data.writer import StoreWriter, store_writer

Damage = Callable[[Path], None]
HEADER = {"format": 1, "n_shards": 2, "recipe": stores.RECIPE}


def read(store: Path) -> None:
    """Read all that a store holds."""
    opened = Store(store)
    opened.gathers(range(6))
    assert np.array_equal(opened.maps(range(6)), stores.expected_maps())


def reading(name: str, damage: Damage, *says: str) -> Case:
    """A damaged store is read."""

    def make(folder: Path) -> Callable[[], None]:
        damage(write_store(folder / "store"))
        return lambda: read(folder / "store")

    return Case(name, make, says)


def header(**changes: object) -> Damage:
    """Another value in store.json; `...` takes it away."""
    values = {key: value for key, value in (HEADER | changes).items() if value is not ...}
    return described(json.dumps(values).encode())


# ---- store.json ----

NO_STORE = "does not describe a store"
DESCRIPTIONS = [
    reading(f"description of {name}", described(content), "store.json", NO_STORE)
    for name, content in {
        "nothing": b"",
        "a brace": b"{",
        "a list": b"[]",
        "null": b"null",
        "a number": b"1",
        "text": b'"store"',
        "no JSON": b"format: 1",
        "bytes that are no text": b"\xff\xfe{}",
        "UTF-16": json.dumps(HEADER).encode("utf-16"),
        "UTF-8 with a mark": b"\xef\xbb\xbf" + json.dumps(HEADER).encode(),
        "lists in lists": b"[" * 100_000,
        "closed lists in lists": b"[" * 100_000 + b"]" * 100_000,
        "objects in objects": b'{"a":' * 50_000,
        "a number of 5,000 digits": b'{"format": ' + b"1" * 5000 + b"}",
        "a comma too many": b'{"format": 1,}',
        "two values": b"{} {}",
        "zeros": bytes(100),
        "half": json.dumps(HEADER).encode()[:20],
    }.items()
]
DESCRIPTIONS += [
    reading(f"description without {key}", header(**{key: ...}), "store.json", NO_STORE)
    for key in HEADER
]
DESCRIPTIONS += [
    reading(f"format {value!r}", header(format=value), "must be of format 1", str(value)[:20])
    for value in (0, 2, -1, 99, "1", 1.0, 1.5, True, None, [1], {"v": 1}, 10**30, "../x")
]
DESCRIPTIONS += [
    reading(f"n_shards {value!r}", header(n_shards=value), "n_shards of 1 or more", str(value)[:20])
    for value in (0, -1, -(10**20), 1.5, "2", None, True, [2])
]
DESCRIPTIONS += [
    reading(f"n_shards {value} for 2", header(n_shards=value), "shards", f"0 to {value - 1}", "got")
    for value in (1, 3, 10**12)
]
DESCRIPTIONS += [
    reading(f"recipe {value!r}", header(recipe=value), "recipe", type(value).__name__)
    for value in (None, [], "made", 1, True)
]
DESCRIPTIONS += [
    reading(
        f"description is a {kind}",
        lambda store, kind=kind: no_file(kind)(store / "store.json"),
        "store.json",
    )
    for kind in ("folder", "pipe", "socket", "link to nothing", "link to itself")
]
DESCRIPTIONS.append(
    reading("description of 65 MB", lambda s: grow(s / "store.json", 65 * 2**20), NO_STORE)
)

# ---- the catalog ----


def column(name: str, change: Callable[[pl.Expr], pl.Expr]) -> Damage:
    """Another column of the catalog."""
    return altered(lambda frame: frame.with_columns(change(pl.col(name)).alias(name)))


def cell(name: str, place: int, value: object) -> Damage:
    """Another value in a cell of the catalog."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        values = frame[name].to_list()
        values[place] = value
        return frame.with_columns(pl.Series(name, values, frame[name].dtype))

    return altered(change)


COLUMNS = ["sample_id", "family", "fold", "shard", "row", "origin", "checksum"]
NUMBERS = ["fold", "shard", "row", "checksum"]
CATALOGS = [
    reading(f"no column {name}", altered(lambda f, name=name: f.drop(name)), "lacks", name)
    for name in COLUMNS
]
CATALOGS += [
    reading(
        f"column in capitals: {name}", altered(lambda f, n=name: f.rename({n: n.upper()})), name
    )
    for name in COLUMNS
]
CATALOGS += [
    reading(f"null {name} at {place}", cell(name, place, None), name, "must be known", "1 nulls")
    for name in COLUMNS
    for place in (0, 5)
]
CATALOGS += [
    reading(
        f"{name} as {dtype}",
        column(name, lambda c, dtype=dtype: c.cast(dtype)),
        name,
        "must be",
        str(dtype),
    )
    for name in NUMBERS
    for dtype in (pl.Int64, pl.Float64, pl.String, pl.UInt64)
]
CATALOGS += [
    reading(f"{name} as {kind}", column(name, change), name, "must be String, got", kind)
    for name in ("sample_id", "family", "origin")
    for kind, change in {
        "Categorical": lambda c: c.cast(pl.Categorical),
        "Binary": lambda c: c.cast(pl.Binary),
        "List": lambda c: c.implode().over(pl.int_range(pl.len())),
        "Null": lambda c: pl.lit(None),
    }.items()
]
CATALOGS += [
    reading(f"{name} {value} at {place}", cell(name, place, value), name, "of shard", "must be")
    for name, value in (("row", -1), ("row", -3), ("row", 3), ("row", 2**31 - 1), ("row", -(2**31)))
    for place in (0, 2, 5)
]
CATALOGS += [
    reading(f"shard {value} at {place}", cell("shard", place, value), "must be", "shard")
    for value in (-1, 2, 7, 2**31 - 1, -(2**31))
    for place in (0, 5)
]
CATALOGS += [
    reading(f"{what}", altered(change), *says)
    for what, change, says in (
        ("row twice", lambda f: pl.concat([f, f[:1]]), ("sample_id", "repeat", "s0-0")),
        ("all rows twice", lambda f: pl.concat([f, f]), ("sample_id", "repeat")),
        ("no row", lambda f: f[:0], ("hold samples", "0 rows")),
        ("first row lost", lambda f: f[1:], ("rows of shard 0", "0 to 1", "1 to 2")),
        ("middle row lost", lambda f: pl.concat([f[:1], f[2:]]), ("rows of shard 0", "0 to 2")),
        ("last shard lost", lambda f: f[:3], ("shards", "0 to 1", "got 1 from 0 to 0")),
        ("first shard lost", lambda f: f[3:], ("shards", "0 to 1", "got 1 from 1 to 1")),
        ("a row shared", lambda f: f.with_columns(row=pl.lit(0, pl.Int32)), ("rows of shard",)),
        ("empty id", lambda f: f.with_columns(sample_id=pl.lit("")), ("must not be empty",)),
        ("one id", lambda f: f.with_columns(sample_id=pl.lit("a")), ("must not repeat", "'a'")),
        (
            "rows of the shards exchanged",
            lambda f: f.with_columns(shard=1 - pl.col("shard"), row=pl.col("row")),
            ("altered on disk", "s0-0"),
        ),
        (
            "rows exchanged",
            lambda f: f.with_columns(row=2 - pl.col("row")),
            ("altered on disk", "s0-0"),
        ),
        (
            "checksums of 0",
            lambda f: f.with_columns(checksum=pl.lit(0, pl.UInt32)),
            ("altered on disk", "s0-0"),
        ),
    )
]
CATALOG = "catalog.parquet"
LENGTHS = (0, 1, 4, 8, 12, 100, 500, -1, -4, -8, -9, -100)


def signed(damage: Damage) -> Damage:
    """Damage a catalog, with its checksum noted."""
    return lambda store: [damage(store / CATALOG), stores.sign(store)]


CATALOGS += [
    reading(f"catalog of {n} bytes", lambda s, n=n: cut(s / CATALOG, n), "catalog", "altered on")
    for n in LENGTHS
]
CATALOGS += [
    reading(f"catalog with byte {n} turned", lambda s, n=n: flip(s / CATALOG, n), "altered on disk")
    for n in (0, 3, 4, 5, 50, 120, 200, 400, 700, -1, -5, -8, -9, -60, -300)
]
CATALOGS += [
    reading(f"noted catalog of {n} bytes", signed(lambda f, n=n: cut(f, n)), "not readable parquet")
    for n in LENGTHS
]
CATALOGS += [
    reading(f"catalog of {what}", signed(lambda f, b=content: put(f, b)), "not readable parquet")
    for what, content in {
        "text": b"sample_id,family\n",
        "zeros": bytes(1000),
        "marks alone": b"PAR1PAR1",
        "a footer's length beyond the file": b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1",
        "a negative length": b"PAR1" + b"\xff\xff\xff\xff" + b"PAR1",
        "a zip": b"PK\x03\x04" + bytes(100),
        "JSON": b"[]",
    }.items()
]
CATALOGS += [
    reading(f"catalog is a {kind}", lambda s, k=kind: no_file(k)(s / CATALOG), *says)
    for kind, says in {
        "folder": (CATALOG, "got a folder"),
        "pipe": (CATALOG, "got a pipe"),
        "socket": (CATALOG, "got a pipe or device"),
        "link to nothing": ("is not finished", "run fwi prepare"),
        "link to itself": ("is not finished",),
    }.items()
]

# ---- shards ----


def saved(change: Callable[[np.ndarray], Any]) -> Damage:
    """Another array in a file."""

    def damage(file: Path) -> None:
        np.save(file, change(np.load(file)), allow_pickle=True)

    return damage


OTHER_ARRAYS: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "float64": (lambda a: a.astype(np.float64), ("must hold 3 samples", "f8")),
    "whole numbers": (lambda a: a.astype(np.int16), ("must hold 3 samples", "i2")),
    "bytes": (lambda a: a.astype(np.uint8), ("must hold 3 samples", "u1")),
    "big-endian": (lambda a: a.astype(a.dtype.newbyteorder(">")), ("must hold 3 samples", ">f")),
    "complex": (lambda a: a.astype(np.complex64), ("must hold 3 samples", "c8")),
    "truth values": (lambda a: a > 0, ("must hold 3 samples", "b1")),
    "text": (lambda a: a.astype("S4"), ("must hold 3 samples", "S4")),
    "times": (lambda a: a.astype("M8[s]"), ("must hold 3 samples", "M8")),
    "objects": (lambda a: a.astype(object), ("pickled Python objects",)),
    "Fortran's order": (np.asfortranarray, ("C order", "in Fortran's order")),
    "a sample less": (lambda a: a[:-1], ("must hold 3 samples", "(2,")),
    "a sample more": (lambda a: np.concatenate([a, a[:1]]), ("must hold 3 samples", "(4,")),
    "no sample": (lambda a: a[:0], ("must hold 3 samples", "(0,")),
    "one number": (lambda a: a.ravel()[0], ("samples", "()")),
    "one axis": (lambda a: a.reshape(-1), ("must hold 3 samples",)),
    "an axis less": (lambda a: a[..., 0].copy(), ("must be (3, ", "got (3, ")),
    "an axis more": (lambda a: a[..., None], ("must be (3, ", ", 1)")),
    "an empty axis": (lambda a: a[..., :0], ("must be (3, ", ", 0)")),
    "a column less": (lambda a: a[..., 1:].copy(), ("must be (3, ", "got (3, ")),
    "a sample altered": (lambda a: a + 1, ("altered on disk", "s1-0")),
    "its samples exchanged": (lambda a: a[::-1].copy(), ("altered on disk", "s1-0")),
}
SHARDS = [
    reading(
        f"{name} of {what}", of_shard(f"{name}.npy", saved(change)), *says,
        *(() if "altered on disk" in says or "pickled Python objects" in says else (name,)),
    )
    for name in ("gathers", "maps")
    for what, (change, says) in OTHER_ARRAYS.items()
]  # fmt: skip
SHARDS += [
    reading(f"{name} of the first shard: {what}", of_shard(f"{name}.npy", saved(change), 0), *says)
    for name in ("gathers", "maps")
    for what, change, says in (
        ("an axis less", lambda a: a[..., 0].copy(), ("must be (3, n",)),
        ("an axis more", lambda a: a[..., None], ("must be (3, n",)),
        ("a column less", lambda a: a[..., 1:].copy(), ("altered on disk", "s0-0")),
    )
]
SHARDS += [
    reading(f"{name} {what}", of_shard(f"{name}.npy", change), *says)
    for name in ("gathers", "maps")
    for what, change, says in (
        *(
            (f"cut to {n}", lambda f, n=n: cut(f, n), (f"{name}.npy", said))
            for n, said in (
                (-1, "cut short"),
                (-100, "cut short"),
                (128, "cut short"),
                (127, "not a readable"),
                (10, "not a readable"),
                (0, "not a readable"),
            )
        ),
        *(
            (f"with byte {n} turned", lambda f, n=n: flip(f, n), ("altered on disk", "s1-"))
            for n in (128, 129, 200, -1, -2, -50)
        ),
        ("gone", lambda f: f.unlink(), (f"{name}.npy does not exist",)),
        ("as a folder", no_file("folder"), (f"{name}.npy", "got a folder")),
        ("as a pipe", no_file("pipe"), (f"{name}.npy", "got a pipe")),
        ("as a link to nothing", no_file("link to nothing"), (f"{name}.npy does not exist",)),
    )
]
SHARDS.append(
    reading("a shard gone", lambda s: shutil.rmtree(s / "shards" / "00001"), "does not exist")
)

# ---- what is taken ----


def taking(name: str, damage: Damage) -> Case:
    return reading(name, damage)


TAKEN = [
    taking("a column more", altered(lambda f: f.with_columns(note=pl.lit("x")))),
    taking("columns in another order", altered(lambda f: f.select(f.columns[::-1]))),
    taking("a key more in the description", header(author="me")),
    taking("no checksum of the catalog, as stores once had none", header()),
    taking("a description with line breaks", described(json.dumps(HEADER, indent=8).encode())),
    taking("an empty recipe", header(recipe={})),
    taking("a file beside", lambda s: (s / "notes.txt").write_text("mine")),
    taking("no catalogs in the shards", of_shard("catalog.parquet", Path.unlink)),
    taking("a longer file", lambda s: grow(s / "shards" / "00001" / "maps.npy", 100_000)),
]
NAMES = [
    "[1]", "[a-z]", "*", "?", "a{b,c}", "$_{", "$HOME", "%20", "fold=1", "-store", "#1", "~",
    "~root", "a b", " ", "Geschwindigkeit-ä", "速度", "'quoted'", '"quoted"', "a\\b", "a;b", "a&b",
    "store.json", "x.parquet", "s3:", "http:", "!", "(1)", "..a", "line\nbreak", "\t", "\u0301",
]  # fmt: skip


def named(name: str) -> Case:
    def make(folder: Path) -> Callable[[], None]:
        path = write_store(folder / name / "store")
        return lambda: read(path)

    return Case(f"in a folder named {name!r}", make)


TAKEN += [named(name) for name in NAMES]

# ---- writers ----


def again(path: Path, recipe: dict | None = None, *, force: bool = False, n: int = 2) -> None:
    """Write the store, or what it lacks."""
    with store_writer(path, recipe or stores.RECIPE, n, force=force) as writer:
        for shard in writer.missing():
            rows, arrays = stores.contents(shard)
            writer.write(shard, rows, **arrays)
        writer.finish()


def writing(name: str, prepare: Damage, *says: str, **options: Any) -> Case:
    """A store is written where something is."""

    def make(folder: Path) -> Callable[[], None]:
        prepare(folder / "store")
        return lambda: again(folder / "store", **options)

    return Case(name, make, says, check=None if says else lambda folder: read(folder / "store"))


def damaged(damage: Damage) -> Damage:
    """What makes a store and damages it."""
    return lambda path: damage(write_store(path))


def lose(path: Path, *names: str) -> None:
    """Take a store's parts away."""
    for name in names:
        part = path / name
        shutil.rmtree(part) if part.is_dir() else part.unlink()


def _begun(path: Path) -> None:
    with StoreWriter(path, {"another": 1}, 7).claim():
        pass


WRITTEN = [
    writing("where a file is", lambda p: p.write_text("mine"), "store", "got a file"),
    writing("where a link to itself is", no_file("link to itself"), "store"),
    writing("where other files are", lambda p: write_store(p / "inner"), "holds no store"),
    writing("where shards alone are", damaged(lambda p: lose(p, "store.json")), "no store"),
    writing("other recipe", write_store, "made otherwise", "--force", recipe={"seed": 2}),
    writing("other number of shards", write_store, "made otherwise", n=3),
    writing("recipe of another type", write_store, "made otherwise", recipe={"seed": "1"}),
    writing("recipe of one key more", write_store, "made otherwise", recipe={"seed": 1, "b": 2}),
    writing("damaged description", damaged(described(b"{")), "does not describe a store"),
    writing("description of format 2", damaged(header(format=2)), "format 1", "'2'"),
    writing("damaged shard's catalog", damaged(lambda p: [
        lose(p, CATALOG), put(p / "shards" / "00000" / CATALOG, b"PAR1")]), "not readable parquet"),
    writing("shard's catalog gone", damaged(lambda p: lose(p, CATALOG, f"shards/00000/{CATALOG}")),
            CATALOG, "does not exist"),
    writing("where nothing is", lambda _: None),
    writing("where an empty folder is", Path.mkdir),
    writing("where the same store is", write_store),
    writing("where its catalog is lost", damaged(lambda p: lose(p, CATALOG))),
    writing("where a shard is lost", damaged(lambda p: lose(p, "shards/00001"))),
    writing("where a shard and the catalog are lost",
            damaged(lambda p: lose(p, "shards/00000", CATALOG))),
    writing("where all shards are lost", damaged(lambda p: lose(p, "shards"))),
    writing("where another store was begun, and nothing of it made", _begun),
    writing("where a damaged description is alone",
            damaged(lambda p: [lose(p, "shards", CATALOG), put(p / "store.json", b"{")])),
    writing("where a link to a folder is", lambda p: [
        (p.parent / "disk").mkdir(), p.symlink_to("disk")]),
    writing("by force where a link to a store is", lambda p: [
        write_store(p.parent / "disk"), p.symlink_to("disk")], force=True),
    writing("by force over another recipe", write_store, recipe={"seed": 2}, force=True),
    writing("by force over damage", damaged(described(b"{")), force=True),
    writing("by force over format 2", damaged(header(format=2)), force=True),
    writing("by force over another folder", lambda p: write_store(p / "inner"), "holds no store",
            force=True),
]  # fmt: skip

# ---- sources ----


def plan(folder: Path) -> list[Shard]:
    """Two shards, a file each."""

    def shard(i: int) -> Shard:
        file = folder / f"{i}.npy"
        rows, _ = stores.contents(i)
        return Shard(rows, lambda _: {"maps": np.load(file)}, (file,))

    return [shard(0), shard(1)]


def sourced(name: str, change: Damage, *says: str, unfinished: bool = False) -> Case:
    """Files are changed after a store was made of them, and it is made again."""

    def make(folder: Path) -> Callable[[], None]:
        for i in range(2):
            np.save(folder / f"{i}.npy", stores.contents(i)[1]["maps"])
        make_store("test", folder / "store", {}, plan(folder), force=False)
        if unfinished:
            lose(folder / "store", CATALOG, "shards/00001")
        change(folder / "0.npy")
        return lambda: make_store("test", folder / "store", {}, plan(folder), force=False)

    def check(folder: Path) -> None:
        assert np.array_equal(Store(folder / "store").maps(range(6)), stores.expected_maps())

    return Case(name, make, says, check=None if says else check)


def touch(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)


def cell_of_file(place: int) -> Damage:
    def change(file: Path) -> None:
        array = np.load(file)
        array.reshape(-1)[place] += 1
        np.save(file, array)

    return change


SOURCES = [
    sourced(f"source {what}{', unfinished' * unfinished}", change, *says, unfinished=unfinished)
    for unfinished in (False, True)
    for what, change, says in (
        ("unchanged", lambda file: None, ()),
        ("touched", touch, ()),
        ("copied as float64", saved(lambda a: a.astype(np.float64)), ()),
        ("in another order of bytes", saved(lambda a: a.astype(">f4")), ()),
        ("in Fortran's order", saved(np.asfortranarray), ()),
        ("first value changed", cell_of_file(0), ("0.npy was changed", "--force")),
        ("last value changed", cell_of_file(-1), ("0.npy was changed", "--force")),
        ("replaced", saved(lambda a: a * 1.01), ("0.npy was changed",)),
        ("a sample longer", saved(lambda a: a[[0, 1, 2, 0]]), ("maps of shard 0", "(4, 70, 70)")),
        ("with a NaN", saved(lambda a: a * np.nan), ("maps of shard 0", "finite")),
        ("gone", Path.unlink, ("0.npy",)),
    )
]

# ---- the command line ----


def submitting(name: str, damage: Damage, *says: str) -> Case:
    def make(folder: Path) -> list[object]:
        damage(write_store(folder / "maps", "maps"))
        return ["submit", folder / "maps", "--out", folder / "new" / "a.csv"]

    return Case(f"submit: {name}", make, says)


COMMANDS = [
    submitting("doubled id", cell("sample_id", 1, "s0-0"), "must not repeat", "s0-0"),
    submitting("null id", cell("sample_id", 4, None), "sample_id", "1 nulls"),
    submitting("all ids null", column("sample_id", lambda c: pl.lit(None, pl.String)), "6 nulls"),
    submitting("no predictions", lambda p: shutil.rmtree(p), "does not exist", "run fwi infer"),
    submitting("unfinished", lambda p: lose(p, CATALOG), "is not finished", "run fwi infer"),
    submitting("negative row", cell("row", 0, -1), "rows of shard 0"),
    submitting("another format", header(format=3), "format 1", "3"),
    submitting("bit turned", of_shard("maps.npy", lambda f: flip(f, 5000)), "altered on disk"),
    submitting("cut", of_shard("maps.npy", lambda f: cut(f, -1)), "cut short"),
    submitting("maps gone", lambda p: [lose(p, f"shards/0000{i}/maps.npy") for i in (0, 1)],
               "must hold velocity maps", "fwi infer"),
    submitting("other maps in one shard", of_shard("maps.npy", saved(lambda a: a[:, 1:].copy())),
               "maps of shard 1", "(3, 69, 70)"),
    submitting("description is a list", described(b"[]"), "does not describe a store"),
]  # fmt: skip


def commands(name: str, *says: str, options: tuple[str, ...] = ()) -> Case:
    def make(folder: Path) -> list[object]:
        store = write_store(folder / "store")
        cell("row", 2, -1)(store)
        return [name, *(o.format(store=store, folder=folder) for o in options)]

    return Case(f"{name} of a store with a negative row", make, says)


WRONG = ("rows of shard 0", "0 to 2", "-1 to 1")
COMMANDS += [
    commands("infer", *WRONG, options=("{store}", "--out", "{folder}/out", "-k", "default")),
    commands("refine", *WRONG, options=("{store}", "--out", "{folder}/out")),
    commands("simulate", *WRONG, options=("{store}", "--store", "{folder}/out")),
    commands("leaderboard", *WRONG, options=("--store", "{store}", "--runs", "{folder}/runs")),
]


CASES = [*DESCRIPTIONS, *CATALOGS, *SHARDS, *TAKEN, *WRITTEN, *SOURCES, *COMMANDS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_store(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
