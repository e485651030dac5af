"""Every k-th sample after a low-pass: closed forms, real gathers, and what is refused."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

from fwi.data.decimation import decimate, decimated
from fwi.families import sample
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.simulator import simulate

DT = 1e-3  # s
# 2-norm: what the filter takes of these gathers at the times kept, with a third to spare.
LOST = {2: 2e-6, 4: 7e-6, 8: 3e-5}


def traces(*rows: npt.NDArray) -> npt.NDArray[np.float64]:
    """Lay traces out as gathers of one sample and one shot."""
    return np.stack(rows, -1)[None, None]


def ricker(time: npt.NDArray, centre: float, peak: float = 15.0) -> npt.NDArray:
    """A Ricker wavelet, in closed form."""
    squared = (np.pi * peak * (time - centre)) ** 2
    return (1 - 2 * squared) * np.exp(-squared)


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 8])
def test_waves_are_those_at_the_times_that_are_kept(factor: int) -> None:
    fine, coarse = np.arange(1000) * DT, np.arange(0, 1000, factor) * DT
    centres = (0.3, 0.5001, 0.7)
    got = decimate(traces(*(ricker(fine, c) for c in centres)), factor)
    expected = traces(*(ricker(coarse, c) for c in centres))
    # The filter is 100 dB down: 1e-5 of the waves, here of single samples.
    np.testing.assert_allclose(got, expected, atol=3e-5)


@given(
    st.integers(1, 8), st.integers(300, 700), st.floats(-50, 50), st.floats(-0.1, 0.1)
)  # fmt: skip
def test_straight_lines_stay_to_their_ends(factor: int, nt: int, at: float, slope: float) -> None:
    line = at + slope * np.arange(nt)
    got = decimate(traces(line), factor, lossy=True)
    assert got.shape == (1, 1, -(-nt // factor), 1)
    # Sums of up to 515 float32 products.
    np.testing.assert_allclose(got[0, 0, :, 0], line[::factor], atol=2e-5 * (1 + abs(line).max()))


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_what_would_fold_is_taken_out(factor: int) -> None:
    """A tone above the new Nyquist frequency would come back as a lower one."""
    time = np.arange(1000) * DT
    tones = [np.sin(2 * np.pi * f * 500 / factor * time) for f in (1.05, 1.3, 1.8)]
    got = decimate(traces(*tones), factor, lossy=True)
    inner = got[:, :, 40:-40]  # away from the ends, where a tone is cut off, which is no tone
    assert np.abs(inner).max() < 2e-5  # 100 dB, and rounding


@pytest.mark.parametrize("factor", LOST)
def test_real_gathers_come_back(real_data: Path, factor: int) -> None:
    gathers = np.load(real_data / "kaggle_test" / "000039dca2.npy")[None]
    check_return(gathers, factor)


@pytest.mark.parametrize("factor", LOST)
def test_generated_gathers_come_back(factor: int) -> None:
    check_return(simulate(sample("CurveFault_B", 1, 5)), factor)


def check_return(gathers: npt.NDArray, factor: int) -> None:
    """Interpolate back by scipy's own resampling, and compare."""
    kept = decimate(gathers, factor)
    back = resample_poly(kept.astype(float), factor, 1, axis=2, window=("kaiser", 12))
    inner = slice(20 * factor, 1000 - 20 * factor)  # its filter takes the ends for silence
    away = np.linalg.norm((back[:, :, :1000] - gathers)[:, :, inner])
    # scipy's filter is a shorter one, which cuts into the same band: 2e-4 is float16's rounding.
    assert away < 2e-4 * np.linalg.norm(gathers)
    same = np.linalg.norm(kept - gathers[:, :, ::factor]) / np.linalg.norm(kept)
    assert same < LOST[factor]


def test_what_loses_waves_is_refused_unless_said() -> None:
    gathers = simulate(sample("FlatVel_B", 2, 1))
    with pytest.raises(ValueError, match=r"^gathers, sample 0, must have no waves .* by 10 loses"):
        decimate(gathers, 10)
    assert decimate(gathers, 10, lossy=True).shape == (2, 5, 100, 70)
    gathers[1] += np.random.default_rng(0).normal(size=gathers[1].shape)
    with pytest.raises(ValueError, match=r"^gathers, sample 1, must .* by 2 loses"):
        decimate(gathers, 2)


def test_float16_gathers_lose_no_more_than_their_rounding() -> None:
    """Rounding is noise of all frequencies, of which the filter takes its part."""
    gathers = simulate(sample("Style_A", 2, 1)).astype(np.float16)
    for factor in (2, 4, 8):
        decimate(gathers, factor)


def test_what_is_no_decimation_is_refused() -> None:
    gathers = np.zeros((1, 5, 1000, 70), np.float32)
    for factor in (0, -1, 33, 2.5):
        with pytest.raises(ValueError, match="decimate must be"):
            decimate(gathers, factor)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="longer than half of the filter, 259 samples"):
        decimate(gathers[:, :, :129], 4)
    with pytest.raises(TypeError, match="float64, got int32"):
        decimate(gathers.astype(np.int32), 2)
    with pytest.raises(ValueError, match="gathers must be"):
        decimate(gathers[0], 2)


def test_recordings_say_the_step_that_is_left() -> None:
    assert decimated(OPENFWI, 1) == OPENFWI
    thinned = decimated(OPENFWI, 3)
    assert (thinned.dt, thinned.nt) == (0.003, 334)
    with pytest.raises(ValueError, match="frequency must be below"):
        decimated(AcquisitionGeometry(frequency=60), 16)
