"""Files of every format that are damaged, hostile, or hold something else than they say."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import segyio
from cases import Case
from samples import gathers, maps, save

from fwi.data.readers import FORMATS, Sampling, segy
from fwi.openfwi import RECEIVER_X, SOURCE_X

SAID = Sampling(1e-3, SOURCE_X, RECEIVER_X)
Damage = Callable[[bytes], bytes]


def convert(file: str) -> list[str]:
    return ["convert", file, "--out", "out"]


@cache
def whole(suffix: str) -> bytes:
    """Give the bytes of a good file of gathers and, where the format can hold them, their maps."""
    path = Path(f"/dev/shm/fwi-campaign{suffix}")
    try:
        if suffix in (".sgy", ".segy"):
            segy.write(path, {"gathers": gathers()[0]}, SAID)
        elif suffix == ".npy":
            save(path, gathers())
        else:
            FORMATS[suffix].write(path, {"gathers": gathers(), "maps": maps()})
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


DAMAGES: dict[str, Damage] = {
    "empty": lambda b: b"",
    "one byte": lambda b: b[:1],
    "64 bytes": lambda b: b[:64],
    "512 bytes": lambda b: b[:512],
    "cut in half": lambda b: b[: len(b) // 2],
    "cut by 100": lambda b: b[:-100],
    "zeros": lambda b: bytes(len(b)),
    "text": lambda b: b"velocity,depth\n1500,0\n" * 500,
    "noise": lambda b: np.random.default_rng(0).bytes(9000),
    "a header of noise": lambda b: np.random.default_rng(1).bytes(600) + b[600:],
    "html": lambda b: b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "git lfs": lambda b: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    "a pickle": lambda b: b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00cposix\nsystem\n.",
}


def damaged(suffix: str, damage: Damage) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / f"data1{suffix}").write_bytes(damage(whole(suffix)))
        return convert(f"data1{suffix}")

    return make


def another(suffix: str, other: str) -> Case:
    """Give a file of one format the name of another."""
    return Case(
        f"{other} named {suffix}", damaged(suffix, lambda _: whole(other)), (f"data1{suffix}",)
    )


def bare(name: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        save(folder / "a.npy", gathers()).rename(folder / name)
        return convert(name)

    return make


def npz(**arrays: object) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        np.savez(folder / "a.npz", **arrays)  # type: ignore[arg-type]
        return convert("a.npz")

    return make


def member(name: str, content: bytes, **options: object) -> Callable[[Path], list[str]]:
    """Write an archive of a good member, and of one more."""

    def make(folder: Path) -> list[str]:
        with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return convert("a.npz")

    return make


def header(shape: str, descr: str = "'<f4'", size: int = 0) -> bytes:
    """Give a .npy file whose header says what it likes."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(118 if len(text) < 118 else len(text)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(size)


HEADERS = {
    "a promise of petabytes": header("(10000000, 5, 1000, 70)"),
    "a size beyond 64 bits": header("(99999999999999999999, 5, 1000, 70)"),
    "a negative size": header("(-1, 5, 1000, 70)"),
    "a size that is none": header("('a', 5, 1000, 70)"),
    "forty axes": header(str((1,) * 40), size=4),
    "objects": header("(1, 5, 1000, 70)", "'|O'", 99),
    "a bomb of brackets": header("(" * 4000),
    "a call": header("__import__('os').getcwd()"),
    "an unknown dtype": header("(1, 5, 1000, 70)", "'<z9'"),
    "fields": header("(5,)", "[('a', '<f4'), ('b', '<i4')]", 40),
    "a dtype of nothing": header("(1, 5, 1000, 70)", "'|V0'"),
    "short of one value": header("(1, 5, 2, 2)", size=76),
}


def h5(fill: Callable[[h5py.File], None]) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        with h5py.File(folder / "a.h5", "w") as file:
            fill(file)
        return convert("a.h5")

    return make


def put(**arrays: object) -> Callable[[h5py.File], None]:
    def fill(file: h5py.File) -> None:
        for name, array in arrays.items():
            file[name] = array

    return fill


def external(file: h5py.File) -> None:
    other = str(Path(file.filename).with_name("other.h5"))
    with h5py.File(other, "w") as there:
        there["gathers"] = gathers()
    file["gathers"] = h5py.ExternalLink(other, "gathers")


