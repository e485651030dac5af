"""Every format gives back what was written, by us and by the format's own library."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import segyio

from fwi.data.layouts import find_sources, source_of
from fwi.data.opened import open_map_file, open_samples
from fwi.data.readers import FORMATS, Sampling, read_file, segy
from fwi.data.resampling import conversion
from fwi.openfwi import RECEIVER_X, SOURCE_X
from fwi.physics.simulator import simulate

RNG = np.random.default_rng(4)
MAPS = RNG.uniform(1500, 4500, (3, 70, 70)).astype(np.float32)
GATHERS = simulate(MAPS)
NAMED = [suffix for suffix in FORMATS if suffix in (".npz", ".h5", ".hdf5", ".mat")]


@pytest.mark.parametrize("suffix", NAMED)
def test_samples_of_one_file_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"samples1{suffix}"
    axes = {"dt": np.asarray(1e-3), "source_x": np.asarray(SOURCE_X)}
    FORMATS[suffix].write(path, {"gathers": GATHERS, "maps": MAPS, **axes})
    samples = open_samples(source_of(path))
    assert samples.maps is not None
    assert samples.n == 3
    assert np.array_equal(samples.gathers(slice(1, 3)), GATHERS[1:])
    assert np.array_equal(samples.maps(slice(0, 2)), MAPS[:2])
    assert read_file(path).sampling == Sampling(1e-3, SOURCE_X)


def test_arrays_that_numpy_scipy_and_h5py_wrote_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=GATHERS, y=MAPS[:, None], note=np.array(["text"]))
    scipy.io.savemat(tmp_path / "a.mat", {"seismic": GATHERS, "vel": MAPS, "note": "text"})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/data"], file["group/model"] = GATHERS, MAPS
        file["note"] = "text"
    for path in sorted(tmp_path.iterdir()):
        samples = open_samples(source_of(path))
        assert samples.maps is not None
        assert np.array_equal(samples.gathers(slice(0, 3)), GATHERS)
        assert np.array_equal(samples.maps(slice(0, 3)), MAPS)


def test_matlab_7_3_has_the_axes_that_matlab_shows(tmp_path: Path) -> None:
    """Its files are HDF5, after 512 bytes of MATLAB's own, with the axes the other way round."""
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["gathers"], file["maps"] = GATHERS.T, MAPS.T
        file["dt"] = [[1e-3]]
        file["#refs#/a"] = np.zeros((4, 4))
    samples = open_samples(source_of(path))
    assert samples.maps is not None
    assert np.array_equal(samples.gathers(slice(1, 2)), GATHERS[1:2])
    assert np.array_equal(samples.maps(slice(0, 3)), MAPS)


def test_segy_keeps_values_positions_and_times(tmp_path: Path) -> None:
    said = Sampling(1e-3, SOURCE_X, RECEIVER_X)
    segy.write(tmp_path / "line.sgy", {"gathers": GATHERS[1]}, said)
    samples = open_samples(source_of(tmp_path / "line.sgy"))
    assert np.array_equal(samples.gathers(slice(0, 1)), GATHERS[1:2])
    assert read_file(tmp_path / "line.sgy").sampling == said
    with segyio.open(str(tmp_path / "line.sgy"), ignore_geometry=True) as file:
        assert np.array_equal(file.trace[71], GATHERS[1, 1, :, 1])
        assert file.header[71][segyio.TraceField.GroupX] == 1000  # 10 m in centimetres
        assert segyio.tools.dt(file) == 1000


def test_segy_holds_maps_as_sections(tmp_path: Path) -> None:
    segy.write(tmp_path / "velocity.sgy", {"maps": MAPS[2]})
    n, shape, read = open_map_file(tmp_path / "velocity.sgy")
    assert (n, shape) == (1, (70, 70))
    assert np.array_equal(read(slice(0, 1)), MAPS[2:])


@pytest.mark.parametrize("shape", [(3, 70, 70), (3, 1, 70, 70)])
@pytest.mark.parametrize("dtype", ["<f2", ">f4", ">f8", "<i2", ">u2"])
def test_maps_of_any_number_are_taken(tmp_path: Path, shape: tuple, dtype: str) -> None:
    np.save(tmp_path / "m.npy", np.rint(MAPS).astype(dtype).reshape(shape))
    n, size, read = open_map_file(tmp_path / "m.npy")
    maps = read(slice(0, 3))
    assert (n, size) == (3, (70, 70))
    assert maps.dtype.isnative
    assert maps.dtype.kind == "f"
    assert np.array_equal(maps, np.rint(MAPS).astype(dtype))


