"""Submissions: written, read back, and every fault of a file named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwi.competition import submission

COLUMNS = [f"x_{i}" for i in range(1, 70, 2)]
# Two decimals are written, then read as float32 near 5,000 m/s (spacing 0.0005).
WRITTEN = 0.005 + 0.0005
IDS = st.text(st.characters(exclude_categories=["C"], exclude_characters="\n\r"), min_size=1)


def maps(n: int, seed: int = 0) -> npt.NDArray:
    """Draw velocity maps (n, 70, 70), m/s."""
    return np.random.default_rng(seed).uniform(1500, 5000, (n, 70, 70))


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """The lines of the valid submission a.csv of b and a, which sample.csv asks for in order."""
    submission.write(tmp_path / "a.csv", ["b", "a"], maps(2))
    submission.write(tmp_path / "sample.csv", ["b", "a"], np.full((2, 70, 70), 3000.0))
    return (tmp_path / "a.csv").read_text().splitlines()


def test_header_and_row_names_are_the_competitions(lines: list[str]) -> None:
    assert lines[0] == "oid_ypos," + ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"{oid}_y_{row}" for oid in "ba" for row in range(70)
    ]


def test_values_are_the_odd_columns(lines: list[str]) -> None:
    written = np.array([line.split(",")[1:] for line in lines[1:]], float).reshape(2, 70, 35)
    np.testing.assert_allclose(written, maps(2)[..., 1::2], atol=WRITTEN, rtol=0)


@pytest.mark.filterwarnings("ignore::fwi.checks.UnusualInput")  # maps of zeros are tried too
@settings(deadline=None, max_examples=30)
@given(
    ids=st.lists(IDS, min_size=1, max_size=3, unique=True),
    values=st.lists(st.floats(0, 8192, width=32), min_size=9, max_size=9),
)
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], values: list[float]
) -> None:
    path = tmp_path_factory.mktemp("submission") / "a.csv"
    velocity = np.resize(np.array(values, np.float32), (len(ids), 70, 70))
    submission.write(path, ids, velocity)
    read, scored = submission.read(path)
    assert read == ids
    np.testing.assert_allclose(scored, velocity[..., 1::2], atol=WRITTEN, rtol=0)
    assert submission.validate(path) == submission.validate(path, path) == 70 * len(ids)


@pytest.mark.parametrize("oid", ["a_y_1", "a_y_1_y_2", 'quo"te', "com,ma", " space ", "null", "1"])
def test_awkward_id_survives(tmp_path: Path, oid: str) -> None:
    submission.write(tmp_path / "a.csv", [oid, "a"], maps(2))
    assert submission.sample_ids(tmp_path / "a.csv") == [oid, "a"]
    assert submission.validate(tmp_path / "a.csv", tmp_path / "a.csv") == 140


def test_more_maps_than_a_block_keep_their_order(tmp_path: Path) -> None:
    velocity = np.empty((1025, 70, 70), np.float32)
    velocity[:] = np.arange(1025)[:, None, None]
    ids = [f"{i:x}" for i in range(1025)]
    submission.write(tmp_path / "a.csv", ids, velocity)
    read, scored = submission.read(tmp_path / "a.csv")
    assert read == ids
    assert np.array_equal(scored, velocity[..., 1::2])


def test_blocks_follow_the_sample(tmp_path: Path, lines: list[str]) -> None:
    ids = submission.sample_ids(tmp_path / "sample.csv")
    blocks = list(submission.blocks_in_order(ids, {"a": 0, "b": 1, "c": 2}, lambda i: maps(3)[i]))
    assert [names for names, _ in blocks] == [["b", "a"]]
    assert np.array_equal(blocks[0][1], maps(3)[[1, 0]])


def test_id_without_prediction_is_named() -> None:
    blocks = submission.blocks_in_order(["a", "b"], {"a": 0}, lambda i: maps(1)[i])
    with pytest.raises(ValueError, match=r"1 ids of the sample .* the first is 'b'; infer"):
        next(blocks)


def cell(line: int, column: int, text: str) -> Callable[[list[str]], list[str]]:
    """Make a fault: another text in one cell."""

    def change(lines: list[str]) -> list[str]:
        cells = lines[line].split(",")
        cells[column] = text
        return [*lines[:line], ",".join(cells), *lines[line + 1 :]]

    return change


def without_column(lines: list[str]) -> list[str]:
    """Make a fault: x_1 is missing."""
    return [",".join([line.split(",")[0], *line.split(",")[2:]]) for line in lines]


FAULTS = {
    "column missing": (without_column, "lacks the column 'x_1'"),
    "header reordered": (
        lambda lines: [lines[0].replace("x_1,x_3,", "x_3,x_1,"), *lines[1:]],
        "must have the columns oid_ypos, x_1 ... x_69 in order",
    ),
    "column too many": (lambda lines: [lines[0] + ",x_70", *lines[1:]], "must have the columns"),
    "no header": (lambda lines: lines[1:], "lacks the column 'oid_ypos'"),
    "row missing": (lambda lines: lines[:5] + lines[6:], "lacks 1 rows, the first is 'b_y_4'"),
    "row doubled": (lambda lines: [*lines, lines[3]], "row 'b_y_2' more than once"),
    "value blank": (cell(2, 4, ""), "missing or non-finite value in row 'b_y_1'"),
    "value NaN": (cell(2, 4, "NaN"), "missing or non-finite value in row 'b_y_1'"),
    "value inf": (cell(140, 35, "inf"), "missing or non-finite value in row 'a_y_69'"),
    "value -inf": (cell(140, 35, "-inf"), "missing or non-finite value in row 'a_y_69'"),
    "text in a number": (cell(3, 2, "12a"), "not a readable submission.*12a"),
    "field too many": (cell(3, 2, "1,2"), "not a readable submission"),
    "field missing": (
        lambda lines: [*lines[:-1], lines[-1][:-8]],
        "missing or non-finite .*a_y_69",
    ),
    "blank id": (lambda lines: [*lines, "," + "1.0," * 34 + "1.0"], "no oid_ypos in row 141"),
    "blank line": (lambda lines: [*lines, ""], "no oid_ypos in row 141"),
    "empty": (lambda lines: [], "lacks the column 'oid_ypos'"),
    "header alone": (lambda lines: lines[:1], "has no rows"),
}
UNKNOWN = {
    "unknown id": (lambda lines: [*lines, *(f"c{line[1:]}" for line in lines[-70:])], "'c_y_0'"),
    "row 70": (lambda lines: [*lines, lines[-1].replace("y_69", "y_70")], "'a_y_70'"),
    "row 007": (lambda lines: [*lines, lines[-1].replace("y_69", "y_007")], "'a_y_007'"),
    "huge row": (lambda lines: [*lines, lines[-1].replace("y_69", "y_" + "9" * 30)], "'a_y_9{30}'"),
    "other digits": (lambda lines: [*lines, lines[-1].replace("y_69", "y_\u0663")], "'a_y_\u0663'"),
    "no row": (lambda lines: [*lines, lines[-1].replace("a_y_69", "a")], "'a'"),
}


@pytest.mark.parametrize("with_sample", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named(tmp_path: Path, lines: list[str], fault: str, with_sample: bool) -> None:
    change, said = FAULTS[fault]
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{line}\n" for line in change(lines)))
    with pytest.raises(ValueError, match=said) as refused:
        submission.validate(path, tmp_path / "sample.csv" if with_sample else None)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("fault", UNKNOWN)
def test_unknown_row_is_named(tmp_path: Path, lines: list[str], fault: str) -> None:
    change, said = UNKNOWN[fault]
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{line}\n" for line in change(lines)))
    with pytest.raises(ValueError, match="that the sample submission lacks, the first is " + said):
        submission.validate(path, tmp_path / "sample.csv")


@pytest.mark.parametrize("fault", sorted({*FAULTS, *UNKNOWN} - {"header alone", "unknown id"}))
def test_faulty_file_is_not_read(tmp_path: Path, lines: list[str], fault: str) -> None:
    change, _ = (FAULTS | UNKNOWN)[fault]
    (tmp_path / "a.csv").write_text("".join(f"{line}\n" for line in change(lines)))
    with pytest.raises(ValueError, match=r"a\.csv|oid_ypos must read"):
        submission.read(tmp_path / "a.csv")


def test_rows_in_another_order_are_valid_but_not_read(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "a.csv").write_text("\n".join([lines[0], *lines[:0:-1]]))
    assert submission.validate(tmp_path / "a.csv", tmp_path / "sample.csv") == 140
    with pytest.raises(ValueError, match="rows 0 to 69 of each map in order"):
        submission.read(tmp_path / "a.csv")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path, lines: list[str]) -> None:
    content = "\n".join(lines).encode() + b"\n\xff\xfe_y_0" + b",1" * 35
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match="not a readable submission"):
        submission.validate(tmp_path / "a.csv")


def test_missing_files_are_named(tmp_path: Path, lines: list[str]) -> None:
    for path, sample in (("no.csv", "sample.csv"), ("a.csv", "no.csv")):
        with pytest.raises(FileNotFoundError, match=r"no\.csv does not exist"):
            submission.validate(tmp_path / path, tmp_path / sample)


@pytest.mark.parametrize(
    ("ids", "velocity", "said"),
    [
        (["a"], np.full((1, 70, 70), np.nan), "velocity must be finite, got 4900 NaN"),
        (["a", "b"], np.stack([maps(1)[0], np.full((70, 70), np.inf)]), r"first at \(1, 0, 0\)"),
        (["a"], np.ones((1, 70, 69)), r"\(1, 70, 70\), got \(1, 70, 69\)"),
        (["a"], np.ones((70, 70)), "one a map, got 1 ids for 70 maps"),
        (["a"], maps(2), "one a map, got 1 ids for 2 maps"),
        ([""], maps(1), "must read <oid>_y_<0..69>, got '_y_0'"),
        (["a\nb"], maps(1), "must read <oid>_y_<0..69>, got"),
        (["a", "a"], maps(2), "must not repeat, got 'a' twice"),
        ([str(i % 600) for i in range(601)], np.ones((601, 70, 70)), "must not repeat, got '0'"),
    ],
    ids=[
        "NaN",
        "inf",
        "columns",
        "rank",
        "count",
        "empty id",
        "line break",
        "doubled",
        "doubled in another block",
    ],
)
def test_refused_write_leaves_the_old_file(
    tmp_path: Path, ids: list[str], velocity: npt.NDArray, said: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match=said):
        submission.write(path, ids, velocity)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("small_disk")
def test_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="the disk is full while writing"):
        submission.write(path, [str(i) for i in range(10)], maps(10))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
