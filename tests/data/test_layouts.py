"""Which files belong together, in every layout and naming that the field uses."""

from pathlib import Path

import numpy as np
import pytest

from fwi.data.layouts import find_map_files, find_sources
from fwi.data.roles import family_of, role_of


def touch(root: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


PAIRS = [
    ("FlatVel_A/data/data1.npy", "FlatVel_A/model/model1.npy", "FlatVel_A"),
    ("CurveFault_B/seis2_1_0.npy", "CurveFault_B/vel2_1_0.npy", "CurveFault_B"),
    ("Style_A/seismic12.npy", "Style_A/vmodel12.npy", "Style_A"),
    ("Style_A/data_7.npy", "Style_A/model_7.npy", "Style_A"),
    ("style-b/gathers3.npz", "style-b/maps3.npz", "Style_B"),
    ("flatfault a/0007/data.npy", "flatfault a/0007/velocity.npy", "FlatFault_A"),
    ("CurveVel_A/0007_seismic.h5", "CurveVel_A/0007_velocity.h5", "CurveVel_A"),
    ("CurveVel_B/seismic/0007.mat", "CurveVel_B/velocity/0007.mat", "CurveVel_B"),
    ("all/CurveFault_A_seis_3.npy", "all/CurveFault_A_vel_3.npy", "CurveFault_A"),
    ("FlatVel-B/waveforms/run1/x1.npy", "FlatVel-B/labels/run1/x1.npy", "FlatVel_B"),
    ("mine/seismic_data_1.npy", "mine/velocity_model_1.npy", "mine"),
    ("de/ep/FlatVel_A/train/data/data1.npy", "de/ep/FlatVel_A/train/model/model1.npy", "FlatVel_A"),
    ("FlatVel_A/DATA/data9.NPY", "FlatVel_A/MODEL/model9.NPY", "FlatVel_A"),
    ("a[1]$/data1.npy", "a[1]$/model1.npy", "a[1]$"),
    ("Kimberlina/obs_0001.sgy", "Kimberlina/vp_0001.npy", "Kimberlina"),
]  # fmt: skip


@pytest.mark.parametrize(("gathers", "maps", "family"), PAIRS)
def test_a_pair_is_found_by_its_names(tmp_path: Path, gathers: str, maps: str, family: str) -> None:
    touch(tmp_path, gathers, maps, "._data1.npy", ".DS_Store", "Thumbs.db")
    found = find_sources(tmp_path, with_maps=True)
    (source,) = found.sources
    assert source.gathers == (tmp_path / gathers,)
    assert source.maps == tmp_path / maps
    assert source.family == family
    assert not found.left_out


def test_all_pairs_are_found_in_one_tree(tmp_path: Path) -> None:
    for gathers, maps, _ in PAIRS:
        touch(tmp_path, gathers, maps)
    found = find_sources(tmp_path, with_maps=True)
    pairs = {(str(s.gathers[0]), str(s.maps), s.family) for s in found.sources}
    assert pairs == {(f"{tmp_path}/{g}", f"{tmp_path}/{m}", f) for g, m, f in PAIRS}
    assert len({(s.family, s.name) for s in found.sources}) == len(PAIRS)


def test_other_names_beside_do_not_drop_out(tmp_path: Path) -> None:
    """The same numbers in two namings, and in two formats, are other samples."""
    names = ("seismic1", "vmodel1", "data1", "model1", "seis1", "vel1")
    touch(tmp_path, *(f"Style_A/{n}.npy" for n in names), *(f"Style_A/{n}.npz" for n in names))
    found = find_sources(tmp_path, with_maps=True)
    assert len(found.sources) == 6
    for source in found.sources:
        assert source.maps is not None
        assert source.maps.suffix == source.gathers[0].suffix
    assert len({s.name for s in found.sources}) == 6


def test_shots_in_files_of_their_own_are_one_sample(tmp_path: Path) -> None:
    touch(tmp_path, *(f"Style_A/s1/shot{i}.npy" for i in (0, 1, 2, 10)), "Style_A/s1/model.npy")
    touch(tmp_path, *(f"Style_A/s2/shot_{i}.npy" for i in (1, 2)), "Style_A/s2/velocity.npy")
    first, second = find_sources(tmp_path, with_maps=True).sources
    assert [p.name for p in first.gathers] == ["shot0.npy", "shot1.npy", "shot2.npy", "shot10.npy"]
    assert [p.name for p in second.gathers] == ["shot_1.npy", "shot_2.npy"]
    assert (first.maps, second.maps) == (
        tmp_path / "Style_A/s1/model.npy",
        tmp_path / "Style_A/s2/velocity.npy",
    )


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    np.savez(tmp_path / "part1.npz", gathers=np.zeros((2, 5, 9, 7)), maps=np.zeros((2, 7, 7)))
    (source,) = find_sources(tmp_path, with_maps=True).sources
    assert source.gathers == (source.maps,)


def test_links_are_followed_and_loops_survived(tmp_path: Path) -> None:
    touch(tmp_path, "real/data/data1.npy", "real/model/model1.npy", "tree/readme.txt")
    (tmp_path / "tree" / "FlatVel_A").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path / "tree")
    (tmp_path / "real" / "self").symlink_to(tmp_path / "real")
    (source,) = find_sources(tmp_path / "tree", with_maps=True).sources
    assert source.family == "FlatVel_A"
    assert source.gathers == (tmp_path / "tree/FlatVel_A/data/data1.npy",)


