"""The OpenFWI acquisition, and the flip that mirrors its gathers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fwi.geometry import (
    OPENFWI,
    OPENFWI_SIX_SHOTS,
    AcquisitionGeometry,
    flip_gathers,
)
from fwi.openfwi import FLIPPED_SHOTS


def numbered(shots: int, seed: int = 0) -> np.ndarray:
    """Give gathers (2, shots, 3, 7) without two equal values."""
    values = np.random.default_rng(seed).permutation(2 * shots * 21)
    return values.astype(np.float32).reshape(2, shots, 3, 7)


def test_openfwi_has_the_published_numbers() -> None:
    assert OPENFWI.gather_shape == (5, 1000, 70)
    assert (OPENFWI.nz, OPENFWI.nx, OPENFWI.dx, OPENFWI.dt) == (70, 70, 10.0, 1e-3)
    assert OPENFWI.source_idx.tolist() == [0, 17, 34, 52, 69]
    assert OPENFWI.receiver_idx.tolist() == list(range(70))
    assert (OPENFWI.source_depth_idx, OPENFWI.receiver_depth_idx) == (1, 1)
    assert (OPENFWI.frequency, OPENFWI.sponge_width) == (15.0, 120)


def test_six_shots_are_their_own_mirror_image() -> None:
    columns = OPENFWI_SIX_SHOTS.source_idx
    assert columns[:5].tolist() == OPENFWI.source_idx.tolist()
    assert (69 - columns[list(FLIPPED_SHOTS[6])]).tolist() == columns.tolist()


def test_five_shots_are_mirrored_but_for_the_middle_one() -> None:
    columns = OPENFWI.source_idx
    distance = 69 - columns[list(FLIPPED_SHOTS[5])] - columns
    assert distance.tolist() == [0, 0, 1, 0, 0]


@given(st.sampled_from([5, 6]), st.integers(0, 2**32 - 1))
def test_flip_twice_is_identity(shots: int, seed: int) -> None:
    gathers = numbered(shots, seed)
    assert np.array_equal(flip_gathers(flip_gathers(gathers)), gathers)
    assert not np.array_equal(flip_gathers(gathers), gathers)


@given(st.sampled_from([5, 6]), st.integers(0, 2**32 - 1))
def test_flip_of_torch_is_flip_of_numpy(shots: int, seed: int) -> None:
    gathers = numbered(shots, seed)
    flipped = flip_gathers(torch.from_numpy(gathers))
    assert isinstance(flipped, torch.Tensor)
    assert np.array_equal(flipped.numpy(), flip_gathers(gathers))


def test_flip_reverses_receivers_and_outer_shots() -> None:
    gathers = numbered(5)
    flipped = flip_gathers(gathers)
    assert np.array_equal(flipped[:, 0], gathers[:, 4, :, ::-1])
    assert np.array_equal(flipped[:, 1], gathers[:, 3, :, ::-1])


def test_flip_keeps_the_middle_of_five_shots_in_place() -> None:
    gathers = numbered(5)
    assert np.array_equal(flip_gathers(gathers)[:, 2], gathers[:, 2, :, ::-1])


def test_flip_swaps_the_two_middle_ones_of_six_shots() -> None:
    gathers = numbered(6)
    flipped = flip_gathers(gathers)
    assert np.array_equal(flipped[:, 2], gathers[:, 5, :, ::-1])
    assert np.array_equal(flipped[:, 5], gathers[:, 2, :, ::-1])


def test_flip_takes_a_sample_without_batch_axis() -> None:
    gathers = numbered(5)
    assert np.array_equal(flip_gathers(gathers[0]), flip_gathers(gathers)[0])


@pytest.mark.parametrize("shots", [1, 4, 7])
def test_flip_refuses_other_shot_counts(shots: int) -> None:
    with pytest.raises(ValueError, match=rf"5 or 6 shots.*got {shots}"):
        flip_gathers(numbered(shots))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source_x": (0.0, 700.0)}, "source_x .*0 to 690 m, got 700 m"),
        ({"source_x": (-10.0,)}, "source_x .*got -10 m"),
        ({"source_x": (float("nan"),)}, "source_x must be finite, got nan"),
        ({"source_x": ()}, "source_x .*got none"),
        ({"receiver_x": (695.0,)}, "receiver_x .*got 695 m"),
        ({"receiver_x": ()}, "receiver_x .*got none"),
        ({"source_depth": 700.0}, "source_depth .*got 700 m"),
        ({"receiver_depth": -6.0}, "receiver_depth .*got -6 m"),
        ({"dx": 0.0}, "dx must be 1e-06 to 1000000, got 0"),
        ({"dt": -1e-3}, "dt must be 1e-12 to 1000, got -0.001"),
        ({"nt": 0}, "nt must be 1 to 10000000, got 0"),
        ({"nz": 0}, "nz must be 1 to 100000, got 0"),
        ({"frequency": float("nan")}, "frequency must be 1e-06 to 1000000000, got nan"),
        ({"sponge_width": 1}, "sponge_width must be 2 to 10000, got 1"),
    ],
)
def test_impossible_geometry_is_refused(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(OPENFWI, **change)


def test_positions_round_to_the_nearest_cell() -> None:
    geometry = AcquisitionGeometry(source_x=(4.9, 5.1, 694.9), receiver_x=(-4.9,))
    assert geometry.source_idx.tolist() == [0, 1, 69]
    assert geometry.receiver_idx.tolist() == [0]


def test_positions_may_be_listed() -> None:
    listed = AcquisitionGeometry(nt=np.int64(1000), source_x=list(OPENFWI.source_x))  # type: ignore[arg-type]
    array = AcquisitionGeometry(receiver_x=np.asarray(OPENFWI.receiver_x))  # type: ignore[arg-type]
    assert listed == array == OPENFWI
    assert hash(listed) == hash(OPENFWI)


def test_a_wavelet_that_the_time_axis_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"frequency must be below 500 Hz.*got 500 Hz"):
        replace(OPENFWI, frequency=500.0)
    assert replace(OPENFWI, frequency=499.0).frequency == 499


@pytest.mark.parametrize("geometry", [OPENFWI, OPENFWI_SIX_SHOTS], ids=["five", "six"])
def test_openfwi_is_its_own_mirror_as_the_flip_takes_it(geometry: AcquisitionGeometry) -> None:
    assert geometry.mirrored_shots() == FLIPPED_SHOTS[len(geometry.source_x)]


@given(st.lists(st.integers(0, 34), min_size=1, max_size=5), st.randoms())
def test_mirrored_shots_stand_where_the_mirror_has_them(columns: list[int], random: Any) -> None:
    both = [*columns, *(69 - column for column in columns)]
    random.shuffle(both)
    geometry = replace(OPENFWI, source_x=tuple(10.0 * column for column in both))
    mirrored = list(geometry.mirrored_shots())
    assert sorted(mirrored) == list(range(len(both)))
    assert (69 - geometry.source_idx[mirrored]).tolist() == both
    assert [mirrored[shot] for shot in mirrored] == list(range(len(both)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source_x": (0.0, 100.0)}, "line of sources .*got those at 0, 100 m"),
        ({"source_x": (0.0,)}, "line of sources .*got those at 0 m; set flip to 0"),
        ({"receiver_x": (0.0, 100.0, 690.0)}, "line of receivers .*got those at 0, 100, 690 m"),
        ({"receiver_x": (690.0, 0.0, 350.0)}, "line of receivers"),
        (
            {"receiver_x": OPENFWI.receiver_x[:-1]},
            r"line of receivers .*10, 20, 30, 40, 50, \.\.\.",
        ),
        ({"nx": 80}, "line of sources"),
    ],
)
def test_a_line_that_is_no_mirror_of_itself_has_no_flip(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(OPENFWI, **change).mirrored_shots()
