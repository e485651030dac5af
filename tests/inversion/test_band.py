"""Bands: filters, weights, and what is known of noise."""

import numpy as np
import pytest
import torch

import fwi
from fwi.geometry import OPENFWI
from fwi.inversion.band import LowPass, make_band, noise_band
from fwi.inversion.noise import ACCUMULATED, rounding_noise
from fwi.physics.scheme.wavelet import ricker


@pytest.fixture(scope="module")
def observed() -> torch.Tensor:
    velocity = fwi.families.sample("CurveVel_A", 1, 3)
    return torch.from_numpy(fwi.simulate(velocity)[0])


@pytest.mark.parametrize(("peak", "damping"), [(5.0, None), (2.0, 0.1), (15.0, None)])
def test_adjoint_is_that_of_apply(
    observed: torch.Tensor, peak: float, damping: float | None
) -> None:
    band = make_band(observed, torch.full_like(observed, 1e-4), OPENFWI, peak, damping=damping)
    generator = torch.Generator().manual_seed(0)
    r, y = (torch.randn(observed.shape, generator=generator) for _ in range(2))
    product = band.apply(r).double() * y.double()
    left = float(product.sum()) / band.spacing
    right = float((r.double() * band.adjoint(y).double()).sum())
    # float32 sums over a thousand times
    most = 1e-6 * float(product.abs().sum()) / band.spacing
    assert left == pytest.approx(right, abs=most)


def test_weighted_data_have_unit_size(observed: torch.Tensor) -> None:
    band = make_band(observed, torch.zeros_like(observed), OPENFWI, 7.0)
    assert band.relative(band.misfit(observed)) == pytest.approx(1.0, rel=1e-5)


def test_low_pass_makes_a_wavelet_of_another_peak() -> None:
    wavelet = np.zeros(1000)
    wavelet[300:447] = ricker(15.0, 1e-3)
    observed = torch.from_numpy(wavelet.astype(np.float32))[None, :, None].expand(1, -1, 70)
    band = make_band(observed, torch.zeros_like(observed), OPENFWI, 6.0)
    filtered = band.filtered(observed)[0, :, 0].numpy()
    expected = np.zeros(1000)
    slow = ricker(6.0, 1e-3)
    expected[373 - len(slow) // 2 : 373 + len(slow) // 2 + 1] = slow
    # Their spectra f^2 exp(-f^2 / peak^2) are alike but for a factor, (6 / 15)^3.
    np.testing.assert_allclose(filtered / filtered.max(), expected, atol=2e-3)
    assert filtered.max() == pytest.approx((6 / 15) ** 3, rel=5e-3)


def test_low_pass_reaches_back_before_the_record() -> None:
    low_pass = LowPass(0.005, 0.0, 400, 0.2)
    times = torch.arange(0, 400, 50)
    whole = low_pass.rows(times, 60)
    torch.testing.assert_close(whole[:, 60:], low_pass.rows(times, 0))


@pytest.mark.parametrize("peak", [5.0, 15.0])
def test_noise_of_a_band_is_that_of_rounded_data(observed: torch.Tensor, peak: float) -> None:
    rounded = observed.numpy().astype(np.float16)
    sigma = torch.from_numpy(rounding_noise(rounded)).float()
    band = make_band(observed, sigma, OPENFWI, peak)
    error = torch.from_numpy(rounded.astype(np.float32)) - observed
    # The 1e-5 of accumulation is not in the error here: it raises the estimate by a few percent.
    assert band.relative(band.misfit(error)) == pytest.approx(band.noise, rel=0.15)


def test_rounding_error_of_float16_is_its_spacing_over_the_root_of_12() -> None:
    exact = np.random.default_rng(0).uniform(0.5, 0.999, 100_000)
    rounded = exact.astype(np.float16)
    assert np.std(rounded - exact) == pytest.approx(2**-11 / np.sqrt(12), rel=0.01)
    assert rounding_noise(rounded) == pytest.approx(np.hypot(2**-11 / np.sqrt(12), ACCUMULATED))


def test_other_dtypes_have_the_accumulated_error_alone() -> None:
    assert (rounding_noise(np.ones(3, np.float32)) == ACCUMULATED).all()


def test_noise_band_counts_standard_deviations(observed: torch.Tensor) -> None:
    sigma = torch.full_like(observed, 0.01)
    band = noise_band(observed, sigma, OPENFWI)
    assert band.relative(band.misfit(torch.full_like(observed, 0.02))) == pytest.approx(2.0)


def test_rows_hold_the_misfit(observed: torch.Tensor) -> None:
    # 1 / sigma of a float16 wave leaps at its zeros; what a map changes is smooth there.
    velocity = fwi.families.sample("CurveVel_A", 1, 3)
    velocity[:, 30:34, 20:30] += 40.0
    change = torch.from_numpy(fwi.simulate(velocity)[0]) - observed
    sigma = torch.from_numpy(rounding_noise(observed.numpy().astype(np.float16))).float()
    band = noise_band(observed, sigma, OPENFWI)
    every = 2 * band.misfit(change)
    rows = float(band.rows(change).double().square().sum())
    assert rows == pytest.approx(every, rel=0.02)  # 1.4 % is what means over 11 samples cost