def test_a_second_link_to_a_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "FlatVel_A/data1.npy", "FlatVel_A/model1.npy")
    (tmp_path / "Another").symlink_to(tmp_path / "FlatVel_A")
    found = find_sources(tmp_path, with_maps=True)
    assert len(found.sources) == 1
    assert found.left_out == {tmp_path / "Another": f"it is {tmp_path / 'FlatVel_A'} once more"}


def test_every_array_is_read_or_named(tmp_path: Path) -> None:
    touch(tmp_path, "A/data1.npy", "A/model1.npy", "A/model2.npy", "A/data/notes.npy", "x.npy")
    touch(tmp_path, "train.csv")
    (tmp_path / "A" / "gone.npy").symlink_to(tmp_path / "nowhere")
    found = find_sources(tmp_path, with_maps=True)
    assert len(found.sources) == 1
    assert {p.name: why for p, why in found.left_out.items()} == {
        "model2.npy": "maps without gathers",
        "notes.npy": "no maps beside it",
        "x.npy": "its name says neither gathers nor maps",
        "gone.npy": "no file, or a link to none",
        "train.csv": "no format that is read",
    }


def test_files_stand_in_natural_order(tmp_path: Path) -> None:
    for i in (10, 2, 1):
        touch(tmp_path, f"Style_A/data/data{i}.npy", f"Style_A/model/model{i}.npy")
        touch(tmp_path, f"FlatFault_A/seis{i}_1_0.npy", f"FlatFault_A/vel{i}_1_0.npy")
    names = [source.name for source in find_sources(tmp_path, with_maps=True).sources]
    assert names == ["seis1_1_0", "seis2_1_0", "seis10_1_0", "data1", "data2", "data10"]


@pytest.mark.parametrize(
    ("gathers", "maps"),
    [
        ("A/data/data1.npy", "A/model/model1.npy"),
        ("A/seis2_1_0.npy", "A/vel2_1_0.npy"),
        ("A/seismic3.npy", "A/vmodel3.npy"),
        ("A/0001/gathers.npy", "A/0001/maps.npy"),
        ("A/0001/waveforms.npy", "A/0001/velocity.npy"),
    ],
)
def test_missing_partner_is_named(tmp_path: Path, gathers: str, maps: str) -> None:
    touch(tmp_path, gathers)
    with pytest.raises(FileNotFoundError, match="has no maps beside it") as refused:
        find_sources(tmp_path, with_maps=True)
    assert str(tmp_path / maps) in str(refused.value)


def test_two_files_for_one_place_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "A/data1.npy", "A/model1.npy", "A/model_1.npy")
    with pytest.raises(ValueError, match="both hold the maps of the same samples"):
        find_sources(tmp_path, with_maps=True)


@pytest.mark.parametrize("with_maps", [True, False])
def test_nothing_to_read_says_what_is_there(tmp_path: Path, with_maps: bool) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(FileNotFoundError, match=r"must hold gathers.*got notes\.txt"):
        find_sources(tmp_path, with_maps=with_maps)


def test_test_gathers_need_no_words_in_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "00b.npy", "00a.npy", "000039dca2.npy", "._00a.npy")
    names = [source.name for source in find_sources(tmp_path, with_maps=False).sources]
    assert names == ["00a", "00b", "000039dca2"]


def test_maps_are_told_from_gathers(tmp_path: Path) -> None:
    touch(tmp_path, "model/model10.npy", "model/model2.npy", "data/data2.npy", "one.npy")
    files, left_out = find_map_files(tmp_path)
    assert [file.name for file in files] == ["model2.npy", "model10.npy", "one.npy"]
    assert left_out == {tmp_path / "data/data2.npy": "gathers, not maps"}


@pytest.mark.parametrize(
    ("name", "role"),
    [("X", "gathers"), ("y", "maps"), ("vel", "maps"), ("seismic_data", "gathers"), ("dt", None)],
)
def test_arrays_are_known_by_their_names(name: str, role: str | None) -> None:
    assert role_of(name) == role


@pytest.mark.parametrize("name", ["flatvel_a", "FlatVel-A", "FLATVEL A", "FlatVelA"])
def test_families_are_known_in_any_spelling(name: str) -> None:
    assert family_of(name) == "FlatVel_A"
    assert family_of("FlatVel") is None