def raw_outside(file: h5py.File) -> None:
    raw = Path(file.filename).with_name("raw.bin")
    raw.write_bytes(gathers().tobytes())
    file.create_dataset(
        "gathers", gathers().shape, "f4", external=[(str(raw), 0, raw.stat().st_size)]
    )


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(gathers().shape, "f4")
    layout[:] = h5py.VirtualSource("other.h5", "gathers", gathers().shape)
    file.create_virtual_dataset("gathers", layout)


def mat(**arrays: object) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        scipy.io.savemat(folder / "a.mat", arrays)
        return convert("a.mat")

    return make


def sgy(change: Callable[[segyio.SegyFile], None]) -> Callable[[Path], list[str]]:
    """Write a good line, and change its headers."""

    def make(folder: Path) -> list[str]:
        path = folder / "a.sgy"
        path.write_bytes(whole(".sgy"))
        with segyio.open(str(path), "r+", ignore_geometry=True) as file:
            change(file)
        return convert("a.sgy")

    return make


def set_all(field: int, value: Callable[[int], int]) -> Callable[[segyio.SegyFile], None]:
    def change(file: segyio.SegyFile) -> None:
        for i in range(file.tracecount):
            file.header[i] = {field: value(i)}

    return change


GROUP, SOURCE, RECORD, SCALAR = 81, 73, 9, 71
G, M = gathers, maps
REFUSED: dict[str, tuple[Callable[[Path], list[str]], tuple[str, ...]]] = {
    "no ending": (bare("gathers"), ("must end in .npy", "rename it")),
    "a text ending": (bare("gathers.txt"), ("must end in .npy", ".txt")),
    "gzip": (bare("gathers.npy.gz"), ("must end in .npy", ".gz")),
    "torch's ending": (bare("gathers.pt"), ("must end in .npy", ".pt")),
    "npz of none": (npz(), ("one array named gathers", "none")),
    "npz of text": (npz(gathers=np.array(["a"])), ("one array named gathers", "none")),
    "npz of objects": (npz(gathers=np.array([{}])), ("pickled Python objects",)),
    "npz of two gathers": (npz(data=G(), seismic=G()), ("'data'", "'seismic'")),
    "npz of two unnamed": (npz(a=G(), b=G()), ("'a'", "'b'", "named gathers")),
    "npz of integers": (npz(gathers=G().astype("i4")), ("int32",)),
    "npz of maps alone": (npz(maps=M()), ("a.npz",)),
    "npz with other maps": (npz(gathers=G(), maps=M()[:1]), ("as many as the 2", "got 1")),
    "npz of half a second": (npz(gathers=G(), dt=5e-4), ("must last 0.999 s",)),
    "npz of NaN time": (npz(gathers=G(), dt=np.nan), ("dt of a.npz", "finite")),
    "npz of time 0": (npz(gathers=G(), dt=0.0), ("dt of a.npz", "positive")),
    "h5 of negative time": (h5(put(gathers=G(), dt=-1e-3)), ("dt of a.h5", "positive")),
    "npz of shots elsewhere": (npz(gathers=G(), source_x=np.arange(5.0)), ("got none at",)),
    "npz with fewer positions": (npz(gathers=G(), source_x=[0.0, 1.0]), ("name the 5 shots",)),
    "npz of transposed": (npz(gathers=G().swapaxes(2, 3)), ("swap the last two axes",)),
    "npz of no samples": (npz(gathers=G()[:0]), ("no sample",)),
    "h5 of none": (h5(put()), ("one array named gathers", "none")),
    "h5 of text": (h5(put(gathers="text")), ("one array named gathers",)),
    "h5 of two": (h5(put(a=G(), b=G())), ("'a'", "'b'")),
    "h5 of groups of the same": (h5(put(**{"a/data": G(), "b/data": G()})), ("'a/data'",)),
    "h5 linked elsewhere": (h5(external), ("one array named gathers", "none")),
    "h5 stored elsewhere": (h5(raw_outside), ("lies in another file",)),
    "h5 virtual": (h5(virtual), ("lies in another file",)),
    "h5 of integers": (h5(put(gathers=G().astype("i4"))), ("int32",)),
    "h5 of compound": (h5(put(gathers=np.zeros(3, [("a", "f4")]))), ("named gathers",)),
    "h5 with other maps": (h5(put(gathers=G(), maps=M()[:1])), ("as many as the 2",)),
    "mat of none": (mat(), ("one array named gathers", "none")),
    "mat of a struct": (mat(gathers={"a": 1.0}), ("one array named gathers",)),
    "mat of a cell": (mat(gathers=np.array([G(), "x"], object)), ("one array named gathers",)),
    "mat of two": (mat(a=G(), b=G()), ("'a'", "'b'")),
    "mat of complex": (mat(gathers=G().astype("c8")), ("complex",)),
    "mat as MATLAB stacks": (mat(gathers=G().transpose(2, 3, 1, 0)), ("a.mat",)),
    "mat with other maps": (mat(gathers=G(), maps=M()[:1]), ("as many as the 2",)),
    "sgy of moving spread": (sgy(set_all(GROUP, lambda i: 100 * i)), ("a spread that moves",)),
    "sgy of unequal shots": (sgy(set_all(RECORD, lambda i: i // 69)), ("equally many traces",)),
    "sgy of mixed shots": (sgy(set_all(RECORD, lambda i: i % 2)), ("one after another",)),
    "sgy of two steps": (sgy(lambda f: f.bin.update(hdt=2000)), ("one sampling interval",)),
    "sgy of 3 shots": (sgy(set_all(RECORD, lambda i: min(i // 70, 2))), ("equally many",)),
    "sgy of shots elsewhere": (sgy(set_all(SOURCE, lambda i: 7000 * (i // 70))), ("got none at",)),
    "sgy in metres, scaled": (sgy(set_all(SCALAR, lambda i: 10)), ("got none at",)),
}  # fmt: skip


def is_whole(folder: Path) -> None:
    assert np.array_equal(np.load(folder / "out/unknown/data/data1.npy")[0], gathers()[0])


TAKEN = {
    "sgy": damaged(".sgy", lambda b: b),
    "segy": damaged(".segy", lambda b: b),
    "h5": damaged(".h5", lambda b: b),
    "hdf5": damaged(".hdf5", lambda b: b),
    "mat": damaged(".mat", lambda b: b),
    "npz": damaged(".npz", lambda b: b),
    "npz stored": npz(gathers=G(), maps=M()),
    "npz of x and y": npz(x=G(), y=M()),
    "npz of one array": npz(arr_0=G()),
    "npz with words beside": npz(gathers=G(), note=np.array("words"), ids=np.arange(2)),
    "npz with a time step in words": npz(gathers=G(), dt=np.array("1 ms")),
    "npz in capitals": npz(SEISMIC=G(), Vel=M()),
    "h5 in groups": h5(put(**{"train/data": G(), "train/model": M()})),
    "h5 with attributes": h5(lambda f: (put(gathers=G())(f), f.attrs.update(dt=1e-3))),
    "mat of one array": mat(d=G()),
    "mat with words": mat(gathers=G(), note="words", n=2.0),
    "sgy without positions": sgy(set_all(GROUP, lambda i: 0)),
    "sgy without a step": sgy(lambda f: (f.bin.update(hdt=0), set_all(117, lambda i: 0)(f))),
}


def cases() -> Iterator[Case]:
    for suffix in FORMATS:
        for name, damage in DAMAGES.items():
            if suffix in (".sgy", ".segy") and name == "a header of noise":
                continue  # 3,200 of its bytes are a text that may say anything
            yield Case(f"{suffix}: {name}", damaged(suffix, damage), (f"data1{suffix}",))
    for suffix in (".npy", ".npz", ".h5", ".mat", ".sgy"):
        for other in (".npy", ".npz", ".h5", ".mat", ".sgy"):
            if suffix != other:
                yield another(suffix, other)
    for name, content in HEADERS.items():
        yield Case(f"npz member with {name}", member("gathers.npy", content), ("a.npz",))
        yield Case(
            f"npy with {name}",
            lambda f, c=content: [(f / "a.npy").write_bytes(c), *convert("a.npy")][1:],
            ("a.npy",),
        )
    for name, (make, words) in REFUSED.items():
        yield Case(name, make, words)
    for name, make in TAKEN.items():
        yield Case(f"taken: {name}", make, check=is_whole)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_format(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
