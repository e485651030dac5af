"""Which files of a folder belong together, in all layouts that the field uses.

Gathers and maps are told apart by words of their names or of their folders' (`fwi.data.roles`), and
belong together where the rest of their places is the same: data/data1 with model/model1 and
seis2_1_0 with vel2_1_0 (OpenFWI), seismic1 with vmodel1, 0007/data with 0007/velocity, a folder of
shot1, shot2, ... with its model. A file may also hold both under their names.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fwi.data.readers import FORMATS, is_litter, is_read, read_file
from fwi.data.roles import PAIRS, Part, family_of, part_of, role_of

_NUMBER = re.compile(r"(\d+)")
_UNNAMED = "its name says neither gathers nor maps"
_OF_ONE = (".npy", ".sgy", ".segy")  # formats whose files hold one array
_PAIRS = "gathers and maps such as <Family>/data/data1.npy with model/model1.npy"
_Group = dict[Path, Part]


@dataclass(frozen=True)
class Source:
    """Files that hold samples.

    Attributes:
        family: of the samples.
        name: of its samples but for their number, in the family one of a kind.
        gathers: the file of gathers, (n, S, T, R) or (S, T, R), or one for each shot.
        maps: the file of maps; none where they are not known.
    """

    family: str
    name: str
    gathers: tuple[Path, ...]
    maps: Path | None

    @property
    def paths(self) -> list[Path]:
        """All of its files, each once."""
        return list(dict.fromkeys([*self.gathers, *([self.maps] if self.maps else [])]))


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
    parts = {file: part_of(file.relative_to(folder), folder.resolve().name) for file in files}
    sources: list[Source] = []
    for group in _groups(parts):
        found, alone = _paired(group, with_maps)
        sources += found
        left_out |= alone
    if not sources:
        raise FileNotFoundError(_nothing(folder, left_out, _PAIRS if with_maps else "gathers"))
    sources.sort(key=lambda s: (s.family, natural(s.gathers[0])))
    return Found(_named(folder, sources, with_maps), dict(sorted(left_out.items())))


def source_of(path: Path) -> Source:
    """Give the source that one file is: gathers, and maps if it names both."""
    return Source("unknown", path.stem, (path,), _both((path,)))


def find_map_files(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """List the files of velocity maps below a folder by number, and the rest, with the reason.

    Raises:
        FileNotFoundError: if there is none.
    """
    files, left_out = walk(folder)
    root = folder.resolve().name
    gathers = {f for f in files if part_of(f.relative_to(folder), root).role == "gathers"}
    maps = sorted((file for file in files if file not in gathers or _both((file,))), key=natural)
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


def walk(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """List the files below a folder that have a known format, and the rest, with the reason."""
    files, left_out, seen = [], {}, dict[tuple[int, int], Path]()
    waiting = [folder]
    while waiting:  # folders themselves before the links to them
        for place, folders, names in os.walk(waiting.pop(0)):
            here = Path(place)
            state = here.stat()
            first = seen.setdefault((state.st_dev, state.st_ino), here)
            if first != here:
                folders.clear()
                if first not in here.parents:  # another way to it, not a way back
                    left_out[here] = f"it is {first} once more"
                continue
            folders[:] = sorted(f for f in folders if not is_litter(here / f))
            waiting += [here / f for f in folders if (here / f).is_symlink()]
            for path in sorted(here / name for name in names if not is_litter(here / name)):
                _check_name(path)
                why = _unread(path)
                if why:
                    left_out[path] = why
                else:
                    files.append(path)
    return files, left_out


def _check_name(path: Path) -> None:
    """Refuse a name that no catalog can hold."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{str(path)!a} must have a name in UTF-8; rename it") from None


def _unread(path: Path) -> str:
    if not is_read(path):
        return "no format that is read"
    return "" if path.is_file() else "no file, or a link to none"


def natural(path: Path) -> list[tuple[int, str]]:
    """Give a key that sorts data2.npy before data10.npy."""
    return [(int(part) if part.isdecimal() else -1, part) for part in _NUMBER.split(str(path))]


def _groups(parts: _Group) -> list[_Group]:
    """Gather what belongs together: of one key, and where that leaves several, of one format."""
    groups = _split([parts], lambda _, part: part.key)
    for told_apart in (lambda file, _: file.suffix.lower(), lambda _, part: part.pair):
        clear = [group for group in groups if not _several(group)]
        groups = clear + _split([group for group in groups if _several(group)], told_apart)
    return groups


def _split(groups: list[_Group], by: Callable[[Path, Part], Any]) -> list[_Group]:
    split: dict[Any, _Group] = defaultdict(dict)
    for i, group in enumerate(groups):
        for file, part in group.items():
            split[i, by(file, part)][file] = part
    return list(split.values())


def _several(group: _Group) -> bool:
    return max(Counter((part.role, part.shot) for part in group.values()).values()) > 1


def _paired(group: _Group, with_maps: bool) -> tuple[list[Source], dict[Path, str]]:
    """Make the sources of what belongs together, and say what is left."""
    maps = [file for file, part in group.items() if part.role == "maps"]
    gathers = [file for file, part in group.items() if part.role == "gathers"]
    gathers = gathers or [file for file, part in group.items() if part.role is None]
    if not gathers:
        return [], dict.fromkeys(maps, "maps without gathers")
    _check_one("maps", maps)
    shots = sorted((part.shot, file) for file, part in group.items() if part.shot is not None)
    if shots and len({shot for shot, _ in shots}) == len(shots) == len(gathers):
        files = [tuple(file for _, file in shots)]
    else:
        if maps:
            _check_one("gathers", gathers)
        files = [(file,) for file in gathers]
    rest = {f: _UNNAMED for f, p in group.items() if p.role is None and f not in gathers}
    sources = []
    for chosen in files:
        part, beside = group[chosen[0]], maps[0] if maps else _both(chosen)
        if beside is not None or not with_maps:
            sources.append(Source(part.family, "", chosen, beside))
        elif part.said and part.role == "gathers":
            raise FileNotFoundError(
                f"{chosen[0]} has no maps beside it: {_partner(chosen[0])} is missing"
            )
        else:
            rest |= dict.fromkeys(chosen, _UNNAMED if part.role is None else "no maps beside it")
    return sources, rest


def _check_one(what: str, files: list[Path]) -> None:
    if len(files) > 1:
        raise ValueError(
            f"{files[0]} and {files[1]} both hold the {what} of the same samples, by their names; "
            "remove or rename one"
        )


def _both(gathers: tuple[Path, ...]) -> Path | None:
    """Give a file again if it names maps beside its gathers."""
    if len(gathers) > 1 or gathers[0].suffix.lower() in _OF_ONE:
        return None
    roles = {role_of(name) for name in read_file(gathers[0]).arrays}
    return gathers[0] if {"gathers", "maps"} <= roles else None


def _partner(gathers: Path) -> Path:
    """Name the file in which maps would stand, as OpenFWI calls it."""
    for ours, theirs in sorted(PAIRS.items(), key=lambda pair: -len(pair[0])):
        if gathers.stem.lower().startswith(ours):
            folder = gathers.parent
            folder = folder.with_name(theirs) if folder.name == ours else folder
            return folder / f"{theirs}{gathers.name[len(ours) :]}"
    return gathers.with_name(f"velocity{gathers.suffix}")


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
