"""Folds of whole files, of whole families, and OpenFWI's own."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.config import PrepareConfig
from fwi.data.fold_rules import folds_by_family, folds_by_file, own_split, spread

FILES = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(1, 20)), min_size=12, max_size=30
)  # the family and the size of each file


def laid_out(files: list[tuple[str, int]]) -> tuple[list[str], list[str]]:
    """Name the family and the file of each sample."""
    pairs = [(f, f"{f}/{i}.npy") for i, (f, n) in enumerate(files) for _ in range(n)]
    return [family for family, _ in pairs], [file for _, file in pairs]


def gap(folds: np.ndarray, n_folds: int) -> int:
    """Say by how much the sizes of folds differ."""
    sizes = np.bincount(folds, minlength=n_folds)
    return int(sizes.max() - sizes.min())


@given(FILES, st.integers(2, 12), st.integers(0, 99))
def test_a_file_lies_in_one_fold_and_folds_are_balanced(
    files: list[tuple[str, int]], n_folds: int, seed: int
) -> None:
    families, names = laid_out(files)
    folds = folds_by_file(families, names, n_folds, seed)
    assert np.array_equal(folds, folds_by_file(families, names, n_folds, seed))
    assert len({(name, int(fold)) for name, fold in zip(names, folds, strict=True)}) == len(files)
    assert folds.min() >= 0
    assert folds.max() < n_folds
    for family in set(families):
        members = np.asarray(families) == family
        assert gap(folds[members], n_folds) <= max(n for f, n in files if f == family)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(2, 12))
def test_files_of_one_size_are_spread_to_the_file(counts: list[int], n_folds: int) -> None:
    """As OpenFWI's are: 500 samples a file; here 3."""
    files = [(family, 3) for family, n in zip("ABCD", counts, strict=False) for _ in range(n)]
    families, names = laid_out(files)
    if len(files) < n_folds:
        with pytest.raises(ValueError, match=rf"at most as many as the files, {len(files)}, got"):
            folds_by_file(families, names, n_folds, 0)
        return
    folds = folds_by_file(families, names, n_folds, 0)
    assert gap(folds, n_folds) <= 3
    for family in set(families):
        assert gap(folds[np.asarray(families) == family], n_folds) <= 3


def test_another_seed_shuffles_files() -> None:
    families, names = laid_out([("A", 5)] * 40)
    first, second = (folds_by_file(families, names, 4, seed) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_a_fold_is_a_family() -> None:
    assert folds_by_family(["Style_B", "FlatVel_A", "Style_B", "Own"]).tolist() == [2, 0, 2, 1]
    with pytest.raises(ValueError, match="2 families or more, got Own alone"):
        folds_by_family(["Own"] * 3)


def test_openfwis_own_split_is_that_of_its_numbers() -> None:
    """The numbers of the published lists: 1..48 of 60, 0..31 of 36, 1..120 of 134 files train."""
    layouts = {
        "FlatVel_A": [f"FlatVel_A/data/data{i}.npy" for i in range(1, 61)],
        "CurveFault_B": [f"CurveFault_B/seis7_1_{i}.npy" for i in range(36)],
        "Style_A": [f"Style_A/data/data{i}.npy" for i in range(1, 135)],
    }
    names = [(family, file) for family, files in layouts.items() for file in files]
    folds = own_split(*zip(*names, strict=True))  # type: ignore[call-arg]
    held = Counter((family, fold) for (family, _), fold in zip(names, folds, strict=True))
    assert held == {
        ("FlatVel_A", -1): 48, ("FlatVel_A", 0): 12,
        ("CurveFault_B", -1): 32, ("CurveFault_B", 0): 4,
        ("Style_A", -1): 120, ("Style_A", 0): 14,
    }  # fmt: skip
    first = {file: fold for (_, file), fold in zip(names, folds, strict=True)}
    assert first["CurveFault_B/seis7_1_31.npy"] == first["FlatVel_A/data/data48.npy"] == -1
    assert first["CurveFault_B/seis7_1_32.npy"] == first["FlatVel_A/data/data49.npy"] == 0


@pytest.mark.parametrize(
    ("family", "file", "said"),
    [
        ("FlatVel_A", "data1.npy", "numbered above 48"),
        ("Own", "data60.npy", "got data60.npy of Own"),
        ("FlatVel_A", "data.npy", "got data.npy of FlatVel_A"),
    ],
)
def test_what_has_no_split_of_openfwi_is_refused(family: str, file: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        own_split([family], [file])


def test_the_rule_is_the_sections() -> None:
    families, files = ["A", "A", "B", "B"], ["1", "2", "3", "4"]
    assert spread(PrepareConfig(folds="none"), families, files) == [-1] * 4
    assert spread(PrepareConfig(folds="family"), families, files) == [0, 0, 1, 1]
    assert sorted(spread(PrepareConfig(folds="file", n_folds=4), families, files)) == [0, 1, 2, 3]
    assert sorted(spread(PrepareConfig(n_folds=4), families, files)) == [0, 1, 2, 3]
    assert spread(PrepareConfig(predictions=Path("p")), families, files) == [-1] * 4
    given = PrepareConfig(predictions=Path("p"), folds="random", n_folds=4)
    assert sorted(spread(given, families, files)) == [0, 1, 2, 3]
