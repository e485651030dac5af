"""Augmented gathers: each transform against the simulator, or against what it says it does."""

from collections.abc import Callable
from dataclasses import replace

import albumentations as A
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import welch
from scipy.stats import kstest

from fwi import families
from fwi.config import Choice
from fwi.data.augment import (
    GATHER_TRANSFORMS,
    AmplitudeScale,
    BandNoise,
    DeadReceivers,
    VelocityScale,
    gather_pipeline,
)
from fwi.data.augment.library import generators
from fwi.geometry import OPENFWI
from fwi.physics.simulator import simulate

NOISE = np.random.default_rng(0).normal(size=(5, 40, 70)).astype(np.float32)
MAP = np.linspace(2000, 4000, 4900, dtype=np.float32).reshape(70, 70)


def applied(
    transform: A.BasicTransform, gathers: npt.NDArray, velocity: npt.NDArray = MAP, seed: int = 0
) -> tuple[npt.NDArray, npt.NDArray]:
    """Apply a transform alone, from a seed; give gathers and map."""
    transform.set_random_state(*generators(seed))
    made = transform(force_apply=True, image=gathers, mask=velocity)
    return made["image"], made["mask"]


@pytest.fixture(scope="module")
def samples() -> tuple[npt.NDArray, npt.NDArray]:
    """Maps (2, 70, 70) float64 within 1,900 to 3,700 m/s, and their gathers in float32."""
    maps = np.concatenate([families.sample(f, 1, rng=5) for f in ("CurveFault_B", "Style_A")])
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    velocity = 1900 + 1800 * (maps.astype(np.float64) - low) / (high - low)
    return velocity, simulate(velocity).astype(np.float32)


def error(got: npt.NDArray, expected: npt.NDArray) -> float:
    """The relative error of one sample's gathers, 2-norm."""
    return float(np.linalg.norm(got.astype(np.float64) - expected) / np.linalg.norm(expected))


# Of gathers rounded to float16, which dividing by the wavelet's spectrum amplifies. docs/data.md
# has the measured errors, a half to two thirds of these bounds.
@pytest.mark.parametrize(("alpha", "bound"), [(0.8, 2.5e-3), (0.9, 7e-4), (1.1, 7e-4), (1.2, 7e-4)])
def test_scaled_gathers_are_those_of_the_scaled_map(
    samples: tuple[npt.NDArray, npt.NDArray], alpha: float, bound: float
) -> None:
    for velocity, gathers in zip(*samples, strict=True):
        got, scaled = applied(VelocityScale(alpha), gathers.astype(np.float16), velocity)
        np.testing.assert_allclose(scaled, alpha * velocity, rtol=1e-12)
        expected = simulate(scaled[None])[0]
        end = min(1000, int(1000 / alpha))  # what arrives later was not recorded
        assert error(got[:, :end], expected[:, :end]) < bound
        assert (got[:, end:] == 0).all()
        # Without the replacement of the wavelet, or of the time, the error would be of order 1.
        assert error(gathers[:, :end], expected[:, :end]) > 0.3


def test_scaling_back_is_the_inverse(samples: tuple[npt.NDArray, npt.NDArray]) -> None:
    velocity, gathers = samples[0][0], samples[1][0]
    there = applied(VelocityScale(0.9), gathers, velocity)
    back, again = applied(VelocityScale(1 / 0.9), *there)
    np.testing.assert_allclose(again, velocity, rtol=1e-12)
    assert error(back[:, :900], gathers[:, :900]) < 1e-3  # both errors together


@given(st.integers(0, 2**32), st.floats(1500, 3000), st.floats(1.0, 1.5))
def test_the_scaled_map_stays_in_its_limits(seed: int, slowest: float, ratio: float) -> None:
    velocity = np.linspace(slowest, slowest * ratio, 4900).reshape(70, 70).astype(np.float32)
    silent = np.zeros((1, 8, 3), np.float32)
    _, made = applied(VelocityScale((0.8, 1.2)), silent, velocity, seed)
    assert 1500 <= made.min() <= made.max() <= 4500
    factor = made.max() / velocity.max()
    assert 0.799 <= factor <= 1.201
    np.testing.assert_allclose(made, velocity * factor, rtol=1e-6)


def test_a_map_over_the_whole_range_is_not_scaled() -> None:
    velocity = np.linspace(1500, 4500, 4900).reshape(70, 70)
    got, made = applied(VelocityScale((0.8, 1.2)), NOISE, velocity)
    assert np.array_equal(got, NOISE)
    assert np.array_equal(made, velocity)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dead_receivers_are_silent_in_all_shots(dtype: type) -> None:
    gathers, counts = NOISE.astype(dtype), set()
    for seed in range(60):
        got, velocity = applied(DeadReceivers((2, 5)), gathers, seed=seed)
        dead = (got == 0).all(axis=(0, 1))
        counts.add(int(dead.sum()))
        assert np.array_equal(got[..., ~dead], gathers[..., ~dead])
        assert velocity is MAP or np.array_equal(velocity, MAP)
        assert got.dtype == dtype
    assert counts == {2, 3, 4, 5}
    few, _ = applied(DeadReceivers(9), NOISE[..., :3])
    assert (few != 0).any()


