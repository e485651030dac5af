"""The flip: gathers and map together, and as exact as the physics allows."""

import albumentations as A
import numpy as np
import numpy.typing as npt
import pytest

from fwi import families
from fwi.data.augment import LeftRightFlip
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, flip_gathers
from fwi.physics.simulator import simulate


def augmentation(flip: float) -> A.Compose:
    return A.Compose([LeftRightFlip(p=flip)], is_check_shapes=False)


@pytest.fixture(scope="module")
def velocity() -> npt.NDArray:
    """A faulted map (1, 70, 70) float64, m/s, unlike its mirror image."""
    return families.sample("CurveFault_B", 1, rng=3).astype(np.float64)


@pytest.mark.parametrize("shots", [5, 6])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_flip_carries_the_map_along(shots: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    gathers, velocity = rng.normal(size=(shots, 9, 70)).astype(dtype), rng.normal(size=(70, 70))
    sample = augmentation(1.0)(image=gathers, mask=velocity)
    assert np.array_equal(sample["image"], flip_gathers(gathers))
    assert np.array_equal(sample["mask"], velocity[:, ::-1])
    assert sample["image"].dtype == dtype


def test_no_flip_leaves_the_sample() -> None:
    gathers, velocity = np.random.default_rng(0).normal(size=(2, 5, 7, 70))
    sample = augmentation(0.0)(image=gathers, mask=velocity[0])
    assert np.array_equal(sample["image"], gathers)
    assert np.array_equal(sample["mask"], velocity[0])


def test_half_of_the_samples_are_flipped_alike_for_a_seed() -> None:
    gathers = np.arange(5 * 7 * 70, dtype=np.float32).reshape(5, 7, 70)
    augment = augmentation(0.5)

    def flips() -> list[bool]:
        augment.set_random_seed(1)
        samples = (augment(image=gathers, mask=gathers[0]) for _ in range(200))
        return [bool(sample["image"][0, 0, 0] != 0) for sample in samples]

    flipped = flips()
    assert 70 <= sum(flipped) <= 130  # four standard deviations of 200 fair coins are 28
    assert flips() == flipped


def test_flip_of_six_shots_is_the_mirrored_maps(velocity: npt.NDArray) -> None:
    gathers = simulate(velocity, OPENFWI_SIX_SHOTS)
    mirrored = simulate(np.ascontiguousarray(velocity[..., ::-1]), OPENFWI_SIX_SHOTS)
    # The scheme is symmetric; only the order of its sums differs: float64 rounding, grown over
    # 1,000 steps.
    scale = np.abs(gathers).max()
    np.testing.assert_allclose(flip_gathers(gathers), mirrored, rtol=0, atol=1e-11 * scale)


def test_flip_of_five_shots_is_exact_but_for_the_middle_one(velocity: npt.NDArray) -> None:
    gathers = simulate(velocity, OPENFWI)
    mirrored = simulate(np.ascontiguousarray(velocity[..., ::-1]), OPENFWI)
    difference = np.abs(flip_gathers(gathers) - mirrored).max(axis=(0, 2, 3))
    scale = np.abs(gathers).max()
    assert (difference[[0, 1, 3, 4]] < 1e-11 * scale).all()
    assert difference[2] > 1e-2 * scale  # one cell away
