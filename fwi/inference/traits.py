"""A few numbers of gathers that tell one recording from another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fwi.arrays import Array


class Trait(NamedTuple):
    """One number of a sample's gathers: its name, the factor beyond training that is unusual."""

    words: str
    factor: float
    guess: str


# 40 % apart at most over the ten generated families, ten real maps and a gather of the competition
# (largest 39 to 53, rms 1.3 to 2.1, polarity 1.9 to 2.0, peak 76 to 78, cycles 14.7 to 15.0), which
# leaves room for noise and dead traces, and none for a turned sign or 25 Hz.
TRAITS = {
    "largest": Trait("the largest amplitude", 2.0, "were amplitudes scaled?"),
    "rms": Trait("the root mean square", 2.0, "were traces scaled or filled?"),
    "polarity": Trait("the largest value by the least", 1.35, "was the sign turned?"),
    "peak_sample": Trait("the loudest time sample", 1.5, "were records shifted or reversed?"),
    "cycles": Trait("cycles in a record", 1.25, "were they recorded otherwise?"),
}


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


def outside(trait: Trait, values: Array, low: float, high: float) -> Iterator[str]:
    """Say which value lies furthest beyond a range and its margin, if one does."""
    # What varies widely in training may do so a little more.
    least = min(low / trait.factor, 2 * low - high)
    most = max(high * trait.factor, 2 * high - low)
    wrong = values[(values < least) | (values > most)]
    if wrong.size:
        got = wrong[np.abs(wrong - (low + high) / 2).argmax()]
        yield f"{trait.words} is {got:.3g}, there {low:.3g} to {high:.3g}; {trait.guess}"
