"""Files of arrays that are damaged, hostile, of an unusual kind or oddly named."""

import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cases import Case
from stores import cut, flip, grow, no_file

from fwi.files import open_array

ARRAY = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
MAGIC = b"\x93NUMPY"
NO_NPY = "a.npy is not a readable .npy file; write it with numpy.save"


def header(
    text: str | bytes, version: tuple[int, int] = (1, 0), length: int | None = None
) -> bytes:
    """Make the head of a file, which may lie about its length."""
    text = text.encode("latin1") if isinstance(text, str) else text
    size = len(text) if length is None else length
    return MAGIC + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", size) + text


def fields(descr: str = "'<f4'", fortran: str = "False", shape: str = "(2, 3, 4)") -> str:
    """Make a header's text."""
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def refused(name: str, content: bytes, *says: str) -> Case:
    """Bytes that are no array."""

    def make(folder: Path) -> Callable[[], object]:
        (folder / "a.npy").write_bytes(content)
        return lambda: open_array(folder / "a.npy")

    return Case(name, make, says or (NO_NPY,))


def changed(name: str, change: Callable[[Path], object], *says: str) -> Case:
    """A file of an array that is changed."""

    def make(folder: Path) -> Callable[[], object]:
        np.save(folder / "a.npy", ARRAY)
        change(folder / "a.npy")
        return lambda: open_array(folder / "a.npy")

    return Case(name, make, says)


def taken(
    name: str, array: np.ndarray, *, version: tuple[int, int] | None = None, file: str = "a.npy"
) -> Case:
    """An array that is mapped as it was saved."""

    def make(folder: Path) -> Callable[[], None]:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as opened:
            np.lib.format.write_array(opened, array, version)

        def read() -> None:
            mapped = open_array(path)
            assert mapped.dtype == array.dtype
            assert mapped.shape == array.shape
            assert mapped.tobytes() == array.tobytes()

        return read

    return Case(name, make)


