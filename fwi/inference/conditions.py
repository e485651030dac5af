"""What a network was trained on: sizes, recording, and what gathers look like there.

A network gives a map of anything that has the right shape. What it was not trained on is refused
where it cannot be meant, and warned of where it is only unlike: normalised, flipped in sign,
reversed, of another frequency or another line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fwi.arrays import Array
from fwi.data.recording import differences, is_mirror_image, read_geometry, recording_of
from fwi.data.store import Store
from fwi.geometry import AcquisitionGeometry
from fwi.openfwi import FLIPPED_SHOTS

_SAMPLES = 64  # of each store that are looked at
_FEWEST = 16  # that tell what is usual


class _Trait(NamedTuple):
    """One number of a sample's gathers: its name, the factor beyond training that is unusual."""

    words: str
    factor: float
    guess: str


# 40 % apart at most over the ten generated families, ten real maps and a gather of the competition
# (largest 39 to 53, rms 1.3 to 2.1, polarity 1.9 to 2.0, peak 76 to 78, cycles 14.7 to 15.0), which
# leaves room for noise and dead traces, and none for a turned sign or 25 Hz.
_TRAITS = {
    "largest": _Trait("the largest amplitude", 2.0, "were amplitudes scaled?"),
    "rms": _Trait("the root mean square", 2.0, "were traces scaled or filled?"),
    "polarity": _Trait("the largest value by the least", 1.35, "was the sign turned?"),
    "peak_sample": _Trait("the loudest time sample", 1.5, "were records shifted or reversed?"),
    "cycles": _Trait("cycles in a record", 1.25, "were they recorded otherwise?"),
}
_PLACES = 2  # receivers that a shot's loudest one may be away


@dataclass(frozen=True)
class Conditions:
    """What a network was trained on.

    Attributes:
        shots: of the stores, at least those that the network takes.
        samples: time samples.
        receivers: of a shot.
        recording: `fwi.geometry.AcquisitionGeometry` by name, where the store says.
        traits: least and greatest of each trait over gathers looked at, see `traits`.
        loudest: least and greatest receiver at which each shot is loudest over them.
        velocity: least and greatest of the maps, m/s.
    """

    shots: int
    samples: int
    receivers: int
    recording: dict[str, Any] | None = None
    traits: dict[str, tuple[float, float]] = field(default_factory=dict)
    loudest: tuple[tuple[int, int], ...] = ()
    velocity: tuple[float, float] | None = None

    @property
    def geometry(self) -> AcquisitionGeometry | None:
        """The recording, where it is known."""
        return None if self.recording is None else read_geometry(self.recording)

    def check_shape(self, shape: Sequence[int], n_shots: int) -> None:
        """Refuse gathers (B, S, T, R) that are no record of this kind.

        Raises:
            ValueError: if shots, time samples or receivers are others.
        """
        record = (self.samples, self.receivers)
        expected = f"gathers must be (B, {n_shots}, {record[0]}, {record[1]}) for this network"
        if tuple(shape[2:]) == record[::-1] != record:
            raise ValueError(f"{expected}, got {tuple(shape)}; transpose the last two axes")
        if tuple(shape[2:]) != record:
            raise ValueError(
                f"{expected}, got {tuple(shape)}; it was trained on records of that size: "
                "resample them, or train a network on yours"
            )
        if shape[1] not in {n_shots, self.shots, *FLIPPED_SHOTS}:
            raise ValueError(
                f"{expected}, or with {self.shots} shots, got {tuple(shape)}; reshape samples that "
                "follow one another to (B, shots, time, receivers)"
            )

    def check_recording(self, store: Store, n_shots: int) -> None:
        """Refuse a store that was recorded otherwise, as far as both say.

        Raises:
            ValueError: if a quantity differs.
        """
        ours, theirs = self.geometry, recording_of(store)
        if ours is None or theirs is None:
            return
        if said := differences(ours, theirs, n_shots):
            raise ValueError(
                f"the store {store.path} must be recorded as the network was trained: {said[0]}; "
                "simulate it so, or train a network on it"
            )

    def check_flip(self) -> None:
        """Refuse the flip average where the mirror image of the line is another line.

        Raises:
            ValueError: if it is.
        """
        if (geometry := self.geometry) is not None and not is_mirror_image(geometry):
            raise ValueError(
                "gathers of this network's line have no mirror image among its shots, as the flip "
                "average needs; set tta=False (infer.tta=false)"
            )

    def unusual(self, gathers: Array) -> list[str]:
        """Say what of gathers (B, S, T, R) is unlike those of the training, one text a trait."""
        found, places = traits(gathers)
        said: list[str] = []
        for name, values in found.items():
            if name in self.traits and name in _TRAITS:
                said += _outside(_TRAITS[name], values, *self.traits[name])
        for shot, (low, high) in enumerate(self.loudest[: places.shape[1]]):
            away = places[:, shot] - np.clip(places[:, shot], low - _PLACES, high + _PLACES)
            if away.any():
                got = places[np.abs(away).argmax(), shot]
                said.append(
                    f"the loudest receiver of shot {shot} is {got}, there {low} to {high}; were "
                    "shots or receivers turned, or recorded elsewhere?"
                )
                break
        return said


