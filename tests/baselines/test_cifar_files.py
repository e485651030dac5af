"""Reading CIFAR-10's two archives, and refusing what only looks like them."""

import gzip
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fwi.baselines.cifar_files import read_cifar10

NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def batches() -> dict[str, tuple[np.ndarray, list[int]]]:
    """Six batches of four images, their first byte telling the batch."""
    rng = np.random.default_rng(0)
    made = {}
    for i, name in enumerate(NAMES):
        data = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
        data[:, 0] = i
        made[name] = data, rng.integers(0, 10, 4).tolist()
    return made


def pickled(data: object, labels: object, protocol: int = 2) -> bytes:
    return pickle.dumps({b"data": data, b"labels": labels, b"batch_label": b"x"}, protocol)


def binary(data: np.ndarray, labels: list[int]) -> bytes:
    return b"".join(bytes([label]) + row.tobytes() for row, label in zip(data, labels, strict=True))


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["python 2", "python 5", "binary", "folder"])
def test_both_versions_hold_the_same_images(kind: str, tmp_path: Path) -> None:
    made = batches()
    if kind == "binary":
        files = {f"{name}.bin": binary(*batch) for name, batch in made.items()}
    else:
        protocol = 5 if kind == "python 5" else 2
        files = {name: pickled(*batch, protocol) for name, batch in made.items()}
    if kind == "folder":
        path = tmp_path
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
    else:
        path = archive(tmp_path / "cifar.tar.gz", files)
    images = read_cifar10(path)
    assert images.train.shape == (20, 3, 32, 32)
    assert images.train.dtype == np.float32
    data = np.concatenate([made[name][0] for name in NAMES[:5]])
    np.testing.assert_array_equal(
        np.round(images.train * 255).astype(np.uint8).reshape(20, -1), data
    )
    assert images.train_labels.tolist() == [label for name in NAMES[:5] for label in made[name][1]]
    assert images.test_labels.tolist() == made["test_batch"][1]
    # Channel by channel, row by row, as the format says.
    assert images.test[2, 1, 3, 4] == np.float32(made["test_batch"][0][2, 1024 + 3 * 32 + 4]) / 255


class Command:
    """What a hostile pickle would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Ask for a shell."""
        return os.system, ("touch ran",)


def test_a_pickle_that_asks_for_code_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {name: pickled(*batch) for name, batch in batches().items()}
    files["data_batch_3"] = pickled(Command(), [1])
    with pytest.raises(ValueError, match=r"data_batch_3 .*system, which is not admitted"):
        read_cifar10(archive(tmp_path / "c.tar.gz", files))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no pickle", "data_batch_2 is not a batch of CIFAR-10"),
        (pickle.dumps([1, 2]), "data_batch_2 is not a batch of CIFAR-10"),
        (pickled(np.zeros((4, 3000), np.uint8), [0] * 4), "must hold"),
        (pickled(np.zeros((4, 3072), np.float32), [0] * 4), "must hold"),
        (pickled(np.zeros((4, 3072), np.uint8), [0] * 3), "must hold"),
        (pickled(np.zeros((4, 3072), np.uint8), [0, 1, 2, 10]), "must hold"),
    ],
)
def test_a_damaged_batch_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    files = {name: pickled(*batch) for name, batch in batches().items()}
    with pytest.raises(ValueError, match=said):
        read_cifar10(archive(tmp_path / "c.tar.gz", files | {"data_batch_2": content}))


def test_half_records_missing_batches_and_other_files_are_refused(tmp_path: Path) -> None:
    files = {f"{name}.bin": binary(*batch) for name, batch in batches().items()}
    cut = files | {"test_batch.bin": files["test_batch.bin"][:-1]}
    with pytest.raises(ValueError, match=r"test_batch\.bin must be whole records of 3073 bytes"):
        read_cifar10(archive(tmp_path / "cut.tar.gz", cut))
    del files["data_batch_4.bin"]
    with pytest.raises(FileNotFoundError, match="must hold data_batch_4; download it again"):
        read_cifar10(archive(tmp_path / "less.tar.gz", files))
    with pytest.raises(FileNotFoundError, match="CIFAR-10 is not at"):
        read_cifar10(tmp_path / "none.tar.gz")
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(ValueError, match="is not a readable tar archive"):
        read_cifar10(tmp_path / "text")


def test_a_damaged_archive_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    files = {name: pickled(*batch) for name, batch in batches().items()}
    path = archive(tmp_path / "c.tar.gz", files)
    sound = path.read_bytes()
    start = sound.index(b"\0", 10) + 1  # past gzip's header, whose time and name nothing checks
    last = range(len(sound) - 8, len(sound))  # the checksum and the length
    places = np.random.default_rng(0).integers(start, last[0], 100).tolist()
    for place in [start, *places, *last]:
        damaged = bytearray(sound)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"is not a readable tar archive \(\w+\); download"):
            read_cifar10(path)
    for end in (start, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:end])
        with pytest.raises(ValueError, match=r"is not a readable tar archive \(\w+\); download"):
            read_cifar10(path)


def test_an_archive_that_is_not_compressed_is_read(tmp_path: Path) -> None:
    files = {name: pickled(*batch) for name, batch in batches().items()}
    packed = archive(tmp_path / "c.tar.gz", files)
    (tmp_path / "c.tar").write_bytes(gzip.decompress(packed.read_bytes()))
    np.testing.assert_array_equal(
        read_cifar10(tmp_path / "c.tar").train, read_cifar10(packed).train
    )
