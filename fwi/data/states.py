"""Which files a shard was read from, and as what: a changed file is noticed, a touched one taken.

A file's state is its size and its time of change. Where that is not what was noted, the shard's
contents are read again and compared with what the store holds: only they tell whether a file was
changed, or copied and touched alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from fwi.files import atomic_file, read_json

States = dict[str, list[int]]  # size and time of change by path

_NAME = "sources.json"


def states_of(files: Iterable[Path]) -> States:
    """Give the states of files."""
    stats = {str(file): file.stat() for file in files}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def changed(now: States, noted: States) -> list[str]:
    """Name the files whose state is not what was noted."""
    return [name for name, state in now.items() if noted.get(name) != state]


def write_states(shard: Path, states: States) -> None:
    """Note the states of a shard's files in its folder."""
    with atomic_file(shard / _NAME) as temporary:
        temporary.write_text(json.dumps(states), encoding="utf-8")


def read_states(shard: Path) -> States:
    """Read the noted states of a shard's files; where there are none, all count as changed."""
    try:
        noted = read_json(shard / _NAME)
    except (FileNotFoundError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