def observe(stores: Sequence[Store], n_shots: int) -> Conditions:
    """Look at some samples of each store that a network learns from.

    Raises:
        ValueError: if they are silent.
    """
    shots, samples, receivers = stores[0].gather_shape
    seen, places, speeds = [], [], []
    for store in stores:
        chosen = np.unique(np.linspace(0, len(store) - 1, _SAMPLES).astype(int))
        for sample in chosen:
            gathers, velocity = store.sample(int(sample))
            found, place = traits(np.asarray(gathers[None, :n_shots]))
            seen.append(found)
            places.append(place[0])
            speeds += [float(velocity.min()), float(velocity.max())]
    if not any(found["largest"].any() for found in seen):
        raise ValueError(
            f"gathers of the store {stores[0].path} must hold waves, got silence alone"
        )
    known = len(seen) >= _FEWEST
    ranges = {name: _range(np.concatenate([f[name] for f in seen])) for name in _TRAITS}
    at = np.array(places)
    recording = recording_of(stores[0])
    return Conditions(
        shots,
        samples,
        receivers,
        None if recording is None else asdict(recording),
        ranges if known else {},
        tuple(zip(at.min(0).tolist(), at.max(0).tolist(), strict=True)) if known else (),
        (min(speeds), max(speeds)),
    )


def traits(gathers: Array) -> tuple[dict[str, Array], Array]:
    """Measure what tells one recording from another.

    Args:
        gathers: (B, S, T, R), of any floating dtype.

    Returns:
        Numbers (B,) by name: "largest", of |g|; "rms"; "polarity", max g / max -g; and the
        medians over the shots of "peak_sample", when the loudest receiver's largest amplitude
        comes, and of "cycles", the centroid of its power spectrum in cycles a record. And the
        loudest receivers (B, S).
    """
    gathers = np.asarray(gathers, np.float32)
    size = np.abs(gathers)
    places = size.max(2).argmax(-1)  # (B, S)
    traces = np.take_along_axis(gathers, places[..., None, None], -1)[..., 0].astype(np.float64)
    power = np.abs(np.fft.rfft(traces)) ** 2
    bins = np.arange(power.shape[-1])
    tiny = np.finfo(np.float32).tiny
    largest = size.max((1, 2, 3))
    least = np.maximum(1e-6 * largest, tiny)  # where one sign is missing
    high, low = gathers.max((1, 2, 3)), -gathers.min((1, 2, 3))
    found = {
        "largest": largest,
        "rms": np.sqrt(np.einsum("bstr,bstr->b", size, size, dtype=np.float64) / size[0].size),
        "polarity": np.maximum(high, least) / np.maximum(low, least),
        "peak_sample": np.median(np.abs(traces).argmax(-1), axis=1),
        "cycles": np.median((power * bins).sum(-1) / np.maximum(power.sum(-1), tiny), axis=1),
    }
    return found, places


def _outside(trait: _Trait, values: Array, low: float, high: float) -> Iterable[str]:
    """Say which value lies furthest beyond a range and its margin, if one does."""
    # What varies widely in training may do so a little more.
    least = min(low / trait.factor, 2 * low - high)
    most = max(high * trait.factor, 2 * high - low)
    wrong = values[(values < least) | (values > most)]
    if wrong.size:
        got = wrong[np.abs(wrong - (low + high) / 2).argmax()]
        yield f"{trait.words} is {got:.3g}, there {low:.3g} to {high:.3g}; {trait.guess}"


def _range(values: Array) -> tuple[float, float]:
    # Five digits tell what is unusual, and can be read.
    return float(f"{values.min():.5g}"), float(f"{values.max():.5g}")
