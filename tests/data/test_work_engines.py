"""Work on Ray: the bytes, the sentences and the folders of work in this process."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwi.checks import UnusualInput, warn_unusual
from fwi.config import Config, MachineConfig
from fwi.data.inputs import Part, open_gather_inputs
from fwi.data.map_inputs import open_map_inputs
from fwi.data.shards import Shard, make_store
from fwi.data.store import Store
from fwi.execution import Shared, carry_out, tasks
from fwi.execution.cluster import connected
from fwi.execution.shared import pack, unpack
from fwi.execution.worker import Origin, perform
from fwi.files import staged_part
from fwi.progress import Advance

ray = pytest.importorskip("ray")

LOCAL, RAY = MachineConfig(), MachineConfig(engine="ray")
# Of the processes and pipes that Ray keeps open as long as it runs.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A Ray of this machine, which all tests of the module share."""
    os.environ.pop("RAY_ADDRESS", None)
    with connected(RAY, networks=False):
        yield


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Six files of a map each, by relative paths."""
    monkeypatch.chdir(tmp_path)
    paths = [Path(f"{name}.npy") for name in "abcdef"]
    for i, path in enumerate(paths):
        np.save(path, np.full((1, 6, 5), 2000.0 + i))
    return paths


def build(folder: str, files: list[Path], machine: MachineConfig) -> Store:
    """Make a store, a shard a file, of which the first ones take the longest."""

    def shard(i: int, file: Path) -> Shard:
        def make(advance: Advance) -> dict[str, Any]:
            time.sleep(0.1 / (i + 1))
            advance()
            return {"maps": np.load(file)}

        rows = {"sample_id": [file.stem], "family": ["A"], "fold": [0], "origin": [str(file)]}
        return Shard(rows, make, (file,))

    shards = [shard(i, file) for i, file in enumerate(files)]
    return make_store("test", Path(folder), {"a": 1}, shards, force=False, machine=machine)


def tree(folder: Path | str) -> dict[str, bytes]:
    """Give the bytes of all files below a folder."""
    folder = Path(folder)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def results(work: Callable[[Any, Advance], Any], pieces: Any, machine: MachineConfig) -> list[Any]:
    """Do some work, and give what was made and the steps that were counted."""
    made: list[Any] = []
    steps: list[int] = []
    carry_out(
        machine, work, pieces, lambda n=1, note=None: steps.append(n),
        lambda piece, result: made.append((piece, result)),
    )  # fmt: skip
    return [*sorted(made), sum(steps)]


@pytest.mark.usefixtures("cluster")
def test_the_bytes_do_not_depend_on_the_engine(files: list[Path]) -> None:
    build("local", files, LOCAL)
    build("ray", files, RAY).verify()
    assert tree("ray") == tree("local")
    assert sorted(p.name for p in Path().iterdir() if p.is_dir()) == ["local", "ray"]


@pytest.mark.usefixtures("cluster")
def test_a_shard_that_fails_is_told_as_it_is_here_and_the_others_are_kept(
    files: list[Path],
) -> None:
    good = np.load(files[2])
    np.save(files[2], good * np.nan)
    said = []
    for folder, machine in (("local", LOCAL), ("ray", RAY)):
        with pytest.raises(ValueError, match="maps of shard 2 must be finite") as error:
            build(folder, files, machine)
        said.append(str(error.value))
    assert said[0] == said[1]
    kept = {p.name for p in Path("ray/shards").iterdir()}
    assert {"00000", "00001"} <= kept < {f"{i:05d}" for i in range(6)}
    np.save(files[2], good)
    build("local", files, LOCAL)
    build("ray", files, RAY)
    new, old = tree("ray"), tree("local")
    assert new == old


@pytest.mark.usefixtures("cluster")
def test_a_first_shard_that_fails_leaves_nothing(files: list[Path]) -> None:
    np.save(files[0], np.full((1, 6, 5), np.nan))
    with pytest.raises(ValueError, match="must be finite"):
        build("new/ray", files[:1], RAY)
    assert not Path("new").exists()


@pytest.mark.usefixtures("cluster")
def test_a_task_whose_worker_is_killed_is_done_again(tmp_path: Path) -> None:
    def work(piece: int, advance: Advance) -> int:
        mark = tmp_path / str(piece)
        if piece == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        advance(10)
        return piece * piece

    assert results(work, range(4), RAY) == [(0, 0), (1, 1), (2, 4), (3, 9), 40]
    assert (tmp_path / "1").exists()


@pytest.mark.usefixtures("cluster")
def test_a_task_that_kills_every_worker_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_RETRIES", 0)

    def work(piece: int, _: Advance) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="a task of Ray must end, got it lost with its"):
        results(work, [0], RAY)


@pytest.mark.usefixtures("cluster")
def test_pieces_are_asked_for_as_they_are_needed() -> None:
    asked: list[int] = []
    ahead: list[int] = []

    def pieces() -> Iterator[int]:
        for i in range(60):
            asked.append(i)
            yield i

    done: list[int] = []

    def finish(piece: int, _: None) -> None:
        done.append(piece)
        ahead.append(len(asked) - len(done))

    places = int(ray.cluster_resources()["CPU"])
    carry_out(RAY, lambda piece, _: None, pieces(), lambda *_, **__: None, finish)
    assert sorted(done) == list(range(60))
    assert max(ahead) <= 2 * places


@pytest.mark.usefixtures("cluster")
def test_what_is_shared_travels_to_a_process_once() -> None:
    shared = Shared(np.arange(5))

    def work(piece: tuple[int, Shared], _: Advance) -> tuple[int, int, int]:
        return os.getpid(), id(piece[1].value), int(piece[1].value[piece[0]])

    made: list[tuple[int, int, int]] = []
    pieces = [(i % 5, shared) for i in range(30)]
    carry_out(RAY, work, pieces, lambda *_, **__: None, lambda _, result: made.append(result))
    assert sorted(value for _, _, value in made) == sorted(i % 5 for i in range(30))
    assert os.getpid() not in {process for process, _, _ in made}
    assert len({(process, place) for process, place, _ in made}) == len({p for p, _, _ in made})


@pytest.mark.usefixtures("cluster")
def test_a_warning_of_a_worker_is_heard() -> None:
    def work(piece: int, _: Advance) -> None:
        warn_unusual("gathers are odd; look at them")

    with pytest.warns(UnusualInput, match="gathers are odd; look at them"):
        results(work, [0], RAY)


@pytest.mark.usefixtures("cluster")
def test_tasks_have_the_threads_that_the_config_gives_them() -> None:
    def work(piece: int, _: Advance) -> str:
        return os.environ["OMP_NUM_THREADS"]

    assert results(work, [0], RAY)[0] == (0, "1")
    with pytest.raises(ValueError, match="a machine of Ray must have 4096 processors for a task"):
        results(work, [0], RAY.model_copy(update={"threads": 4096}))


@pytest.mark.usefixtures("cluster")
def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    def work(piece: int, _: Advance) -> None:
        with staged_part(tmp_path / "not" / ".store.0.tmp", tmp_path / "store"):
            pass

    with pytest.raises(FileNotFoundError, match=r"must see the folder .*name one that all machin"):
        results(work, [0], RAY)


@pytest.mark.usefixtures("cluster")
def test_a_process_with_a_ray_has_its_address() -> None:
    with pytest.raises(ValueError, match=r"machine\.address must be left out in a process"):
        results(lambda *_: None, [0], RAY.model_copy(update={"address": "auto"}))


def test_no_ray_at_an_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    nobody = RAY.model_copy(update={"address": "127.0.0.1:9"})  # the port that discards
    with pytest.raises(ConnectionError, match=r"a Ray at 127\.0\.0\.1:9, got no answer"):
        results(lambda *_: None, [0], nobody)
    monkeypatch.setenv("RAY_ADDRESS", "ray://somewhere")
    with pytest.raises(ValueError, match="RAY_ADDRESS must be auto or host:port"):
        results(lambda *_: None, [0], RAY)


def test_a_missing_library_is_one_sentence_and_nothing_is_written(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'fwi\[ray\]'"):
        build("new/ray", files, RAY)
    assert not Path("new").exists()


def test_a_machine_with_other_code_is_refused() -> None:
    with pytest.raises(ValueError, match="must have the versions of fwi, numpy and numba"):
        perform(Origin(".", 0), b"", [])


def test_a_part_of_a_store_travels_alone(small_store: Store, small_config: Config) -> None:
    for inputs in (open_gather_inputs(small_store.path), open_map_inputs(small_store.path)):
        packed, shared = pack(Part(inputs, range(8, 23)))
        assert not shared
        part = unpack(packed, lambda _: pytest.fail("nothing is shared"))
        assert part.span == range(15)
        assert part.inputs.rows_of(part.span) == inputs.rows_of(range(8, 23))
        found = part.inputs.read(range(1, 15))
        assert np.array_equal(found, inputs.read(range(9, 23)))
        more = len(pack(Part(inputs, range(8, 24)))[0]) - len(packed)
        assert more < 1000  # bytes a sample: no gathers


def test_a_part_of_files_travels_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(4, 5, 1000, 70)).astype(np.float32))
    inputs = open_gather_inputs(tmp_path)
    packed, _ = pack(Part(inputs, range(3, 9)))
    part = unpack(packed, lambda _: pytest.fail("nothing is shared"))
    assert part.inputs.sources_of(part.span) == inputs.sources_of(range(3, 9))
    assert np.array_equal(part.inputs.read(range(6)), inputs.read(range(3, 9)))
    assert len(packed) < 100_000  # of 8 MB
