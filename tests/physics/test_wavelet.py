"""The Ricker wavelet against the numbers of docs/physics.md."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwi.geometry import AcquisitionGeometry
from fwi.physics.scheme.wavelet import ricker, source_signal


def test_length_and_peak_are_those_of_the_data() -> None:
    wavelet = ricker(15.0, 1e-3)
    assert wavelet.shape == (147,)
    assert wavelet[73] == 1.0
    assert wavelet.argmax() == 73


def test_first_sample_is_that_of_the_data() -> None:
    # The page prints four digits.
    assert ricker(15.0, 1e-3)[0] == pytest.approx(-1.644e-4, abs=5e-8)


@given(frequency=st.floats(1.0, 60.0), dt=st.floats(1e-4, 4e-3))
def test_is_even_about_its_only_peak(frequency: float, dt: float) -> None:
    wavelet = ricker(frequency, dt)
    assert len(wavelet) % 2 == 1
    np.testing.assert_array_equal(wavelet, wavelet[::-1])
    others = np.delete(wavelet, len(wavelet) // 2)
    assert wavelet[len(wavelet) // 2] == 1.0
    assert (others < 1.0).all()


@given(frequency=st.floats(5.0, 30.0))
def test_has_no_net_displacement(frequency: float) -> None:
    # The integral over all time is zero; what the cut at 1.1 / f drops is below 1e-3 of the
    # integral of the absolute value.
    wavelet = ricker(frequency, 1e-3)
    assert abs(wavelet.sum()) < 1e-3 * np.abs(wavelet).sum()


@pytest.mark.parametrize("nt", [7, 147, 200])
def test_signal_is_as_long_as_the_record(nt: int) -> None:
    signal = source_signal(AcquisitionGeometry(nt=nt))
    np.testing.assert_array_equal(signal, np.append(ricker(15.0, 1e-3), np.zeros(100))[:nt])
