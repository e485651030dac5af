"""Which files of a folder belong together, in all layouts that the field uses.

Gathers and maps are told apart by words of their names or of their folders' (`fwi.data.roles`), and
belong together where the rest of their places is the same: data/data1 with model/model1 and
seis2_1_0 with vel2_1_0 (OpenFWI), seismic1 with vmodel1, 0007/data with 0007/velocity, a folder of
shot1, shot2, ... with its model. A file may also hold both under their names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from fwi.data.pairing import Source, both, groups_of, paired
from fwi.data.readers import FORMATS
from fwi.data.roles import family_of, part_of
from fwi.data.walking import natural, walk

_PAIRS = "gathers and maps such as <Family>/data/data1.npy with model/model1.npy"


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    Attributes:
        sources: what is read, in the order of family and number.
        left_out: what is not, and why.
    """

    sources: list[Source]
    left_out: dict[Path, str]


def competition_part(folder: Path, split: Literal["train", "test"]) -> Path:
    """Give the part of a competition's folder that is read, or any other folder itself.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; check the path")
    part = folder / {"train": "train_samples", "test": "test"}[split]
    return part if part.is_dir() else folder


def find_sources(folder: Path, *, with_maps: bool) -> Found:
    """Find the gathers below a folder, and their maps.

    Args:
        folder: walked whole, links too; each file is taken once.
        with_maps: leave out gathers without maps.

    Raises:
        FileNotFoundError: if there is nothing to read in it, or, where maps are wanted, a file
            whose name says that it holds gathers lacks them.
        ValueError: if several files hold the same gathers or maps, or a name is not UTF-8.
    """
    files, left_out = walk(folder)
    root = folder.resolve().name
    parts = {file: part_of(file.relative_to(folder), root) for file in files}
    sources: list[Source] = []
    for group in groups_of(parts):
        found, alone = paired(group, with_maps)
        sources += found
        left_out |= alone
    if not sources:
        raise FileNotFoundError(_nothing(folder, left_out, _PAIRS if with_maps else "gathers"))
    sources.sort(key=lambda s: (s.family, natural(s.gathers[0])))
    return Found(_named(folder, sources, with_maps), dict(sorted(left_out.items())))


def source_of(path: Path) -> Source:
    """Give the source that one file is: gathers, and maps if it names both."""
    return Source("unknown", path.stem, (path,), both((path,)))


def find_map_files(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """List the files of velocity maps below a folder by number, and the rest, with the reason.

    Raises:
        FileNotFoundError: if there is none.
    """
    files, left_out = walk(folder)
    root = folder.resolve().name
    gathers = {f for f in files if part_of(f.relative_to(folder), root).role == "gathers"}
    maps = sorted((file for file in files if file not in gathers or both((file,))), key=natural)
    left_out |= dict.fromkeys(gathers.difference(maps), "gathers, not maps")
    if not maps:
        raise FileNotFoundError(_nothing(folder, left_out, "maps"))
    return maps, left_out


def _nothing(folder: Path, left_out: dict[Path, str], expected: str) -> str:
    got = [f"{path.relative_to(folder)} ({why})" for path, why in list(left_out.items())[:3]]
    return (
        f"{folder} must hold {expected}, in {', '.join(FORMATS)}, "
        f"got {', '.join(got) or 'no file'}; check the path"
    )


def _named(folder: Path, sources: list[Source], by_family: bool) -> list[Source]:
    """Name sources by their files, and by their folders too where that is not one of a kind."""
    for name in (_short, partial(_long, folder), partial(_longest, folder)):
        named = [replace(source, name=name(source)) for source in sources]
        if len({(s.family if by_family else "", s.name) for s in named}) == len(named):
            break
    return named


def _short(source: Source) -> str:
    return source.gathers[0].stem if len(source.gathers) == 1 else source.gathers[0].parent.name


def _long(folder: Path, source: Source) -> str:
    place = source.gathers[0].relative_to(folder).with_suffix("")
    place = place if len(source.gathers) == 1 else place.parent
    parts = [part for part in place.parts if (family_of(part) or part) != source.family]
    return "/".join(parts) or place.name


def _longest(folder: Path, source: Source) -> str:
    return source.gathers[0].relative_to(folder).as_posix()
