"""Targets that others are writing, were writing when they were killed, or put traps beside."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import stores
from cases import Case
from stores import no_file, write_store

from fwi.competition import submission
from fwi.data.shards import Shard, make_store
from fwi.data.store import Store
from fwi.files import atomic_file, atomic_folder, locks

HOST = socket.gethostname()
LIVING = os.getpid()
MAPS = np.full((1, 70, 70), 3000.0)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A living owner is waited for in vain, so not for long."""
    monkeypatch.setattr(locks, "PATIENCE", 0.06)


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _file(path: Path) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text("new")


def _folder(path: Path) -> None:
    with atomic_folder(path) as temporary:
        (temporary / "new").write_text("new")


def _store(path: Path) -> None:
    make_store("test", path, stores.RECIPE, _shards(), force=False)


def _csv(path: Path) -> None:
    submission.write(path, ["a"], MAPS)


def _shards() -> list[Shard]:
    def shard(i: int) -> Shard:
        rows, arrays = stores.contents(i)
        return Shard(rows, lambda _: arrays)

    return [shard(0), shard(1)]


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "file": ("a.txt", _file),
    "folder": ("a", _folder),
    "store": ("a", _store),
    "submission": ("a.csv", _csv),
    "packed submission": ("a.csv.gz", _csv),
}


def whole(kind: str) -> Callable[[Path], None]:
    """What was written must be whole, and alone."""
    name, _ = WRITERS[kind]

    def check(folder: Path) -> None:
        path = folder / name
        if kind == "file":
            assert path.read_text() == "new"
        elif kind == "folder":
            assert [p.name for p in path.iterdir()] == ["new"]
        elif kind == "store":
            assert np.array_equal(Store(path).maps(range(6)), stores.expected_maps())
        else:
            assert submission.validate(path) == 70
        assert not [p.name for p in folder.rglob(".*")]

    return check


def beside(
    kind: str, what: str, before: Callable[[Path], object], *says: str, keeps: bool = False
) -> Case:
    """A target is written beside something."""
    name, write = WRITERS[kind]

    def make(folder: Path) -> Callable[[], None]:
        before(folder / name)
        return lambda: write(folder / name)

    return Case(f"{kind}: {what}", make, says, check=None if says or keeps else whole(kind))


def lock(content: str | bytes) -> Callable[[Path], object]:
    """A lock of that content."""

    def put(path: Path) -> None:
        file = path.with_name(f".{path.name}.lock")
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    return put


# ---- who holds a lock ----

BUSY = "is being written by"
CASES = [
    beside(kind, f"a lock of {what}", lock(content), BUSY, WRITERS[kind][0], *says)
    for kind in WRITERS
    for what, content, says in (
        ("a living process", f"{LIVING}\n{HOST}\n", (f"process {LIVING} on {HOST}", "wait for it")),
        ("another machine", "123\nelsewhere\n", ("process 123 on elsewhere", "or delete", ".lock")),
        ("one that has not signed yet", "", ("another process", ".lock")),
    )
]
CASES += [
    beside("file", f"a lock of {what}", lock(content), BUSY, who)
    for what, content, who in (
        ("a machine of a long name", f"7\n{'m' * 60}\n", "process 7 on mmm"),
        ("a machine with dots", "7\nnode-1.cluster.org\n", "process 7 on node-1.cluster.org"),
        ("half a signature", "123", "another process"),
        ("no machine", "123\n", "another process"),
        ("text", "hello\nworld\n", "another process"),
        ("a machine of odd letters", "7\n\x1b[31mred\n", "another process"),
        ("a negative number", f"-1\n{HOST}\n", "another process"),
        ("a huge number", f"{'9' * 40}\n{HOST}\n", "another process"),
        ("bytes that are no text", b"\xff\xfe\n\xff\n", "another process"),
        ("a megabyte", b"1" * 2**20, "another process"),
    )
]
CASES += [
    beside(
        kind, f"a lock that is a {what}",
        lambda path, what=what: no_file(what)(path.with_name(f".{path.name}.lock")),
        "must be the lock of", WRITERS[kind][0], "no plain file; delete it",
    )
    for kind in ("file", "store", "submission")
    for what in ("folder", "pipe", "link to nothing", "link to itself")
]  # fmt: skip

# ---- what killed ones left ----

LEFT = {
    "of this version": ".{name}.0123456789abcdef.tmp",
    "of an earlier version": ".{name}.12345.tmp",
    "of another number": ".{name}.1.tmp",
}


def left(pattern: str, what: str) -> Callable[[Path], None]:
    """Something of a killed writer."""

    def put(path: Path) -> None:
        file = path.with_name(pattern.format(name=path.name))
        if what == "folder":
            (file / "inner").mkdir(parents=True)
            (file / "inner" / "half").write_text("half")
        elif what == "link":
            (path.parent / "victim").mkdir()
            (path.parent / "victim" / "kept").touch()
            file.symlink_to("victim")
        else:
            file.write_text("half")

    return put


CASES += [
    beside(kind, f"leftover {what} {name}", left(pattern, what))
    for kind in WRITERS
    for what in ("file", "folder", "link")
    for name, pattern in LEFT.items()
]


def kept(*names: str) -> Callable[[Path], None]:
    """Files that are no leftovers of the target."""

    def put(path: Path) -> None:
        for name in names:
            (path.parent / name).write_text("mine")

    return put


