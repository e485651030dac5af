"""What a network was trained on is known, and what is unlike it is said."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import fwi
from fwi.data.recording import differences, is_mirror_image
from fwi.data.store import Store
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, flip_gathers
from fwi.inference.conditions import Conditions, observe
from fwi.inference.predictor import load
from fwi.inference.traits import traits


@pytest.fixture(scope="module")
def shipped() -> Conditions:
    found = load("default").conditions
    assert found is not None
    return found


def test_a_real_gather_of_the_competition_is_usual(real_data: Path, shipped: Conditions) -> None:
    gathers = np.load(real_data / "kaggle_test" / "000039dca2.npy")[None]
    shipped.check_shape(gathers.shape, 5)
    assert shipped.unusual(gathers) == []
    assert shipped.unusual(-gathers) != []
    assert shipped.unusual(gathers / gathers.max()) != []


def test_real_maps_of_every_family_are_usual(real_data: Path, shipped: Conditions) -> None:
    maps = [np.load(real_data / "openfwi_maps" / f"{name}.npy") for name in fwi.families.NAMES]
    gathers = fwi.simulate(np.stack(maps).astype(np.float32))
    assert shipped.unusual(gathers) == []
    assert shipped.unusual(flip_gathers(gathers)) == []


@pytest.mark.parametrize("name", fwi.families.NAMES)
def test_generated_maps_of_every_family_are_usual(name: str, shipped: Conditions) -> None:
    gathers = fwi.simulate(fwi.families.sample(name, 2, rng=99))
    assert shipped.unusual(gathers) == []


@pytest.mark.parametrize(
    ("frequency", "dt"), [(25.0, 1e-3), (10.0, 1e-3), (15.0, 5e-4)], ids=["25 Hz", "10 Hz", "dt"]
)
def test_another_wavelet_is_unusual_though_nothing_records_it(
    frequency: float, dt: float, shipped: Conditions
) -> None:
    other = replace(OPENFWI, frequency=frequency, dt=dt)
    gathers = fwi.simulate(np.full((1, 70, 70), 2500, np.float32), other)
    assert any("cycles" in said for said in shipped.unusual(gathers))


def test_shipped_weights_know_their_line(shipped: Conditions) -> None:
    assert shipped.geometry == OPENFWI_SIX_SHOTS
    assert differences(OPENFWI_SIX_SHOTS, OPENFWI, 5) == []
    shipped.check_flip()


def test_traits_are_what_they_are_called() -> None:
    """Of one sine of ten cycles at the third receiver of each shot, twice as high as it is deep."""
    t = np.arange(200) / 200
    gathers = np.zeros((1, 2, 200, 6), np.float32)
    gathers[:, :, :, 2] = np.sin(2 * np.pi * 10 * t)
    gathers[:, :, 105, 2] = 2.0
    found, places = traits(gathers)
    assert places.tolist() == [[2, 2]]
    assert found["largest"] == 2.0
    assert found["polarity"] == pytest.approx(2.0)
    assert found["peak_sample"] == 105
    assert found["rms"] == pytest.approx(np.sqrt((gathers.astype(float) ** 2).mean()), rel=1e-6)
    # The spike spreads a little of the power over all hundred cycles.
    assert found["cycles"] == pytest.approx(10, rel=0.2)


def test_silence_has_traits_without_a_warning() -> None:
    found, _ = traits(np.zeros((2, 1, 30, 4)))
    assert all(np.isfinite(values).all() for values in found.values())


def test_a_store_is_usual_to_what_was_observed_of_it(small_store: Store) -> None:
    found = observe([small_store], 5)
    assert (found.shots, found.samples, found.receivers) == (6, 1000, 70)
    assert found.recording == asdict(OPENFWI_SIX_SHOTS)
    assert found.unusual(small_store.gathers(range(40))[:, :5]) == []
    low, high = found.velocity or (0, 0)
    maps = small_store.maps(range(40))
    assert (low, high) == (maps.min(), maps.max())  # forty samples are all looked at


def test_a_line_is_its_own_mirror_image_or_not() -> None:
    assert is_mirror_image(OPENFWI)
    assert is_mirror_image(OPENFWI_SIX_SHOTS)
    assert not is_mirror_image(replace(OPENFWI, source_x=OPENFWI.source_x[:4]))
    assert not is_mirror_image(replace(OPENFWI, source_x=(0.0, 10.0, 20.0, 30.0, 40.0)))
    assert not is_mirror_image(replace(OPENFWI, receiver_x=OPENFWI.receiver_x[:40]))
    assert not is_mirror_image(replace(OPENFWI, nx=80))  # the line's middle is another
    assert not is_mirror_image(replace(OPENFWI, source_x=OPENFWI.source_x[::-1][:2] * 2 + (340.0,)))
