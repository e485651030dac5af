"""What a file is for, by its name and its folder's: gathers or maps, of which number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Literal

from fwi.openfwi import FAMILIES

Role = Literal["gathers", "maps"]

_WORDS: dict[Role, frozenset[str]] = {
    "gathers": frozenset(
        "gather gathers data seis seismic seismics seismogram seismograms shot shots record "
        "records waveform waveforms wavefield observed obs dobs input inputs".split()
    ),
    "maps": frozenset(
        "map maps model models vmodel vmodels vel velocity velocities velmodel vp label labels "
        "target targets truth".split()
    ),
}
# In a file that names its arrays, single letters are names too.
_LETTERS: dict[Role, frozenset[str]] = {"gathers": frozenset("xd"), "maps": frozenset("yvmc")}
# Words that OpenFWI and its users write in pairs.
PAIRS = {"data": "model", "seis": "vel", "seismic": "vmodel", "gathers": "maps"}
_FAMILIES = {re.sub("[^a-z]", "", name.lower()): name for name in FAMILIES}


@dataclass(frozen=True)
class Part:
    """What the place of a file says of it.

    Attributes:
        role: what it holds; none where its place does not say.
        said: whether its own name says so, and not its folder's alone.
        key: what belongs together has in common.
        shot: its number, where it holds one shot.
        pair: the word for gathers that its own goes with in `PAIRS`; "" for none.
        family: that the place names, an OpenFWI one, or the folder nearest to the root.
    """

    role: Role | None
    said: bool
    key: tuple[str, ...]
    shot: int | None
    pair: str
    family: str


def role_of(name: str) -> Role | None:
    """Say what an array of a file holds by its name there, such as "vel" or "X"."""
    words = _words(name)
    for role, known in _WORDS.items():
        if known & set(words) or (len(words) == 1 and words[0] in _LETTERS[role]):
            return role
    return None


def family_of(name: str) -> str | None:
    """Find OpenFWI's name for a family in another spelling, such as flatvel-a."""
    return _FAMILIES.get(re.sub("[^a-z]", "", name.lower()))


def part_of(path: PurePath, root: str) -> Part:
    """Read the place of a file.

    Args:
        path: relative to the folder that is read.
        root: name of that folder.
    """
    words = _words(path.stem)
    shot = _shot(words)
    if shot is not None:
        del words[shot[0] : shot[0] + 2]
    own = {role for role, known in _WORDS.items() if known & set(words)}
    folders = [(folder, _folder_role(folder)) for folder in path.parts[:-1]]
    above = [role for _, role in folders if role is not None]
    roles = own | set(above[-1:])
    if shot is not None and not own:
        roles = {"gathers"}
    role = next(iter(roles)) if len(roles) == 1 else None
    known = frozenset[str]().union(*_WORDS.values())
    place = [folder for folder, of in folders if of is None]
    named, rest = _family_in([w for w in words if w not in known])
    return Part(
        role,
        bool(own) or shot is not None,
        (*place, *named, *rest),
        None if shot is None else shot[1],
        next((g for g, m in PAIRS.items() if {g, m} & set(words)), ""),
        _family(place, named, root),
    )


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W\d_]+|\d+", name)]


def _shot(words: list[str]) -> tuple[int, int] | None:
    """Find `shot` and its number in the words of a name: the place, and the number."""
    for i, (word, number) in enumerate(pairwise(words)):
        if word in ("shot", "src", "source") and number.isdigit():
            return i, int(number)
    return None


def _folder_role(folder: str) -> Role | None:
    """Say what a folder's files hold, if its name says nothing else."""
    words = set(_words(folder))
    return next((role for role, known in _WORDS.items() if words and words <= known), None)


def _family_in(words: list[str]) -> tuple[list[str], list[str]]:
    """Part the words of a name into those of a family, joined, and the others."""
    for i in range(len(words)):
        for j in (i + 1, i + 2):
            family = family_of("".join(words[i:j]))
            if family is not None:
                return [family], words[:i] + words[j:]
    return [], words


def _family(place: list[str], named: list[str], root: str) -> str:
    """Take a family's name from the file, the folders from below, or the first of them."""
    found = (family_of(name) for name in (*named, *reversed(place), root))
    return next((name for name in found if name), place[0] if place else root)
