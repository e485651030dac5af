"""Archives and pickles that are not CIFAR-10, are damaged, or are meant to do harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import socket
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case

from fwi.baselines.cifar_files import read_cifar10

NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
DATA = np.random.default_rng(0).integers(0, 256, (2, 3072), dtype=np.uint8)
NOT_BATCH = ("data_batch_2 is not a batch of CIFAR-10",)
NOT_TAR = ("is not a readable tar archive", "download it again")


def dumped(batch: Any, protocol: int = 2) -> bytes:
    return pickle.dumps(batch, protocol)


def batch(data: Any = DATA, labels: Any = (3, 4), protocol: int = 2) -> bytes:
    labels = list(labels) if isinstance(labels, tuple) else labels
    return dumped({b"data": data, b"labels": labels}, protocol)


SOUND = {name: batch() for name in NAMES}
BINARY = {f"{name}.bin": b"".join(b"\1" + row.tobytes() for row in DATA) for name in NAMES}


def tar(files: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, value in files.items():
            if isinstance(value, tarfile.TarInfo):
                value.name = f"cifar/{name}"
                archive.addfile(value)
            else:
                info = tarfile.TarInfo(f"cifar/{name}")
                info.size = len(value)
                archive.addfile(info, io.BytesIO(value))
    return content.getvalue()


def reading(content: bytes, name: str = "c.tar.gz") -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path) -> Callable[[], Any]:
        (folder / name).write_bytes(content)
        return lambda: read_cifar10(folder / name)

    return make


def with_batch(content: bytes) -> Callable[[Path], Callable[[], Any]]:
    return reading(tar(SOUND | {"data_batch_2": content}))


def reads_right(content: bytes) -> Callable[[Path], Callable[[], Any]]:
    def make(folder: Path) -> Callable[[], Any]:
        read = reading(content)(folder)

        def check() -> None:
            images = read()
            assert images.train.shape == (10, 3, 32, 32)
            np.testing.assert_array_equal(images.test.reshape(2, -1), DATA.astype("f4") / 255)

        return check

    return make


# Programs that pickles are: opcodes by hand.
def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def blob(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def program(data: bytes, labels: bytes = b"]K\1a") -> bytes:
    """A pickle of {b"data": what an opcode gives, b"labels": likewise}."""
    return b"\x80\x03}(" + blob(b"data") + data + blob(b"labels") + labels + b"u."


def array(
    code: bytes = b"U\2u1",
    state: bytes = b"K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0",
    shape: bytes = b"K\1M\0\x0c\x86",
    values: bytes = blob(bytes(3072)),
    kind: bytes = b"cnumpy\nndarray\n",
    core: bytes = b"numpy.core.multiarray",
    fortran: bytes = b"\x89",
) -> bytes:
    dtype = b"cnumpy\ndtype\n" + code + b"K\0K\1\x87R(" + state + b"tb"
    made = b"c" + core + b"\n_reconstruct\n" + kind + b"K\0\x85U\1b\x87R"
    return made + b"(K\1" + shape + dtype + fortran + values + b"tb"


def calls(module: str, name: str, argument: bytes = text("touch ran")) -> bytes:
    return f"c{module}\n{name}\n".encode() + argument + b"\x85R"


GLOBALS = [
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("__builtin__", "eval"),
    ("importlib", "import_module"),
    ("numpy", "load"),
    ("numpy", "memmap"),
    ("numpy", "fromfile"),
    ("numpy", "frombuffer"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "frombuffer"),
    ("numpy", "core.multiarray._reconstruct"),
    ("numpy.core", "multiarray"),
    ("numpy.ma.core", "_mareconstruct"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
    ("pickle", "loads"),
    ("_codecs", "decode"),
    ("_codecs", "lookup"),
    ("codecs", "encode"),
    ("copyreg", "_reconstructor"),
    ("copy_reg", "_reconstructor"),
    ("operator", "attrgetter"),
    ("fwi.baselines.cifar_pickles", "PickledArray"),
    ("torch", "load"),
    ("sys", "exit"),
    ("ctypes", "string_at"),
    ("ndarray", "numpy"),
]
HOSTILE: dict[str, bytes] = {
    **{f"{m}.{n}": program(calls(m, n)) for m, n in GLOBALS},
    "a name over two lines": b"\x80\x04}" + text("os\nsystem") + text("system") + b"\x93.",
    "a name of a million letters": b"\x80\x04}" + text("o" * 10**6) + text("system") + b"\x93.",
    **{
        f"an array of {code.decode()}": program(array(b"U" + bytes([len(code)]) + code))
        for code in (b"O8", b"O", b"|O", b"V8", b"S8", b"U4", b"M8", b"m8", b"c16", b"f2,i4")
    },
    **{
        f"an array of {code.decode()}, which NumPy lacks": program(
            array(b"U" + bytes([len(code)]) + code)
        )
        for code in (b"f1", b"u0", b"u3", b"i16", b"object", b"", b"b8", b"uint8")
    },
    "a dtype of a number": program(array(b"K\1")),
    "a dtype of nothing": program(array(b"N")),
    "a dtype of a dtype": program(array(b"cnumpy\ndtype\n")),
    "a dtype that becomes an object's": program(array(state=b"K\3U\1ONNNK\0K\0K\0")),
    "a dtype with another order": program(array(state=b"K\3U\1?NNNK\0K\0K\0")),
    "a dtype with a short state": program(array(state=b"K\3")),
    "a dtype changed to nothing": program(array(state=b"K\3NNNNK\0K\0K\0")),
    "an array of another class": program(array(kind=b"cnumpy\ndtype\n")),
    "an array of no class": program(array(kind=b"N")),
    "an array made by ndarray": program(b"cnumpy\nndarray\nK\1\x85R"),
    "an array beyond its bytes": program(array(shape=b"J\xff\xff\xff\x7fM\0\x0c\x86")),
    "an array of a product beyond 64 bits": program(
        array(shape=b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87")
    ),
    "an array of fewer than its bytes": program(array(shape=b"K\1K\1\x86")),
    "an array below zero": program(array(shape=b"J\xff\xff\xff\xffM\0\x0c\x86")),
    "an array of no shape": program(array(shape=b"N")),
    "an array of a true shape": program(array(shape=b"\x88M\0\x0c\x86")),
    "an array of a listed shape": program(array(shape=b"]K\1a")),
    "an array of floats for its shape": program(array(shape=b"G\x3f\xf0\0\0\0\0\0\0\x85")),
    "an array of text": program(array(values=text("a" * 3072))),
    "an array of a list": program(array(values=b"]")),
    "an array of itself": program(
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87Rq\0"
        b"(K\1h\0h\0\x89h\0tb"
    ),
    "an array without its state": program(
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R"
    ),
    "a name that is changed": program(b"cnumpy\nndarray\n}U\1aK\1sb"),
    "a name that is changed by its parts": program(b"cnumpy\ndtype\nN}U\1aK\1s\x86b"),
    "a name that is made anew": program(b"cnumpy\nndarray\n)\x81"),
    "a class with keywords": program(b"cnumpy\nndarray\n)}\x92"),
    "a class of the oldest protocol": program(b"(inumpy\nndarray\n"),
    "an object of the oldest protocol": program(b"(cnumpy\nndarray\no"),
    "an object by its number": program(b"\x82\1"),
    "an object by a long number": program(b"\x84\1\0\0\0"),
    "an object that lies elsewhere": program(b"Pelsewhere\n"),
    "an object that lies elsewhere, from the stack": program(b"NQ"),
    "a buffer that lies elsewhere": program(b"\x97"),
    "a number in the memo beyond all memory": program(b"Nr\xff\xff\xff\xff"),
    "a number in the memo in words": program(b"Np4294967295\n"),
    "a number in the memo beyond the file": program(b"Nr\0\0\0\1"),
    "bytes beyond the file": program(b"B\xff\xff\xff\x7f"),
    "long bytes beyond the file": program(b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "bytes to change beyond the file": program(b"\x96\xff\xff\xff\xff\xff\xff\xff\x7f"),
    "bytes to change beyond memory": program(b"\x96\0\0\0\0\0\1\0\0"),
    "text beyond the file": program(b"X\xff\xff\xff\x7f"),
    "a frame beyond the file": b"\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\x7f" + program(b"N")[2:],
    "a million objects": program(b"(" + b"N" * 10**6 + b"t"),
    "a hundred thousand lists in each other": program(b"]" * 10**5 + b"a" * (10**5 - 1)),
    "encoding by zip": program(b"c_codecs\nencode\n" + text("a") + b"U\x09zlib_codec\x86R"),
    "encoding by another table": program(b"c_codecs\nencode\n" + text("a") + b"U\5utf-8\x86R"),
    "encoding bytes": program(b"c_codecs\nencode\n" + blob(b"a") + text("latin1") + b"\x86R"),
    "encoding letters that are no bytes": program(
        b"c_codecs\nencode\n" + text("\u20ac") + text("latin1") + b"\x86R"
    ),
    "numbers of many digits": program(b"\x8b\0\1\0\0" + b"\1" * 256),
    "a number of many letters": program(b"L" + b"9" * 5000 + b"L\n"),
    "labels in labels": program(array(), b"](](](]K\1aeee"),
    "labels that double at each step": program(
        array(), b"]q\0K\1a" + b"".join(b"]q\1(h\0h\0eq\0" for _ in range(40))
    ),
    "labels that hold themselves": program(array(), b"]q\0h\0a"),
    "labels of floats": program(array(), b"]G\x3f\xf0\0\0\0\0\0\0a"),
    "labels of booleans": program(array(), b"]\x88a"),
    "labels of text": program(array(), b"]" + text("1") + b"a"),
    "labels of nothing": program(array(), b"N"),
    "labels of bytes": program(array(), blob(b"\1")),
    "labels of a dictionary": program(array(), b"}"),
    "labels of floats in an array": batch(labels=np.array([3.0, 4.0])),
    "labels of objects in an array": batch(labels=np.array([3, None])),
    "data of bytes": program(blob(bytes(3072))),
    "data of a list": batch([[1] * 3072] * 2),
    "data of objects": batch(DATA.astype(object)),
    "data of records": batch(np.zeros((2, 3072), [("a", "u1")])),
    "data of text": batch(np.zeros((2, 3072), "U1")),
    "data of a masked array": batch(np.ma.MaskedArray(DATA, mask=False)),
    "data of a matrix": batch(DATA.view(np.matrix)),
    "a list": dumped([1, 2]),
    "a number": dumped(1),
    "an array": dumped(DATA),
    "nothing": dumped(None),
    "keys of text": dumped({"data": DATA, "labels": [3, 4]}, 3),
    "no labels": dumped({b"data": DATA}),
    "no data": dumped({b"labels": [3, 4]}),
    "a dictionary without anything": dumped({}),
    "no bytes": b"",
    "an end": b".",
    "text of no pickle": b"no pickle",
    "a page": b"<!DOCTYPE html><title>404</title>",
    "a newer protocol": b"\x80\x06" + batch()[2:],
    "no end": batch()[:-1],
    "half": batch()[: len(batch()) // 2],
    "a compressed batch": gzip.compress(batch()),
}
DATA_UNFIT: dict[str, bytes] = {
    f"{dtype} {shape}": batch(np.zeros(shape, dtype), [0] * shape[0])
    for dtype in ("u1", "i1", "u2", "i8", "f4", "f8", "?")
    for shape in ((2, 3071), (2, 3072), (2, 3, 32, 32), (3072,))
    if (dtype, shape) != ("u1", (2, 3072))
}
DATA_UNFIT |= {
    f"labels {labels}": batch(labels=labels)
    for labels in ([], [1], [1, 2, 3], [0, 10], [-1, 0], [0, 255], [0, 2**31 - 1])
}
DATA_UNFIT["labels in rows"] = batch(labels=np.zeros((2, 1), int))
DATA_UNFIT["no images"] = batch(DATA[:0], [], 3)
DATA_UNFIT["ten thousand and one"] = batch(np.zeros((10_001, 3072), "u1"), [0] * 10_001)

CASES = [
    *[Case(f"pickle: {n}", with_batch(content), NOT_BATCH) for n, content in HOSTILE.items()],
    *[
        Case(f"batch: {n}", with_batch(content), ("data_batch_2 must hold (n, 3072) bytes",))
        for n, content in DATA_UNFIT.items()
    ],
]

# Pickles of every age that hold the same.
PICKLES: dict[str, bytes] = {
    **{f"protocol {p}": batch(protocol=p) for p in range(6)},
    **{f"labels as {k}": batch(labels=np.array([3, 4], k)) for k in ("u1", "i4", ">i8", "i2")},
    "Fortran's order": batch(np.asfortranarray(DATA)),
    "Fortran's order, protocol 5": batch(np.asfortranarray(DATA), protocol=5),
    "every second column": batch(np.repeat(DATA, 2, 1)[:, ::2]),
    "NumPy 1 and Python 2": program(
        array(
            shape=b"K\2M\0\x0c\x86",
            values=b"T" + struct.pack("<i", DATA.size) + DATA.tobytes(),
        ),
        b"](K\3K\4e",
    ),
    "NumPy 2": program(
        array(shape=b"K\2M\0\x0c\x86", values=blob(DATA.tobytes()), core=b"numpy._core.multiarray"),
        b"](K\3K\4e",
    ),
    "more keys": dumped(
        {b"data": DATA, b"labels": [3, 4], b"batch_label": b"x", b"filenames": [b"a.png"] * 2}
    ),
}
CASES += [
    Case(f"takes {name}", reads_right(tar(dict.fromkeys(NAMES, content))))
    for name, content in PICKLES.items()
]
CASES += [
    Case(f"takes {name}", reads_right(pack(tar(files))))
    for name, pack, files in [
        ("gzip", gzip.compress, SOUND),
        ("bzip2", bz2.compress, SOUND),
        ("xz", lzma.compress, SOUND),
        ("no compression", bytes, SOUND),
        ("records", gzip.compress, BINARY),
        ("other files", gzip.compress, {"readme.html": b"<p>", **SOUND, "batches.meta": b"x"}),
        ("two parts of gzip", lambda c: gzip.compress(c[:999]) + gzip.compress(c[999:]), SOUND),
    ]
]


# Archives.
def info(kind: bytes, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo()
    made.type, made.linkname = kind, link
    return made


def header(name: str = "cifar/data_batch_2", kind: bytes = b"0", **changes: bytes) -> bytes:
    """A block of 512 bytes, some fields of which are set byte by byte, with a right checksum."""
    made = tarfile.TarInfo(name)
    made.type = kind
    block = bytearray(made.tobuf(tarfile.GNU_FORMAT))
    if "size" in changes:
        block[124:136] = changes["size"]
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


ALL = tar(SOUND)
PACKED = gzip.compress(ALL, mtime=0)
ZEROS = gzip.compress(bytes(1 << 24))
BOMB = ("must hold at most 300 MiB", "got more")
LINKS = {
    "a link": info(tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": info(tarfile.LNKTYPE, "cifar/data_batch_1"),
    "a pipe": info(tarfile.FIFOTYPE),
    "a device": info(tarfile.CHRTYPE),
    "a disk": info(tarfile.BLKTYPE),
    "a folder": info(tarfile.DIRTYPE),
}
CASES += [
    Case(
        f"archive: {place} is {name}",
        reading(tar(SOUND | {place: link})),
        (f"{place} of ", "must be a file", "got a link, folder or device"),
    )
    for name, link in LINKS.items()
    for place in ("data_batch_1", "test_batch")
]
SIZES = {
    "beyond the end": b"00000777777\0",
    "of 8 GiB": b"77777777777\0",
    "of 2^70": b"\x80\0\0\x40" + bytes(8),
    "below zero": b"\xff" * 12,
    "far below zero": b"\xff" + bytes(11),
    "in words": b"many bytes!\0",
    "half written": b"0000\xff000000\0",
}
CASES += [
    Case(f"archive: {kind} of a size {name}", reading(header(kind=code, size=size) + ALL), NOT_TAR)
    for name, size in SIZES.items()
    for kind, code in (("file", b"0"), ("long name", b"L"), ("pax", b"x"), ("unknown", b"Z"))
]
CASES += [
    Case("archive: a sparse file", reading(header(kind=b"S") + ALL), NOT_TAR),
    Case("archive: a thousand files", reading(header("a") * 1000 + ALL), NOT_TAR),
    Case("archive: a thousand pax headers", reading(header(kind=b"x") * 1000 + ALL), NOT_TAR),
    Case("archive: nothing", reading(b""), NOT_TAR),
    Case("archive: zeros", reading(bytes(10240)), NOT_TAR),
    Case("archive: a zip", reading(b"PK\3\4" + bytes(600)), NOT_TAR),
    Case("archive: text", reading(b"no archive"), NOT_TAR),
    Case("archive: gzip of text", reading(gzip.compress(b"no archive")), NOT_TAR),
    Case("archive: a pickle", reading(batch()), NOT_TAR),
    Case("archive: gzip's head alone", reading(b"\x1f\x8b"), NOT_TAR),
    Case("archive: bzip2's head alone", reading(b"BZh"), NOT_TAR),
    Case("archive: xz's head alone", reading(b"\xfd7zXZ\0"), NOT_TAR),
    Case("archive: garbage behind gzip", reading(PACKED + b"garbage"), NOT_TAR),
    Case("archive: empty", reading(tar({})), NOT_TAR),
    Case("archive: a file alone", reading(tar({"a": b""})), ("must hold data_batch_1",)),
    Case("bomb of gzip", reading(ZEROS * 64), BOMB),
    Case("bomb behind the files", reading(PACKED + ZEROS * 64), BOMB),
    Case("bomb of xz", reading(lzma.compress(bytes(1 << 24)) * 20), BOMB),
    Case("bomb of bzip2", reading(bz2.compress(bytes(1 << 24)) * 20), BOMB),
    Case(
        "a batch that is too large",
        reading(gzip.compress(tar({"data_batch_1": bytes(49 << 20)}), 1)),
        ("data_batch_1 of ", "must be at most 48 MiB"),
    ),
    Case(
        "two copies",
        reading(tar({**SOUND, **BINARY})),
        ("must hold data_batch_1 once", "got it twice"),
    ),
]
CASES += [
    Case(f"archive: cut at {part}/8", reading(PACKED[: len(PACKED) * part // 8]), NOT_TAR)
    for part in range(1, 8)
]
CASES += [
    Case(f"plain archive: cut at {end}", reading(ALL[:end]), NOT_TAR)
    for end in (1, 100, 511, 513, 1000, 5000, len(ALL) // 2 + 700)
]
CASES += [
    Case(
        f"archive: without {name}",
        reading(tar({k: v for k, v in SOUND.items() if k != name})),
        ("must hold", name, "download it again"),
    )
    for name in NAMES
]
CASES += [
    Case(
        f"records: {n} bytes",
        reading(tar(BINARY | {"test_batch.bin": bytes(n)})),
        ("test_batch.bin must", says),
    )
    for n, says in [
        (1, "whole records of 3073"),
        (3072, "whole records of 3073"),
        (3074, "got 3074"),
        (0, "must hold (n, 3072)"),
    ]
]
CASES.append(
    Case(
        "records: a label of 10",
        reading(tar(BINARY | {"test_batch.bin": b"\x0a" + bytes(3072)})),
        ("test_batch.bin must hold", "labels 0 to 9"),
    )
)


# Paths.
def pipe(folder: Path, name: str = "c") -> Path:
    os.mkfifo(folder / name)
    return folder / name


def bound(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    return folder / "socket"


def unpacked(change: Callable[[Path], Any]) -> Callable[[Path], Callable[[], Any]]:
    """Lay out a folder of batches, in which test_batch is something else."""

    def make(folder: Path) -> Callable[[], Any]:
        for name in NAMES[:-1]:
            (folder / name).write_bytes(SOUND[name])
        change(folder)
        return lambda: read_cifar10(folder)

    return make


PATHS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a pipe": (pipe, ("must be a file", "pipe")),
    "a socket": (bound, ("must be a file",)),
    "a device without end": (lambda _: "/dev/zero", ("/dev/zero must be a file", "device")),
    "a device of nothing": (lambda _: "/dev/null", ("/dev/null must be a file", "device")),
    "nothing": (lambda f: f / "none", ("CIFAR-10 is not at",)),
    "below a file": (lambda f: f / "none" / "below", ("CIFAR-10 is not at",)),
    "an empty folder": (lambda f: f, ("must hold data_batch_1, data_batch_2",)),
    "text of nothing": (lambda _: "", ("CIFAR-10 must be a path", "got ''")),
    "a number": (lambda _: 3, ("a path in text", "got 3")),
    "None": (lambda _: None, ("a path in text", "got None")),
}
FOLDERS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a pipe": (lambda f: pipe(f, "test_batch"), ("test_batch must be a file",)),
    "a folder": (lambda f: (f / "test_batch").mkdir(), ("test_batch must be a file",)),
    "a device": (
        lambda f: (f / "test_batch").symlink_to("/dev/zero"),
        ("test_batch must be a file", "device"),
    ),
    "a broken link": (lambda f: (f / "test_batch").symlink_to("none"), ("test_batch must be a",)),
    "a link to itself": (
        lambda f: (f / "test_batch").symlink_to("test_batch"),
        ("test_batch must be a file",),
    ),
    "missing": (lambda f: None, ("must hold test_batch",)),
    "empty": (lambda f: (f / "test_batch").touch(), ("test_batch is not a batch",)),
    "too large": (
        lambda f: (f / "test_batch").write_bytes(bytes(49 << 20)),
        ("test_batch must be at most 48 MiB",),
    ),
    "there twice": (
        lambda f: [
            (f / f"test_batch{end}").write_bytes(SOUND["test_batch"]) for end in ("", ".bin")
        ],
        ("test_batch",),
    ),
}
CASES += [
    Case(f"path: {name}", lambda f, make=make: (lambda p: lambda: read_cifar10(p))(make(f)), says)
    for name, (make, says) in PATHS.items()
]
CASES += [Case(f"folder: test_batch is {n}", unpacked(c), says) for n, (c, says) in FOLDERS.items()]
CASES += [
    Case(
        "folder: links to files",
        unpacked(lambda f: (f / "test_batch").symlink_to("data_batch_1")),
    )
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cifar_file(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
    assert not Path("ran").exists()
