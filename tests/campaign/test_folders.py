"""Folders as they lie about: namings, links, litter, odd names; nothing left out in silence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cases import Case
from samples import gathers, holds, lay_out, maps, save

PREPARE = ["prepare", "tree", "--store", "store", "--set", "prepare.n_folds=2"]

WORDS = [
    ("data", "model"), ("seis", "vel"), ("seismic", "vmodel"), ("gathers", "maps"),
    ("waveform", "velocity"), ("shots", "labels"), ("obs", "vp"), ("records", "target"),
]  # fmt: skip
PATTERNS = [
    ("FlatVel_A/{g}{n}.npy", "FlatVel_A/{m}{n}.npy"),
    ("FlatVel_A/{g}_{n}.npy", "FlatVel_A/{m}_{n}.npy"),
    ("FlatVel_A/{n}-{g}.npy", "FlatVel_A/{n}-{m}.npy"),
    ("FlatVel_A/{g}/{n}.npy", "FlatVel_A/{m}/{n}.npy"),
    ("FlatVel_A/{n}/{g}.npy", "FlatVel_A/{n}/{m}.npy"),
    ("flatvel-a/{g}/{g}{n}.npy", "flatvel-a/{m}/{m}{n}.npy"),
    ("all/FlatVel_A_{g}_{n}.npy", "all/FlatVel_A_{m}_{n}.npy"),
    ("x/y/FlatVel A/{g}/{g}_{n}.npy", "x/y/FlatVel A/{m}/{m}_{n}.npy"),
    ("FlatVelA/{G}{n}.NPY", "FlatVelA/{M}{n}.NPY"),
    ("train_samples/FlatVel_A/{g} {n}.npy", "train_samples/FlatVel_A/{m} {n}.npy"),
]


def named(first: str, second: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        lay_out(folder / "tree", first, second)
        return PREPARE

    return make


def namings() -> Iterator[Case]:
    for g, m in WORDS:
        for first, second in PATTERNS:
            words = {"g": g, "m": m, "G": g.upper(), "M": m.upper(), "n": 7}
            name, other = first.format(**words), second.format(**words)
            yield Case(name, named(name, other), check=holds(1, {"FlatVel_A"}))


LITTER = [
    "._data1.npy", "FlatVel_A/._data1.npy", ".DS_Store", "FlatVel_A/.DS_Store", "Thumbs.db",
    "FlatVel_A/thumbs.db", "desktop.ini", "__MACOSX/data1.npy", ".hidden/data1.npy", ".data2.npy",
    "FlatVel_A/.ipynb_checkpoints/data1.npy", "__macosx/FlatVel_A/._data1.npy",
]  # fmt: skip


def littered(litter: str, stage: str) -> Case:
    def make(folder: Path) -> list[str]:
        lay_out(folder / "tree", "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy")
        path = folder / "tree" / litter
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\5\x16\7 not an array")
        if stage == "prepare":
            return PREPARE
        return ["convert", "tree", "--out", "out"]

    return Case(f"{litter} beside, {stage}", make)


LEFT_OUT = {
    "maps alone": ("FlatVel_A/model/model9.npy", "maps without gathers"),
    "no role": ("FlatVel_A/notes.npy", "says neither gathers nor maps"),
    "no role in a folder of gathers": ("FlatVel_A/data/extra.npy", "no maps beside it"),
    "two roles": ("FlatVel_A/data_model.npy", "says neither gathers nor maps"),
    "an array at the root": ("weights.npy", "says neither gathers nor maps"),
    "another family's maps": ("Style_A/vel3_1_0.npy", "maps without gathers"),
}


def left_out(path: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        lay_out(folder / "tree", "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy")
        save(folder / "tree" / path, np.zeros((3, 4)))
        return PREPARE

    return make


def with_links(link: str, target: str) -> Callable[[Path], list[str]]:
    """Lay a pair out outside of the tree, and a link to it, or back."""

    def make(folder: Path) -> list[str]:
        lay_out(folder / "away", "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy")
        (folder / "tree").mkdir()
        (folder / "tree" / "FlatVel_A").symlink_to(folder / "away" / "FlatVel_A")
        if link:
            (folder / link).symlink_to(folder / target)
        return PREPARE

    return make


LINKS = [
    Case("a family is a link", with_links("", ""), check=holds(1, {"FlatVel_A"})),
    Case("a link back to the tree", with_links("tree/up", "tree"), check=holds(1)),
    Case("a loop through the target", with_links("away/FlatVel_A/up", "tree"), check=holds(1)),
    Case("a link to itself", with_links("tree/self", "tree/self"), check=holds(1)),
    Case("a family in itself", with_links("away/FlatVel_A/me", "away/FlatVel_A"), check=holds(1)),
    Case("two links", with_links("tree/Style_A", "away/FlatVel_A"), warns=("once more",)),
    Case("a link to nothing", with_links("tree/x.npy", "nowhere"), warns=("a link to none",)),
]  # fmt: skip


def file_links(folder: Path) -> list[str]:
    lay_out(folder / "away", "a.npy", "b.npy")
    for place, name in (("data/data1.npy", "a"), ("model/model1.npy", "b")):
        path = folder / "tree" / "FlatVel_A" / place
        path.parent.mkdir(parents=True)
        path.symlink_to(folder / "away" / f"{name}.npy")
    return PREPARE


ODD = [
    "[1]", "$_{", "a b", "é", "名前", "%s", "{0}", "#1", "it's", 'q"q', "a;b", "a&b", "x" * 120,
    "-rf", "*", "?", "~", "a,b", "a=b", "$HOME", "`id`", "\\", "tab\there", "new\nline", "🙂",
]  # fmt: skip


def odd(name: str) -> Case:
    def make(folder: Path) -> list[str]:
        lay_out(folder / "tree", f"{name}/data/data1.npy", f"{name}/model/model1.npy")
        return PREPARE

    return Case(f"a folder named {name[:20]!a}", make, check=holds(1))


def bytes_name(where: str) -> Case:
    def make(folder: Path) -> list[str]:
        lay_out(folder / "tree", "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy")
        path = os.fsencode(folder / "tree" / where) + b"\xff.npy"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
        return PREPARE

    return Case(f"{where} with a byte that is not UTF-8", make, ("UTF-8", "rename it"))


def missing(gathers_name: str, maps_name: str) -> Case:
    def make(folder: Path) -> list[str]:
        save(folder / "tree" / gathers_name, gathers()[:1])
        return PREPARE

    return Case(f"{gathers_name} without maps", make, ("has no maps beside it", maps_name))


MISSING = [
    ("A/data/data1.npy", "A/model/model1.npy"),
    ("A/data1.npy", "A/model1.npy"),
    ("A/seis2_1_0.npy", "A/vel2_1_0.npy"),
    ("A/seismic3.npy", "A/vmodel3.npy"),
    ("A/gathers_4.npy", "A/maps_4.npy"),
    ("A/7/waveforms.npy", "A/7/velocity.npy"),
    ("A/shot_1.npy", "A/velocity.npy"),
]


def twice(*names: str) -> Case:
    def make(folder: Path) -> list[str]:
        for name in names:
            role = maps if "model" in name or "vel" in name else gathers
            save(folder / "tree" / name, role()[:1])
        return PREPARE

    return Case(f"{names[-1]} beside {names[-2]}", make, ("both hold the", "remove or rename one"))


TWICE = [
    twice("A/data1.npy", "A/model1.npy", "A/model_1.npy"),
    twice("A/model1.npy", "A/data1.npy", "A/data-1.npy"),
    twice("A/vel2_1_0.npy", "A/seis2_1_0.npy", "A/seis_2_1_0.npy"),
]


def nothing(*names: str, split: str = "train") -> Case:
    def make(folder: Path) -> list[str]:
        (folder / "tree").mkdir()
        for name in names:
            path = folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return [*PREPARE, "--split", split]

    return Case(
        f"{names or 'nothing'} to read, {split}", make, ("must hold gathers", "check the path")
    )


NOTHING = [
    nothing(*names, split=split)
    for split in ("train", "test")
    for names in ((), ("readme.txt",), ("a/b/c.csv", "d.pt"), ("data1.npy.gz",), (".data1.npy",))
]


def a_file(folder: Path) -> list[str]:
    (folder / "tree").write_text("x")
    return PREPARE


WRONG = [
    Case("a folder that is missing", lambda _: PREPARE, ("tree is not a folder",)),
    Case("a file for a folder", a_file, ("tree is not a folder",)),
]

CASES = [
    *namings(),
    *(littered(litter, stage) for litter in LITTER for stage in ("prepare", "convert")),
    *(Case(name, left_out(path), warns=(why,)) for name, (path, why) in LEFT_OUT.items()),
    *LINKS,
    Case("files that are links", file_links, check=holds(1)),
    *map(odd, ODD),
    *map(bytes_name, ("x", "FlatVel_A/data", "FlatVel_A/data/data1", "new/model")),
    *(missing(*names) for names in MISSING),
    *TWICE,
    *NOTHING,
    *WRONG,
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_folder(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