def test_shots_of_files_are_joined(tmp_path: Path) -> None:
    for shot in range(5):
        np.save(tmp_path / f"shot{shot}.npy", GATHERS[:, shot])
    (source,) = find_sources(tmp_path, with_maps=False).sources
    samples = open_samples(source)
    assert samples.n == 3
    assert np.array_equal(samples.gathers(slice(1, 3)), GATHERS[1:])


def test_shots_of_segy_files_are_joined_with_their_positions(tmp_path: Path) -> None:
    """In the order of their numbers; the positions say which shot each of them is."""
    for number, shot in enumerate((4, 2, 0, 1, 3)):
        said = Sampling(1e-3, SOURCE_X[shot : shot + 1], RECEIVER_X)
        path = tmp_path / f"shot{number}.sgy"
        segy.write(path, {"gathers": GATHERS[0, shot : shot + 1]}, said)
    (source,) = find_sources(tmp_path, with_maps=False).sources
    assert np.array_equal(open_samples(source).gathers(slice(0, 1)), GATHERS[:1])
    other = Sampling(2e-3, SOURCE_X[:1], RECEIVER_X)
    segy.write(tmp_path / "shot2.sgy", {"gathers": GATHERS[0, :1]}, other)
    with pytest.raises(ValueError, match=r"shot2\.sgy must be recorded as .*shot0\.sgy"):
        open_samples(source)


def converted(gathers: np.ndarray, **said: object) -> np.ndarray:
    plan = conversion("gathers", gathers.shape[1:], Sampling(**said))  # type: ignore[arg-type]
    return gathers if plan is None else plan(gathers, "gathers")


def test_finer_and_longer_records_are_thinned_and_cut_without_a_change() -> None:
    fine = np.repeat(GATHERS, 2, axis=2)
    assert np.array_equal(converted(fine, dt=5e-4), GATHERS)
    assert np.array_equal(
        converted(np.pad(GATHERS, ((0, 0), (0, 0), (0, 500), (0, 0))), dt=1e-3), GATHERS
    )


def test_coarser_records_are_interpolated_below_the_rounding_of_float16() -> None:
    """A tenth of what rounding takes: no more than that is lost in it."""
    fine = converted(GATHERS[:, :, ::2], dt=2e-3)
    error = np.linalg.norm(fine - GATHERS) / np.linalg.norm(GATHERS)
    rounded = np.linalg.norm(GATHERS.astype(np.float16) - GATHERS) / np.linalg.norm(GATHERS)
    assert error < rounded / 10


def test_what_is_too_coarse_is_refused() -> None:
    noise = RNG.normal(size=(1, 5, 500, 70))
    with pytest.raises(ValueError, match="sampled finely enough"):
        converted(noise, dt=2e-3)


def test_shots_and_receivers_are_chosen_by_position() -> None:
    every = [10.0 * column for column in range(-3, 80)]
    wide = RNG.normal(size=(1, 5, 1000, len(every)))
    assert np.array_equal(converted(wide, receiver_x=tuple(every)), wide[..., 3:73])
    assert np.array_equal(converted(GATHERS[:, ::-1], source_x=tuple(SOURCE_X[::-1])), GATHERS)


REFUSED = [
    ((5, 999, 70), {}, "1000 time samples of 1 ms, got 999; say their time step with --dt"),
    ((5, 999, 70), {"dt": 1e-3}, "must last 0.999 s, got 0.998 s"),
    ((5, 1000, 70), {"dt": 5e-4}, "must last 0.999 s, got 0.4995 s"),
    ((5, 500, 70), {}, "got 500; say their time step"),
    ((5, 2000, 70), {}, "got 2000; say their time step"),
    ((5, 1000, 69), {}, "70 receivers, got 69; say where they stood with --receiver-x"),
    ((20, 1000, 70), {}, "5 shots, got 20; say where they stood with --source-x"),
    ((1, 1000, 70), {}, "5 shots, got 1"),
    ((5, 70, 1000), {}, "swap the last two axes"),
    ((5, 1000, 70), {"source_x": (0, 10, 20, 30, 40)}, "got none at 170, 340, 520, 690 m"),
    ((5, 1000, 70), {"receiver_x": (0, 10)}, "must name the 70 receivers"),
]


@pytest.mark.parametrize(("shape", "said", "words"), REFUSED)
def test_unknown_and_missing_records_are_refused(shape: tuple, said: dict, words: str) -> None:
    with pytest.raises(ValueError, match="gathers") as refused:
        conversion("gathers", shape, Sampling(**said))
    assert words in str(refused.value)
