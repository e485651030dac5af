"""What a network was trained on: sizes, recording, and what gathers look like there.

A network gives a map of anything that has the right shape. What it was not trained on is refused
where it cannot be meant, and warned of where it is only unlike: normalised, flipped in sign,
reversed, of another frequency or another line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fwi.arrays import Array
from fwi.data.decimation import MOST, decimate, decimated
from fwi.data.recording import differences, is_mirror_image, read_geometry, recorded_of
from fwi.data.store import Store
from fwi.geometry import AcquisitionGeometry
from fwi.inference.traits import TRAITS, outside, traits
from fwi.models.sizes import RECORD
from fwi.openfwi import FLIPPED_SHOTS

_SAMPLES = 64  # of each store that are looked at
_FEWEST = 16  # that tell what is usual
_PLACES = 2  # receivers that a shot's loudest one may be away


@dataclass(frozen=True)
class Conditions:
    """What a network was trained on.

    Attributes:
        shots: of the stores, at least those that the network takes.
        samples: time samples.
        receivers: of a shot.
        recording: `fwi.geometry.AcquisitionGeometry` by name, where the store says, before
            decimation.
        traits: least and greatest of each trait over gathers looked at, see `traits`.
        loudest: least and greatest receiver at which each shot is loudest over them.
        velocity: least and greatest of the maps, m/s.
        decimate: by which records were decimated, see `fwi.data.decimation`.
    """

    shots: int
    samples: int
    receivers: int
    recording: dict[str, Any] | None = None
    traits: dict[str, tuple[float, float]] = field(default_factory=dict)
    loudest: tuple[tuple[int, int], ...] = ()
    velocity: tuple[float, float] | None = None
    decimate: Annotated[int, Field(ge=1, le=MOST)] = 1

    @property
    def recorded(self) -> AcquisitionGeometry | None:
        """The recording before decimation, where it is known."""
        return None if self.recording is None else read_geometry(self.recording)

    @property
    def geometry(self) -> AcquisitionGeometry | None:
        """The recording of what the network takes, where it is known."""
        return None if self.recording is None else read_geometry(self.recording, self.decimate)

    def decimated(self, gathers: Array) -> Array:
        """Decimate gathers (B, S, T, R) as the training's were, if they are as recorded."""
        recorded = self.recorded
        if self.decimate == 1 or recorded is None or gathers.shape[2] != recorded.nt:
            return gathers
        return decimate(gathers, self.decimate, lossy=True)

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
        found = recorded_of(store)
        if found is None:
            return
        # What was not decimated yet still can be.
        ours = self.recorded if found[1] == 1 else self.geometry
        theirs = decimated(*found)
        if ours is None:
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
            if name in self.traits and name in TRAITS:
                said += outside(TRAITS[name], values, *self.traits[name])
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


def check_shape(
    shape: Sequence[int], n_shots: int, known: Conditions | None, tta: bool = False
) -> None:
    """Refuse gathers (B, S, T, R) of a shape that a network was not made for.

    Args:
        shape: of the gathers.
        n_shots: that the network takes.
        known: what it was trained on, if that is known.
        tta: whether the gathers are to be mirrored too.

    Raises:
        ValueError: if shots, time samples or receivers do not fit.
    """
    got = tuple(shape)
    if known is not None:
        known.check_shape(got, n_shots)
    elif got[2:] == RECORD[::-1]:
        raise ValueError(
            f"gathers must be (B, shots, time, receivers), got {got}; transpose the last two axes"
        )
    if got[1] < n_shots:
        raise ValueError(f"gathers must have at least {n_shots} shots for this network, got {got}")
    if tta and known is not None:
        known.check_flip()
    if tta and got[1] not in FLIPPED_SHOTS:
        raise ValueError(
            f"gathers must have 5 or 6 shots for the flip average, got {got[1]}; set tta=False "
            "(infer.tta=false)"
        )


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
    ranges = {name: _range(np.concatenate([f[name] for f in seen])) for name in TRAITS}
    at = np.array(places)
    recording, factor = recorded_of(stores[0]) or (None, 1)
    return Conditions(
        shots,
        samples,
        receivers,
        None if recording is None else asdict(recording),
        ranges if known else {},
        tuple(zip(at.min(0).tolist(), at.max(0).tolist(), strict=True)) if known else (),
        (min(speeds), max(speeds)),
        factor,
    )


def _range(values: Array) -> tuple[float, float]:
    # Five digits tell what is unusual, and can be read.
    return float(f"{values.min():.5g}"), float(f"{values.max():.5g}")
