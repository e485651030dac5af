"""Which files hold the same samples: their gathers, shot by shot or in one, and their maps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwi.data.readers import read_file
from fwi.data.roles import PAIRS, Part, role_of

_UNNAMED = "its name says neither gathers nor maps"
_OF_ONE = (".npy", ".sgy", ".segy")  # formats whose files hold one array
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


def groups_of(parts: _Group) -> list[_Group]:
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


def paired(group: _Group, with_maps: bool) -> tuple[list[Source], dict[Path, str]]:
    """Make the sources of what belongs together, and say what is left.

    Args:
        group: one of `groups_of`.
        with_maps: leave out gathers without maps.

    Returns:
        The sources, without names; and the files that are not read, with the reason.

    Raises:
        FileNotFoundError: if a file whose name says that it holds gathers lacks its maps.
        ValueError: if several files hold the same gathers or maps.
    """
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
        part, beside = group[chosen[0]], maps[0] if maps else both(chosen)
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


def both(gathers: tuple[Path, ...]) -> Path | None:
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