@pytest.mark.parametrize("snr", [-6.0, 10.0, 30.0])
def test_noise_has_the_ratio_and_the_band_that_it_is_given(snr: float) -> None:
    signal = np.random.default_rng(1).normal(0, 3, (5, 1000, 70)).astype(np.float32)
    got, _ = applied(BandNoise(snr), signal)
    noise = (got - signal).astype(np.float64)
    ratio = 10 * np.log10(np.mean(signal.astype(np.float64) ** 2) / np.mean(noise**2))
    assert ratio == pytest.approx(snr, abs=0.01)  # float32
    assert abs(noise.mean()) < 0.01 * noise.std()
    frequencies, power = welch(noise, 1000, axis=1, nperseg=500)
    power = power.mean(axis=(0, 2))
    # A Ricker wavelet's power peaks at its frequency, 15 Hz; the estimate is 2 Hz fine.
    assert frequencies[power.argmax()] == pytest.approx(15, abs=2)
    # f^4 exp(-2 f^2 / 15^2) leaves 2e-4 of the power above 37.5 Hz; Hann's window leaks less.
    assert power[frequencies > 37.5].sum() < 1e-3 * power.sum()
    assert abs(np.corrcoef(noise[0, :, 0], noise[1, :, 5])[0, 1]) < 0.5


def test_noise_is_drawn_between_the_ratios() -> None:
    found = []
    for seed in range(40):
        got, velocity = applied(BandNoise((10, 30)), NOISE, seed=seed)
        found.append(10 * np.log10(np.mean(NOISE**2) / np.mean((got - NOISE) ** 2)))
        assert np.array_equal(velocity, MAP)
    assert 10 <= min(found) < 13
    assert 27 < max(found) <= 30.001


def test_amplitudes_are_scaled_by_one_factor_uniform_in_its_logarithm() -> None:
    factors = []
    for seed in range(300):
        got, velocity = applied(AmplitudeScale((0.5, 2.0)), NOISE[:, :3], seed=seed)
        factors.append(float(got[0, 0, 0] / NOISE[0, 0, 0]))
        np.testing.assert_allclose(got, factors[-1] * NOISE[:, :3], rtol=1e-6)
        assert np.array_equal(velocity, MAP)
    spread = (np.log2(factors) + 1) / 2
    assert kstest(spread, "uniform").pvalue > 0.01


def test_a_pipeline_knows_how_the_store_was_recorded() -> None:
    recording = replace(OPENFWI, frequency=25.0, dt=5e-4)
    chosen = [Choice(name="noise"), Choice(name="velocity_scale", options={"dt": 2e-3})]
    noise, scale = gather_pipeline(chosen, recording).transforms
    assert (noise.frequency, noise.dt) == (25.0, 5e-4)
    assert (scale.frequency, scale.dt) == (25.0, 2e-3)
    assert gather_pipeline([]) is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", GATHER_TRANSFORMS)
def test_every_transform_keeps_shape_and_kind_and_hangs_on_its_seed(name: str, dtype: type) -> None:
    pipeline = gather_pipeline([Choice(name=name, options={"p": 1.0})])
    gathers = NOISE.astype(dtype)

    def made(seed: int) -> dict[str, npt.NDArray]:
        pipeline.set_random_state(*generators(seed))
        return pipeline(image=gathers, mask=MAP)

    one, same, other = made(1), made(1), made(2)
    assert (one["image"].shape, one["image"].dtype) == (gathers.shape, dtype)
    assert (one["mask"].shape, one["mask"].dtype) == (MAP.shape, np.float32)
    assert np.array_equal(one["image"], same["image"])
    assert np.array_equal(one["mask"], same["mask"])
    assert not np.array_equal(one["image"], other["image"])
    assert not np.array_equal(one["image"], gathers)


def test_transforms_of_a_pipeline_act_independently() -> None:
    pipeline = gather_pipeline([Choice(name="amplitude"), Choice(name="dead_receivers")])
    seen = []
    for seed in range(200):
        pipeline.set_random_state(*generators(seed))
        got = pipeline(image=NOISE[:, :2], mask=MAP)["image"]
        alive = got != 0
        seen.append((bool((got[alive] != NOISE[:, :2][alive]).any()), not alive.all()))
    # Each of the four cases a quarter of 200: 50, with a standard deviation of 6.
    assert all(25 <= seen.count((a, b)) <= 75 for a in (True, False) for b in (True, False))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: VelocityScale((1.2, 0.8)), "alpha must ascend, got 1.2 to 0.8"),
        (lambda: BandNoise(frequency=600), "frequency must be below 500 Hz"),
        (lambda: DeadReceivers((1, 2, 3)), "count must be a number or two, got 3"),
        (lambda: AmplitudeScale(p=1.5), "p must be 0 to 1, got 1.5"),
    ],
)
def test_odd_settings_are_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
