"""Where the files are, in both layouts of the competition."""

from pathlib import Path

import numpy as np
import pytest

from fwi.data.formats import find_test_files, find_training_files, open_gathers


def touch(root: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("inside", ["", "train_samples"])
def test_both_layouts_are_paired(tmp_path: Path, inside: str) -> None:
    root = tmp_path / inside
    touch(root, "FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy")
    touch(root, "CurveFault_B/seis2_1_0.npy", "CurveFault_B/vel2_1_0.npy")
    faulted, flat = find_training_files(tmp_path)
    assert (faulted.family, flat.family) == ("CurveFault_B", "FlatVel_A")
    assert faulted.gathers == root / "CurveFault_B/seis2_1_0.npy"
    assert faulted.maps == root / "CurveFault_B/vel2_1_0.npy"
    assert flat.gathers == root / "FlatVel_A/data/data1.npy"
    assert flat.maps == root / "FlatVel_A/model/model1.npy"


def test_files_stand_in_natural_order(tmp_path: Path) -> None:
    for i in (10, 2, 1):
        touch(tmp_path, f"Style_A/data/data{i}.npy", f"Style_A/model/model{i}.npy")
        touch(tmp_path, f"FlatFault_A/seis{i}_1_0.npy", f"FlatFault_A/vel{i}_1_0.npy")
    names = [file.gathers.stem for file in find_training_files(tmp_path)]
    assert names == ["seis1_1_0", "seis2_1_0", "seis10_1_0", "data1", "data2", "data10"]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "A/data/data1.npy", "A/model/model1.npy", "A/data/notes.npy", "A/seis1.npy")
    touch(tmp_path, "A/model/data2.npy", "readme.npy", "train.csv")
    assert len(find_training_files(tmp_path)) == 1


@pytest.mark.parametrize(
    ("gathers", "maps"),
    [("A/data/data1.npy", "A/model/model1.npy"), ("A/seis2_1_0.npy", "A/vel2_1_0.npy")],
)
def test_missing_partner_is_named(tmp_path: Path, gathers: str, maps: str) -> None:
    touch(tmp_path, gathers)
    with pytest.raises(FileNotFoundError, match="has no maps beside it") as refused:
        find_training_files(tmp_path)
    assert str(tmp_path / maps) in str(refused.value)


def test_empty_folder_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no training files, expected <Family>/data"):
        find_training_files(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"holds no \.npy file"):
        find_test_files(tmp_path)


@pytest.mark.parametrize("find", [find_training_files, find_test_files])
def test_missing_folder_is_named(tmp_path: Path, find: type) -> None:
    with pytest.raises(FileNotFoundError, match="none is not a folder; check the path"):
        find(tmp_path / "none")


@pytest.mark.parametrize("inside", ["", "test"])
def test_test_files_stand_by_name(tmp_path: Path, inside: str) -> None:
    touch(tmp_path / inside, "00b.npy", "00a.npy", "notes.txt")
    assert [file.name for file in find_test_files(tmp_path)] == ["00a.npy", "00b.npy"]


def test_one_sample_gets_its_batch_axis(tmp_path: Path) -> None:
    one = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.save(tmp_path / "one.npy", one)
    np.save(tmp_path / "many.npy", one[None])
    assert np.array_equal(open_gathers(tmp_path / "one.npy"), one[None])
    assert np.array_equal(open_gathers(tmp_path / "many.npy"), one[None])


@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (1, 2, 3, 4, 5)])
def test_other_ranks_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match=r"must be \(shots, time, receivers\) or .*; reshape"):
        open_gathers(tmp_path / "a.npy")


def test_file_without_samples_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.empty((0, 5, 9, 4), np.float32))
    with pytest.raises(ValueError, match=r"hold no sample, got \(0, 5, 9, 4\); remove the file"):
        open_gathers(tmp_path / "a.npy")