BODY = ARRAY.tobytes()
HOSTILE = {
    "nothing": b"",
    "zeros": bytes(1000),
    "a newline": b"\n",
    "text": b"1.0 2.0\n",
    "half the magic": MAGIC[:3],
    "the magic alone": MAGIC,
    "magic and version": MAGIC + b"\x01\x00",
    "magic in capitals": b"\x93numpy\x01\x00" + bytes(100),
    "a mark before": b"\xef\xbb\xbf" + header(fields()) + BODY,
    "a pickle": pickle.dumps(ARRAY),
    "gzip": gzip.compress(header(fields()) + BODY),
    "a zip's head": b"PK\x03\x04" + bytes(100),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "MATLAB": b"MATLAB 5.0 MAT-file" + bytes(200),
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "safetensors": struct.pack("<Q", 2) + b"{}",
    "SEG-Y": ("C 1 CLIENT" + " " * 3190).encode("cp500") + bytes(400),
}
CASES = [refused(f"file of {name}", content) for name, content in HOSTILE.items()]
CASES += [
    refused(f"version {version}", MAGIC + bytes(version) + b"\x76\x00" + fields().encode() + BODY)
    for version in ((0, 0), (0, 1), (1, 1), (2, 1), (3, 1), (4, 0), (9, 0), (255, 255))
]
CASES += [
    refused(
        f"version {version} that says {length} bytes of head", header(fields(), version, length)
    )
    for version, lengths in {
        (1, 0): (0, 1, 10, 30, 65_535),
        (2, 0): (0, 1, 65_536, 10**6, 2**31, 2**32 - 1),
        (3, 0): (0, 1, 65_536, 2**31, 2**32 - 1),
    }.items()
    for length in lengths
]
CASES += [
    refused(f"{len(text)} bytes of {what} in the head, version {version[0]}", header(text, version))
    for version in ((1, 0), (2, 0), (3, 0))
    for what, text in {
        "brackets": "[" * 9000,
        "parentheses": "(" * 9000 + ")" * 9000,
        "braces": "{" * 9000,
        "minus signs": "-" * 9000 + "1",
        "tildes": "~" * 9000 + "1",
        "nots": "not " * 2000 + "1",
        "sums": "1+" * 5000 + "1",
        "powers": "9**9**9**9**9",
        "quotes": "'" * 9001,
        "backslashes": "\\" * 9000,
        "spaces": " " * 9000,
        "newlines": "\n" * 9000,
        "NULs": "\0" * 900,
        "other letters": "é" * 900,
        "a lambda": "lambda: 1",
        "a call": "__import__('os').getcwd()",
        "a comprehension": "[i for i in range(10)]",
        "attributes": "().__class__.__bases__",
        "an f-string": "f'{1+1}'",
        "a list": "[1, 2]",
        "a dictionary of none": "{}",
        "a set": "{1, 2}",
        "a list as a key": "{[]: 1}",
        "numbers run into words": "1if 1else 2",
        "an odd escape": "'\\d'",
        "a walrus": "(a := 1)",
        "a digit too many": "1" * 5000,
        "a comment": "# nothing",
        "None": "None",
        "ellipsis": "...",
    }.items()
]
CASES += [
    refused(f"shape {shape[:40]}", header(fields(shape=shape)) + BODY)
    for shape in (
        "(-1,)", "(2, -3, -4)", "(True,)", "(2.0, 3)", "('2',)", "(None,)", "2", "[2, 3]", "'(2,)'",
        "{2}", "None", "((2,),)", "(1j,)", "(b'2',)", f"({10**19},)", f"({10**30}, 0)",
        f"({10**400},)", "(4294967296, 4294967296)", "(9223372036854775807, 2)",
        "(" + "1, " * 65 + ")", "(" + "2, " * 70 + ")", "(1e3,)",
    )
]  # fmt: skip
CASES += [
    refused(f"shape {shape} is more than there is", header(fields(shape=shape)) + BODY, "cut short")
    for shape in ("(2, 3, 5)", "(25,)", "(1000000,)", "(1000000000000, 7)", "(3, 3, 3)")
]
CASES += [
    refused(f"descr {descr[:40]}", header(fields(descr=descr)) + BODY)
    for descr in (
        "''", "'f99'", "'<x4'", "'?4'", "4", "None", "[]", "()", "{}", "True", "'<f4' * 2", "'<f3'",
        "'<f-4'", "'<f4\\n'", "[('a',)]", "[('a', '<f4', -1)]",
        "[('a', '<f4'), ('a', '<f4')]", "('<f4', 1.5)", "'<V0'", "'<U0'", "'S0'", "'é'",
        "'<M8[xx]'", "'" + "<" * 5000 + "f4'",
    )
]  # fmt: skip
CASES += [
    refused(f"descr {descr}", header(fields(descr=descr)) + bytes(200), "pickled Python objects")
    for descr in (
        "'|O'",
        "'O'",
        "'|O8'",
        "[('a', '|O')]",
        "[('a', [('b', '|O8')])]",
        "[('a', '|O', (2,))]",
    )
]
CASES += [
    refused(f"{what}", header(text) + BODY)
    for what, text in {
        "no shape": "{'descr': '<f4', 'fortran_order': False}",
        "no descr": "{'fortran_order': False, 'shape': (2, 3, 4)}",
        "no order": "{'descr': '<f4', 'shape': (2, 3, 4)}",
        "a key too many": fields()[:-1] + "'more': 1}",
        "a key in capitals": fields().replace("shape", "SHAPE"),
        "order 2": fields(fortran="2"),
        "order in words": fields(fortran="'C'"),
        "order None": fields(fortran="None"),
        "JSON's false": fields(fortran="false"),
        "no closing brace": fields()[:-1],
        "text behind": fields() + " more",
        "two headers": fields() + "\n" + fields(),
        "no quotes": fields().replace("'", ""),
        "keys of bytes": fields().replace("'shape'", "b'shape'"),
    }.items()
]
CASES += [
    changed(f"cut to {n}", lambda f, n=n: cut(f, n), "a.npy", said)
    for n, said in (
        *((n, "cut short") for n in (-1, -2, -50, -95, -96, 128, 150)),
        *((n, "not a readable") for n in (0, 1, 6, 8, 9, 10, 11, 64, 127)),
    )
]
CASES += [
    changed(f"{kind} for a file", no_file(kind), "a.npy", said)
    for kind, said in {
        "folder": "must be a file, got a folder",
        "pipe": "must be a file, got a pipe",
        "socket": "must be a file, got a pipe",
        "link to nothing": "does not exist",
        "link to itself": "does not exist",
    }.items()
]
CASES += [
    changed(f"byte {n} of the head turned", lambda f, n=n: flip(f, n), "not a readable")
    for n in (0, 1, 5, 6, 7, 9, 10, 12, 20)
]
CASES += [
    changed("bytes behind the array", lambda f: grow(f, 1000)),
    changed("a hole of a terabyte behind the array", lambda f: grow(f, 2**40)),
]