def keeping(kind: str, what: str) -> Case:
    """A file that looks like a leftover, and is somebody's."""
    name, write = WRITERS[kind]

    def make(folder: Path) -> Callable[[], None]:
        (folder / what).write_text("mine")
        return lambda: write(folder / name)

    def check(folder: Path) -> None:
        assert (folder / what).read_text() == "mine"

    return Case(f"{kind}: beside {what}", make, check=check)


CASES += [
    keeping(kind, name)
    for kind in ("file", "store")
    for name in (
        "b.tmp", "a.tmp", ".a", "a.txt.12.tmp", ".hidden", ".a.txt.12.TMP", ".a.txt.x.tmpx",
        "a.txt.lock", "x.a.txt.12.tmp", ".a.12.tmp.txt", ".a.txt.12.tm",
    )
]  # fmt: skip


def other_target(folder: Path) -> Callable[[], None]:
    """A living writer's temporary file, of a target whose name begins alike."""
    path = folder / "a"

    def write() -> None:
        with atomic_file(folder / "a.txt") as first:
            first.write_text("first")
            _file(path)
            assert first.read_text() == "first"

    return write


def both(folder: Path) -> None:
    assert (folder / "a").read_text() == "new"
    assert (folder / "a.txt").read_text() == "first"


CASES.append(
    Case("file: beside a living writer of a name that begins alike", other_target, check=both)
)

# ---- what stands in the place of a target ----

CASES += [
    beside("file", "a folder of its name", Path.mkdir, "must be a file to write, got a folder"),
    beside("submission", "a folder of its name", Path.mkdir, "must be a file to write"),
    beside("folder", "a file of its name", Path.touch, "must be a folder to write, got a file"),
    beside("store", "a file of its name", Path.touch, "must be a folder for a store, got a file"),
    beside("file", "a file of its name", Path.touch),
    beside("file", "a link of its name", lambda p: p.symlink_to("nothing")),
    beside("store", "a half store of its name", lambda p: [
        write_store(p), shutil.rmtree(p / "shards" / "00001"), (p / "catalog.parquet").unlink()]),
    beside("folder", "the old one set aside", lambda p: [
        p.with_name(".a.old").mkdir(), (p.with_name(".a.old") / "old").touch()]),
    beside("folder", "the old one set aside, and the new one", lambda p: [
        p.mkdir(), p.with_name(".a.old").mkdir()]),
]  # fmt: skip


def failing(kind: str, error: type[BaseException]) -> Case:
    """The writing of a target below new folders fails."""
    name, _ = WRITERS[kind]

    def fail(*_: object) -> dict:
        raise error("it fails")

    def write(path: Path) -> None:
        if kind == "store":
            rows, _ = stores.contents(0)
            make_store("test", path, {}, [Shard(rows, fail)], force=False)
        elif kind == "submission":
            submission.write_blocks(path, map(fail, [1]))
        else:
            with atomic_file(path) if kind == "file" else atomic_folder(path):
                fail()

    return Case(
        f"{kind}: {error.__name__} before it is whole",
        lambda folder: lambda: write(folder / "new" / "er" / name),
        ("it fails",),
    )


CASES += [
    failing(kind, error)
    for kind in ("file", "folder", "store", "submission")
    for error in (ValueError, TypeError, OSError, FloatingPointError)
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_lock(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_lock_of_a_dead_process_is_taken_over(
    kind: str, hold: Callable[[Case], None], dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 3.0)  # it is polled for
    hold(beside(kind, "a lock of a dead process", lock(f"{dead}\n{HOST}\n")))


KILLED = """
import time
from pathlib import Path
from fwi.files import {how}
with {how}(Path({path!r})) as temporary:
    (temporary / "half" if temporary.is_dir() else temporary).write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("kind", WRITERS)
def test_what_a_killed_process_left_goes_with_the_next_writer(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, write = WRITERS[kind]
    how = "atomic_folder" if kind in ("folder", "store") else "atomic_file"
    code = KILLED.format(path=str(tmp_path / name), how=how)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        left = sorted(p.name for p in tmp_path.iterdir())
        with pytest.raises(BlockingIOError, match=f"written by process {process.pid} on {HOST}"):
            write(tmp_path / name)
        assert sorted(p.name for p in tmp_path.iterdir()) == left
        process.send_signal(signal.SIGKILL)
    assert len(left) == 2
    monkeypatch.setattr(locks, "PATIENCE", 3.0)  # it is polled for
    write(tmp_path / name)
    whole(kind)(tmp_path)


def test_a_temporary_file_is_never_opened_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where its name could be foreseen."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    monkeypatch.setattr(locks.secrets, "token_hex", lambda _: "ghost")  # no leftover's name
    (tmp_path / ".a.txt.ghost.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError, match=r"a\.txt cannot be written: file exists"):
        _file(tmp_path / "a.txt")
    assert victim.read_text() == "kept"
    assert not (tmp_path / "a.txt").exists()


def test_temporary_names_cannot_be_foreseen(tmp_path: Path) -> None:
    names = set()
    for _ in range(20):
        with atomic_file(tmp_path / "a.txt") as temporary:
            names.add(temporary.name)
            assert temporary.parent == tmp_path
    assert len(names) == 20


def test_a_file_keeps_the_rights_that_new_files_have(tmp_path: Path) -> None:
    _file(tmp_path / "a.txt")
    (tmp_path / "b.txt").touch()
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_parquet_of_a_leftover_run_is_none(tmp_path: Path) -> None:
    """What stands in a store's folder beside its shards is left alone."""
    write_store(tmp_path / "a")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a" / "mine.parquet")
    _store(tmp_path / "a")
    assert (tmp_path / "a" / "mine.parquet").exists()
