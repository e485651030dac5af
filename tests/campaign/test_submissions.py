"""Submissions: what is written, what is read, and every fault of either."""

import gzip
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from cases import Case

from fwi.competition import submission
from fwi.data.writer import StoreWriter

N = 3
IDS = ["a", "b", "c"]
MAPS = np.random.default_rng(0).uniform(1500, 4500, (N, 70, 70)).astype(np.float32).astype(float)
HEADER = ",".join(["oid_ypos", *(f"x_{i}" for i in range(1, 70, 2))])
ROUNDING = 0.005 + 0.0005  # two decimals, then float32 near 4,500 m/s


def rows(ids: Sequence[str] = IDS) -> list[str]:
    """The lines of a submission."""
    values = ",".join(["3000.0"] * 35)
    return [HEADER, *(f"{oid}_y_{row},{values}" for oid in ids for row in range(70))]


def text(lines: list[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def scored(maps: Any, atol: float = ROUNDING) -> Callable[[Path], None]:
    """What was written must be the odd columns of maps."""

    def check(folder: Path) -> None:
        ids, values = submission.read(folder / "a.csv")
        assert ids == IDS
        np.testing.assert_allclose(values, np.asarray(maps, float)[..., 1::2], rtol=0, atol=atol)

    return check


def writing(
    name: str,
    velocity: Any,
    *says: str,
    ids: Any = IDS,
    file: str = "a.csv",
    warns: tuple[str, ...] = (),
    check: Callable[[Path], None] | None = None,
) -> Case:
    """Maps are written."""

    def make(folder: Path) -> Callable[[], None]:
        return lambda: submission.write(folder / file, ids, velocity)

    return Case(f"maps: {name}", make, says, warns, check)


# ---- maps and ids ----

T = torch.from_numpy(MAPS)
EXACT = [
    ("float64", MAPS), ("float32", MAPS.astype(np.float32)), ("big-endian", MAPS.astype(">f4")),
    ("Fortran's order", np.asfortranarray(MAPS)), ("a channel", MAPS[:, None]),
    ("a list of arrays", list(MAPS)), ("a tuple of arrays", tuple(MAPS)),
    ("lists of numbers", MAPS.tolist()), ("lists with a channel", MAPS[:, None].tolist()),
    ("a tensor of float64", T), ("a tensor of float32", T.float()),
    ("a tensor with a channel", T[:, None]), ("a list of tensors", list(T)),
    ("a tensor with a gradient", T.clone().requires_grad_()),
    ("a parameter", torch.nn.Parameter(T.float())),
    ("a tensor that is no C array", T.transpose(1, 2).contiguous().transpose(1, 2)),
    ("an array that runs backwards", MAPS[:, ::-1][:, ::-1]),
    ("a read-only array", np.broadcast_to(MAPS, MAPS.shape)),
    ("a masked array without a mask", np.ma.masked_array(MAPS)),
]  # fmt: skip
WRITTEN = [writing(name, maps, check=scored(MAPS)) for name, maps in EXACT]
WRITTEN += [
    writing(f"whole numbers of {dtype}", MAPS.astype(dtype), check=scored(MAPS.astype(dtype)))
    for dtype in ("i2", "i4", "i8", "u2", "u4", "u8", ">i4")
]
WRITTEN += [
    writing(f"a tensor of {dtype}", T.to(dtype), check=scored(T.to(dtype).double().numpy()))
    for dtype in (torch.float16, torch.bfloat16, torch.int16, torch.int32, torch.int64)
]
WRITTEN += [
    writing("float16", MAPS.astype(np.float16), check=scored(MAPS.astype(np.float16))),
    writing("long double", MAPS.astype(np.longdouble), check=scored(MAPS)),
]
WRITTEN += [
    writing(f"ids as {name}", MAPS, ids=ids, check=scored(MAPS))
    for name, ids in {
        "a NumPy array": np.array(IDS),
        "a NumPy array of objects": np.array(IDS, object),
        "a tuple": tuple(IDS),
        "a polars series": pl.Series(IDS),
        "the keys of a dictionary": dict.fromkeys(IDS).keys(),
    }.items()
]
WRITTEN += [
    writing(f"{what}", MAPS / by, warns=("should be in m/s", "km/s"), check=scored(MAPS / by))
    for what, by in (("in km/s", 1000), ("between 0 and 1", 4500), ("of nearly nothing", 1e9))
]


def with_cell(value: float, place: tuple[int, int, int] = (2, 69, 69)) -> np.ndarray:
    maps = MAPS.copy()
    maps[place] = value
    return maps


FINITE = ("velocity must be finite", "got 1 NaN or infinite")
REFUSED = [
    writing(f"{value} at {place}", with_cell(value, place), *FINITE, str(place))
    for value in (np.nan, np.inf, -np.inf)
    for place in ((0, 0, 0), (1, 35, 1), (2, 69, 68), (2, 69, 69))
]
REFUSED += [
    writing(f"a NaN in {name}", maps, "velocity must be finite")
    for name, maps in {
        "float16": with_cell(np.nan).astype(np.float16),
        "a tensor": torch.from_numpy(with_cell(np.nan)),
        "a tensor of bfloat16": torch.from_numpy(with_cell(np.nan)).bfloat16(),
        "lists": with_cell(np.nan).tolist(),
        "a channel": with_cell(np.nan)[:, None],
    }.items()
]
REFUSED += [
    writing(f"shape {maps.shape}", maps, "velocity must be (3, 70, 70)", str(tuple(maps.shape)))
    for shape in (
        (3, 70), (3, 70, 69), (3, 69, 70), (3, 71, 71), (3, 2, 70, 70), (3, 70, 70, 1),
        (3, 1, 1, 70, 70), (3, 4900), (3, 35, 70), (3, 70, 35), (3, 0, 70), (3, 1, 70),
    )
    for maps in (np.full(shape, 2000.0),)
]  # fmt: skip
REFUSED += [
    writing(f"{n} maps for 3 ids", np.full((n, 70, 70), 2000.0), "3 ids for", f"{n} maps")
    for n in (0, 1, 2, 4, 70)
]
REFUSED += [
    writing("one map alone", MAPS[0], "3 ids for 70 maps"),
    writing("a number", 3000.0, "velocity must be maps", "float", "batch axis"),
    writing("None", None, "velocity must be maps", "NoneType"),
    writing("an array of no axis", np.array(3000.0), "velocity must be maps", "batch axis"),
    writing("a tensor of no axis", torch.tensor(3000.0), "velocity must be maps", "batch axis"),
    writing("a generator", (m for m in MAPS), "velocity must be maps", "generator"),
    writing("lists of other lengths", [[[1.0]], [[1.0, 2.0]], [[1.0]]], "ragged"),
    writing("maps of other sizes", [MAPS[0], MAPS[1, 1:], MAPS[2]], "ragged"),
    writing("masked cells", np.ma.masked_less(MAPS, 2000), "masked"),
    writing("a sparse tensor", T.to_sparse(), "dense tensor", "sparse"),
    writing("a tensor without values", T.to("meta"), "meta"),
]
REFUSED += [
    writing(f"values of {name}", maps, "velocity must hold real numbers")
    for name, maps in {
        "truth": MAPS > 2000,
        "complex numbers": MAPS.astype(complex),
        "text": MAPS.astype("U8"),
        "bytes": MAPS.astype("S8"),
        "objects": MAPS.astype(object),
        "times": MAPS.astype("M8[s]"),
        "a tensor of truth": T > 2000,
        "a tensor of complex numbers": T.to(torch.complex64),
        "None in lists": [[[None] * 70] * 70] * 3,
        "text in lists": [[["3000"] * 70] * 70] * 3,
    }.items()
]
REFUSED += [
    writing(f"ids of {name}", MAPS, *says, ids=ids)
    for name, ids, says in (
        ("one text", "abc", ("ids must be a sequence", "abc")),
        ("bytes", b"abc", ("ids must be a sequence",)),
        ("a number", 3, ("ids must be a sequence", "3")),
        ("None", None, ("ids must be a sequence", "None")),
        ("a None", ["a", None, "c"], ("ids must be text", "None", "at 1")),
        ("a null of polars", pl.Series(["a", "b", None]), ("ids must be text", "None", "at 2")),
        ("a NaN", ["a", "b", float("nan")], ("ids must be text", "nan", "at 2")),
        ("numbers", [1, 2, 3], ("ids must be text", "1", "int")),
        ("NumPy's numbers", np.arange(3), ("ids must be text", "int64")),
        ("bytes in a list", [b"a", b"b", b"c"], ("ids must be text", "bytes")),
        ("NumPy's bytes", np.array([b"a", b"b", b"c"]), ("ids must be text", "bytes")),
        ("paths", [Path("a"), Path("b"), Path("c")], ("ids must be text", "Path")),
        ("two axes", np.array([IDS]), ("ids must be text", "array", "at 0")),
        ("lists", [["a"], ["b"], ["c", "d"]], ("ids must be text", "['a']", "list")),
        ("two", ["a", "b"], ("2 ids for 3 maps",)),
        ("four", [*IDS, "d"], ("4 ids for 3 maps",)),
        ("none", [], ("0 ids for 3 maps",)),
        ("doubles", ["a", "b", "a"], ("must not repeat", "'a'")),
        ("one for all", ["a"] * 3, ("must not repeat", "'a'")),
        ("an empty one", ["a", "", "c"], ("must read <oid>_y_", "'_y_0'")),
        ("a line break", ["a", "b\nb", "c"], ("must read <oid>_y_",)),
        ("a carriage return", ["a", "b\rb", "c"], ("must read <oid>_y_",)),
        ("half a letter", ["a", "\ud800", "c"], ("UTF-8",)),
    )
]

# ---- names of files ----


def opened(path: Path) -> bytes:
    """The csv of a packed file, by other means."""
    if path.name.lower().endswith(".gz"):
        return gzip.decompress(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        [name] = archive.namelist()
        assert name.endswith(".csv")
        return archive.read(name)


def packed(file: str) -> Callable[[Path], None]:
    """What was packed must be what is written plain."""

    def check(folder: Path) -> None:
        submission.write(folder / "plain.csv", IDS, MAPS)
        content = (folder / file).read_bytes()
        assert content[:2] == (b"\x1f\x8b" if file.lower().endswith(".gz") else b"PK")
        assert opened(folder / file) == (folder / "plain.csv").read_bytes()
        assert submission.validate(folder / file, folder / "plain.csv") == 210
        assert submission.read(folder / file)[0] == IDS
        assert submission.sample_ids(folder / file) == IDS

    return check


FILES = [
    writing(f"into {name!r}", MAPS, file=name, check=packed(name))
    for name in ("a.csv.gz", "a.csv.zip", "a.zip", "A.CSV.GZ", "A.ZIP", "a.b.csv.gz", "[1].zip",
                 "$_{.csv.gz", "*.csv.zip", "ä.zip", ".csv.gz")
]  # fmt: skip
FILES += [
    writing(f"into {name!r}", MAPS, "must end in .csv, .csv.gz or .zip", name, file=name)
    for name in ("a", "a.txt", "a.csv.xz", "a.csv.bz2", "a.tar.gz", "a.gz", "a.csv.zst",
                 "a.parquet",
                 "a.csvx", "a.csv.", "csv", "a.csv.7z", "a.npy", "a.CSV.txt", "azip", "a.json")
]  # fmt: skip


FILES += [
    writing(f"into {name!r}", MAPS, file=name, check=lambda f, n=name: submission.validate(f / n))
    for name in ("[1].csv", "*.csv", "?.csv", "$_{.csv", "a{b,c}.csv", "%.csv", " .csv", ".csv",
                 "-a.csv", "A.CSV", "ä/速.csv", "fold=1/a.csv", "~/a.csv", "#.csv", "'.csv",
                 "a\\b.csv", "new/folders/a.csv", "a" * 200 + ".csv")
]  # fmt: skip

# ---- files that are read ----


def reading(name: str, content: bytes, *says: str, file: str = "s.csv", how: str = "both") -> Case:
    """A file is validated, or is the sample of another."""

    def make(folder: Path) -> Callable[[], None]:
        (folder / file).write_bytes(content)
        (folder / "whole.csv").write_bytes(text(rows()))

        def read() -> None:
            if how in ("both", "valid"):
                assert submission.validate(folder / file) == 210
            if how in ("both", "sample"):
                assert submission.sample_ids(folder / file) == IDS
                assert submission.validate(folder / "whole.csv", folder / file) == 210

        return read

    return Case(f"read {'' if how == 'both' else how + ' '}{name}", make, says)


LINES = rows()
BOM = b"\xef\xbb\xbf"
QUOTED = [",".join(f'"{cell}"' for cell in line.split(",")) for line in LINES]
TAKEN = [
    reading(name, content)
    for name, content in {
        "plain": text(LINES),
        "with a mark": BOM + text(LINES),
        "with the line ends of Windows": text(LINES, "\r\n"),
        "with a mark and the line ends of Windows": BOM + text(LINES, "\r\n"),
        "with a quoted header": text([QUOTED[0], *LINES[1:]]),
        "with a quoted header and a mark": BOM + text([QUOTED[0], *LINES[1:]]),
        "with quotes everywhere": text(QUOTED),
        "with quotes everywhere, of Windows": BOM + text(QUOTED, "\r\n"),
        "with quoted names": text([f'"{line.replace(",", chr(34) + ",", 1)}' for line in LINES]),
        "without an end of the last line": text(LINES)[:-1],
        "of whole numbers": text([line.replace(".0", "") for line in LINES]),
        "of powers": text([line.replace("3000.0", "3e3") for line in LINES]),
        "in another order": text([LINES[0], *LINES[1:71][::-1], *LINES[71:]]),
    }.items()
]  # fmt: skip
TAKEN += [
    reading("in gzip", gzip.compress(text(LINES)), file="s.csv.gz"),
    reading("in gzip of two parts",
            gzip.compress(text(LINES[:99])) + gzip.compress(text(LINES[99:])), file="s.csv.gz"),
]  # fmt: skip


def line(place: int, change: Callable[[str], str], end: str = "\n") -> bytes:
    """Another line."""
    lines = rows()
    lines[place] = change(lines[place])
    return text(lines, end)


def head(new: str) -> bytes:
    return text([new, *LINES[1:]])


COLUMNS = HEADER.split(",")
LACKS = "lacks the column"
FAULTS = [
    reading(f"header {name}", head(new), "s.csv", *says)
    for name, new, says in (
        ("empty", "", (LACKS, "oid_ypos")),
        ("of other names", "a,b", (LACKS, "oid_ypos")),
        ("in capitals", HEADER.upper(), (LACKS, "oid_ypos")),
        ("with blanks", HEADER.replace(",", ", "), (LACKS, "x_1")),
        ("with semicolons", HEADER.replace(",", ";"), (LACKS, "oid_ypos")),
        ("with tabs", HEADER.replace(",", "\t"), (LACKS, "oid_ypos")),
        ("with an index", "," + HEADER, ("must have the columns",)),
        ("with a column more", HEADER + ",x_71", ("must have the columns",)),
        ("with an empty column", HEADER + ",", ("must have the columns",)),
        ("doubled", HEADER + "," + HEADER, ("must have the columns",)),
        ("reversed", ",".join(COLUMNS[::-1]), ("must have the columns",)),
        ("with id last", ",".join([*COLUMNS[1:], COLUMNS[0]]), ("must have the columns",)),
        ("of even columns", ",".join(["oid_ypos", *(f"x_{i}" for i in range(0, 70, 2))]), (LACKS,)),
        ("of all columns", ",".join(["oid_ypos", *(f"x_{i}" for i in range(70))]), ("must have",)),
        ("with an open quote", '"' + HEADER, (LACKS,)),
        ("of a megabyte", "a" * 2**20, (LACKS, "oid_ypos")),
        ("with oid alone", HEADER.replace("oid_ypos", "oid"), (LACKS, "oid_ypos")),
    )
]
FAULTS += [
    reading(f"header without {column}", head(",".join(c for c in COLUMNS if c != column)), column)
    for column in ("oid_ypos", "x_1", "x_35", "x_69")
]
FAULTS += [
    reading(f"{name}", content, "s.csv", *says)
    for name, content, says in (
        ("nothing", b"", (LACKS,)),
        ("a mark alone", BOM, (LACKS,)),
        ("zeros", bytes(1000), (LACKS,)),
        ("UTF-16", text(LINES).decode().encode("utf-16"), (LACKS,)),
        ("the line ends of old Macs", text(LINES, "\r"), ("s.csv",)),
        ("gzip under a plain name", gzip.compress(text(LINES)), (LACKS,)),
        ("parquet under a plain name", b"PAR1" + bytes(100), (LACKS,)),
        ("no header", text(LINES[1:]), (LACKS, "oid_ypos")),
        ("header alone", text(LINES[:1]), ("has no rows",)),
        ("header twice", text([HEADER, *LINES]), ("s.csv",)),
        ("a blank line", text([*LINES, ""]), ("no oid_ypos", "row 211")),
        ("a blank line in the middle", text([*LINES[:80], "", *LINES[80:]]), ("no oid_ypos", "80")),
        ("a row without a name", line(5, lambda r: r[r.index(",") :]), ("no oid_ypos in row 5",)),
        ("a row twice", text([*LINES, LINES[7]]), ("'a_y_6' more than once",)),
        ("a map twice", text([*LINES, *LINES[71:141]]), ("more than once", "b_y_0")),
        ("half a map", text(LINES[:190]), ("lacks 21 rows", "'c_y_49'")),
        ("bytes that are no text", text(LINES[:-1]) + b"\xff\xfe_y_1" + b",1" * 35, ("s.csv",)),
        ("an open quote", line(9, lambda r: '"' + r), ("s.csv",)),
        ("a field too many", line(3, lambda r: r + ",1"), ("not a readable",)),
    )
]
FAULTS += [
    reading(f"lost row {place}", text([*LINES[:place], *LINES[place + 1 :]]), "lacks 1 rows", name)
    for place, name in ((1, "a_y_0"), (70, "a_y_69"), (100, "b_y_29"), (210, "c_y_69"))
]
FAULTS += [
    reading(
        f"row {new!r}", line(150, lambda r, n=new: r.replace("c_y_9", n)), "oid_ypos", shown
    )
    for new, shown in (
        ("c_y_70", "c_y_70"), ("c_y_-1", "c_y_-1"), ("c_y_09", "c_y_09"), ("c_y_9.0", "c_y_9.0"),
        ("c_y_", "c_y_"), ("c", "c"), ("c_y_9 ", "c_y_9 "), ("_y_9", "_y_9"), ("c_x_9", "c_x_9"),
        ("c_y_1e1", "c_y_1e1"), ("c-y-9", "c-y-9"), ("c_y_\u0663", "c_y_\u0663"), ("9", "9"),
        ("c_y_" + "9" * 30, "c_y_999"), ("c_Y_9", "c_Y_9"), ("NaN", "NaN"),
    )
]  # fmt: skip
FAULTS += [
    reading(
        f"value {value!r} in row {place}",
        line(place, lambda r, v=value: r.replace("3000.0", v, 1)),
        *says, how="valid",
    )
    for value, says in (
        ("", ("missing or non-finite",)), ("NaN", ("missing or non-finite",)),
        ("nan", ("missing or non-finite",)), ("inf", ("missing or non-finite",)),
        ("-inf", ("missing or non-finite",)), ("Infinity", ("missing or non-finite",)),
        ("1e999", ("missing or non-finite",)), ("abc", ("not a readable", "abc")),
        ("12a", ("not a readable", "12a")), ("None", ("not a readable", "None")),
        ("1 000", ("not a readable",)), ("0x10", ("not a readable",)),
        ("1_000", ("not a readable",)),
        ("True", ("not a readable",)), ('"3000', ("s.csv",)),
    )
    for place in (1, 210)
]  # fmt: skip


def zipped(*names: str, content: bytes = b"", method: int = zipfile.ZIP_DEFLATED) -> Callable:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name in names:
                archive.writestr(name, content or text(LINES))

    return make


def archive(name: str, make_file: Callable[[Path], None], *says: str, file: str = "s.zip") -> Case:
    """A packed file is validated."""

    def make(folder: Path) -> Callable[[], None]:
        make_file(folder / file)
        return lambda: submission.validate(folder / file)

    return Case(f"packed: {name}", make, says)


def cut_to(n: int, then: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda path: [then(path), path.write_bytes(path.read_bytes()[:n])]


def gz(path: Path) -> None:
    path.write_bytes(gzip.compress(text(LINES)))


def turned(place: int, then: Callable[[Path], None]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        then(path)
        content = bytearray(path.read_bytes())
        content[place] ^= 0x55
        path.write_bytes(content)

    return make


PACKED = [
    archive("one file", zipped("s.csv")),
    archive("one file of another name", zipped("other.txt")),
    archive("one file in a folder", zipped("folder/", "folder/s.csv")),
    archive("not compressed", zipped("s.csv", method=zipfile.ZIP_STORED)),
    archive("by bzip2", zipped("s.csv", method=zipfile.ZIP_BZIP2)),
    archive("a path that leads out", zipped("../../s.csv")),
    archive("no file", zipped(), "s.zip is not a readable zip", "0 files"),
    archive("a folder alone", zipped("folder/"), "0 files"),
    archive("two files", zipped("a.csv", "b.csv"), "2 files"),
    archive("text", lambda p: p.write_bytes(text(LINES)), "s.zip is not a readable zip"),
    archive("gzip", gz, "s.zip is not a readable zip"),
    archive("nothing", lambda p: p.touch(), "s.zip is not a readable zip"),
    archive("another csv in it", zipped("s.csv", content=b"a,b\n1,2\n"), "s.zip", LACKS),
    archive("an empty csv in it", lambda p: zipfile.ZipFile(p, "w").writestr("s.csv", b""), LACKS),
    archive("text", lambda p: p.write_bytes(text(LINES)), "not a readable gz", file="s.csv.gz"),
    archive("a zip", zipped("s.csv"), "not a readable gz", file="s.csv.gz"),
    archive("nothing", lambda p: p.touch(), LACKS, file="s.csv.gz"),
    archive("text behind", lambda p: [gz(p), p.write_bytes(p.read_bytes() + b"more")],
            "not a readable gz", file="s.csv.gz"),
]  # fmt: skip
PACKED += [
    archive(f"zip cut to {n}", cut_to(n, zipped("s.csv")), "s.zip is not a readable zip")
    for n in (1, 4, 30, 100, -1, -10, -22)
]
PACKED += [
    archive(f"gzip cut to {n}", cut_to(n, gz), "not a readable gz", file="s.csv.gz")
    for n in (1, 2, 9, 10, 50, 200, -1, -4, -8, -9)
]
PACKED += [
    archive(f"gzip with byte {n} altered", turned(n, gz), "s.csv.gz", file="s.csv.gz")
    for n in (0, 1, 2, 100, 200, -1, -4, -8)
]
PACKED += [
    archive(f"zip with byte {n} altered", turned(n, zipped("s.csv")), "s.zip")
    for n in (0, 60, 100, 200)
]


def encrypted(path: Path) -> None:
    """A zip whose member says that it is encrypted."""
    zipped("s.csv")(path)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


PACKED.append(archive("encrypted", encrypted, "not a readable zip", "encrypted"))

# ---- the command line ----


def predictions(path: Path) -> Path:
    """A store of predicted maps."""
    writer = StoreWriter(path, {}, 1)
    known = {"sample_id": IDS, "family": ["x"] * N, "fold": [-1] * N, "origin": ["x"] * N}
    writer.write(0, known, maps=MAPS)
    return writer.finish().path


def submitting(
    name: str,
    *says: str,
    sample: bytes | Callable[[Path], object] | None = None,
    out: str = "a.csv",
    before: Callable[[Path], object] = lambda folder: None,
    more: tuple[str, ...] = (),
    check: Callable[[Path], None] | None = None,
) -> Case:
    def make(folder: Path) -> list[object]:
        arguments: list[object] = ["submit", predictions(folder / "maps"), "--out", folder / out]
        if sample is not None:
            file = folder / "sample.csv"
            sample(file) if callable(sample) else file.write_bytes(sample)
            arguments += ["--sample", file]
        before(folder)
        return [*arguments, *more]

    return Case(f"submit: {name}", make, says, check=check)


def others(folder: Path) -> None:
    """What was there must be replaced by a valid file."""
    assert submission.validate(folder / "a.csv") == 210


COMMANDS = [
    submitting("plain", check=scored(MAPS)),
    submitting("sample with a mark", sample=BOM + text(LINES), check=scored(MAPS)),
    submitting("sample of Windows", sample=text(LINES, "\r\n"), check=scored(MAPS)),
    submitting("sample with quotes", sample=text(QUOTED), check=scored(MAPS)),
    submitting("gzip", out="a.csv.gz", check=packed("a.csv.gz")),
    submitting("zip", out="a.zip", check=packed("a.zip")),
    submitting("by force", before=lambda f: (f / "a.csv").write_text("old"), more=("--force",),
               check=others),
    submitting("a file is there", "a.csv exists", "--force",
               before=lambda f: (f / "a.csv").write_text("old")),
    submitting("a folder is there", "a.csv", "got a folder", more=("--force",),
               before=lambda f: (f / "a.csv").mkdir()),
    submitting("below a file", "cannot be written", before=lambda f: (f / "b").touch(),
               out="b/a.csv"),
    submitting("a name that is too long", "cannot be written", "too long", out="a" * 300 + ".csv"),
    submitting("another ending", "must end in .csv", "a.xlsx", out="a.xlsx"),
    submitting("into new folders, refused", "no prediction", "'z'", out="new/er/a.csv",
               sample=text(rows(["z"]))),
    submitting("no sample", "sample.csv does not exist", sample=lambda p: None),
    submitting("sample is a folder", "sample.csv must be a file, got a folder", sample=Path.mkdir),
    submitting("sample is a pipe", "sample.csv must be a file, got a pipe", sample=os.mkfifo),
    submitting("sample of another header", LACKS, sample=head("id,x_1")),
    submitting("sample with more ids", "1 ids of the sample", "'d'", sample=text(rows("abcd"))),
    submitting("sample with a row twice", "more than once", "'a_y_0'",
               sample=text([*LINES, LINES[1]])),
    submitting("sample with a row less", "sample.csv", "lacks 1 rows", sample=text(LINES[:-1])),
    submitting("sample with a blank line", "sample.csv", "no oid_ypos", sample=text([*LINES, ""])),
    submitting("sample without rows", "sample.csv has no rows", sample=text(LINES[:1])),
    submitting("sample with another name", "sample.csv", "must read <oid>_y_",
               sample=line(4, lambda r: "x" + r[5:])),
    submitting("sample of nothing", LACKS, sample=b""),
]  # fmt: skip
COMMANDS += [
    submitting(f"full of another file: {name}", more=("--force",), check=others,
               before=lambda f, name=name: (f / name).write_text("left"))
    for name in (".a.csv.12345.tmp", ".a.csv.0123456789abcdef.tmp", ".a.csv.99999.tmp")
]  # fmt: skip

CASES = [*WRITTEN, *REFUSED, *FILES, *TAKEN, *FAULTS, *PACKED, *COMMANDS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_submission(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
