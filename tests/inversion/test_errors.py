"""What is said of gathers before anything is fitted: noise, dead and clipped traces."""

import numpy as np
import numpy.typing as npt
import pytest

import fwi
from fwi.geometry import OPENFWI
from fwi.inversion import refine
from fwi.inversion.noise import known_errors, rounding_noise


@pytest.fixture(scope="module")
def clean() -> npt.NDArray[np.float16]:
    return fwi.simulate(fwi.families.sample("CurveFault_B", 1, 31))[0].astype(np.float16)


def noisy(gathers: npt.NDArray, level: float) -> npt.NDArray[np.float32]:
    draw = np.random.default_rng(0).standard_normal(gathers.shape)
    return (gathers + level * draw).astype(np.float32)


@pytest.mark.parametrize("family", fwi.families.NAMES)
def test_nothing_is_said_of_clean_gathers(family: str) -> None:
    for gathers in fwi.simulate(fwi.families.sample(family, 2, 32)):
        for values in (gathers, gathers.astype(np.float16)):
            errors = known_errors(values, OPENFWI)
            assert errors.notes == ()
            np.testing.assert_array_equal(errors.sigma, rounding_noise(values))


@pytest.mark.parametrize("level", [0.003, 0.1])
def test_noise_is_measured_before_the_first_arrivals(
    clean: npt.NDArray[np.float16], level: float
) -> None:
    errors = known_errors(noisy(clean, level), OPENFWI)
    # Of some 10,000 samples the deviation is known to 1 / sqrt(2 n), 0.7 %; four of these.
    np.testing.assert_allclose(errors.sigma, level, rtol=0.03)
    assert "before the first arrivals" in errors.notes[0]


def test_noise_that_is_given_is_taken(clean: npt.NDArray[np.float16]) -> None:
    errors = known_errors(noisy(clean, 0.1), OPENFWI, 0.2)
    np.testing.assert_allclose(errors.sigma, 0.2, rtol=1e-6)
    assert errors.notes == ()


def test_dead_and_clipped_traces_are_left_out(clean: npt.NDArray[np.float16]) -> None:
    gathers = clean.copy()
    gathers[:, :, 7] = 0
    limit = np.sort(np.abs(gathers).max(1), axis=None)[-20]  # of 350 traces 19 reach above
    gathers = gathers.clip(-limit, limit)
    errors = known_errors(gathers, OPENFWI)
    out = ~np.isfinite(errors.sigma)
    np.testing.assert_array_equal(out.all(1), out.any(1))
    assert out[:, :, 7].all()
    # A peak of one or two samples above the limit leaves no plateau: most of the 19 are known.
    assert 5 + 12 <= out.all(1).sum() <= 5 + 20
    assert errors.notes[0] == "5 of 350 traces are dead and left out"
    assert "clipped and left out" in errors.notes[1]


def test_gathers_without_a_whole_trace_are_refused(clean: npt.NDArray[np.float16]) -> None:
    with pytest.raises(ValueError, match=r"sample 0 must hold traces that are whole, got none"):
        refine(clean.clip(-0.05, 0.05), "trend")