DTYPES = (
    "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i2", ">i8", "u1", "?", "<c8", "S5", "<U3", "V7",
    "<M8[s]", ">m8[ms]",
)  # fmt: skip
CASES += [
    taken(f"{dtype} in version {version[0]}", np.ones((2, 3), "i4").astype(dtype), version=version)
    for dtype in DTYPES
    for version in ((1, 0), (2, 0), (3, 0))
    if dtype != "V7" and dtype[1:2] not in "Mm"
]
CASES += [
    taken(f"shape {shape} in version {version[0]}", np.ones(shape, np.float32), version=version)
    for shape in ((), (1,), (0,), (0, 5), (5, 0), (1,) * 32, (3, 1, 70, 70))
    for version in ((1, 0), (3, 0))
]
CASES += [
    taken("fields", np.ones(2, [("a", "<f4"), ("b", "<i2", (2,))])),
    taken("fields named in other letters", np.ones(2, [("ä", "<f4")]), version=(2, 0)),
]


def fortran(version: tuple[int, int], dtype: str) -> Case:
    array = np.asfortranarray(ARRAY.astype(dtype))

    def make(folder: Path) -> Callable[[], None]:
        with (folder / "a.npy").open("wb") as opened:
            np.lib.format.write_array(opened, array, version)

        def read() -> None:
            assert np.array_equal(open_array(folder / "a.npy"), ARRAY)

        return read

    return Case(f"Fortran's order of {dtype} in version {version[0]}", make)


CASES += [fortran(v, dtype) for v in ((1, 0), (2, 0), (3, 0)) for dtype in ("<f2", ">f4", "<f8")]


def python_2() -> bytes:
    """A file as Python 2 wrote it, with long numbers."""
    return header("{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L, 4L), }\n") + BODY


def old(folder: Path) -> Callable[[], None]:
    (folder / "a.npy").write_bytes(python_2())

    def read() -> None:
        assert np.array_equal(open_array(folder / "a.npy"), ARRAY)

    return read


CASES.append(Case("a file of Python 2", old))
CASES += [
    taken(f"a file named {name!r}", ARRAY, file=name)
    for name in (
        "[1].npy", "*.npy", "?.npy", "$_{.npy", "a{b}.npy", "%d.npy", " .npy", ".npy", "-a.npy",
        "a.NPY", "a", "a.npz", "ä/速.npy", "[a]/[b].npy", "'.npy", '".npy', "a\\b.npy", "a\nb.npy",
        "~/a.npy", "#.npy", "a" * 200 + ".npy",
    )
]  # fmt: skip


def packed() -> bytes:
    """The bytes of a .npz file."""
    file = io.BytesIO()
    np.savez(file, a=ARRAY)
    assert zipfile.is_zipfile(file)
    return file.getvalue()


CASES.append(refused("an npz file", packed()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_npy_file(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
