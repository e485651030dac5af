"""Gathers and maps of plausible shapes that mean something else: sizes, order, units, scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cases import Case
from samples import gathers, holds, maps, save

from fwi.arrays import Array
from fwi.data.store import Store

PREPARE = ["prepare", "tree", "--store", "store", "--set", "prepare.n_folds=2"]
DATA, MODEL = "tree/FlatVel_A/data/data1.npy", "tree/FlatVel_A/model/model1.npy"
Change = Callable[[Array], Array]


def changed(g: Change, m: Change = np.copy, *options: object) -> Callable[[Path], list[object]]:
    """Lay out a pair whose gathers and maps were changed."""

    def make(folder: Path) -> list[object]:
        save(folder / DATA, g(gathers()))
        save(folder / MODEL, m(maps()))
        return [*PREPARE, *options]

    return make


def cut(nt: int = 1000, receivers: int = 70, shots: int = 5) -> Change:
    return lambda g: np.resize(g, (len(g), shots, nt, receivers))


def sizes() -> Iterator[Case]:
    """Give shapes that are not those of the recording, and nothing that says how they were made."""
    for nt in (1, 2, 70, 250, 499, 500, 501, 999, 1001, 1500, 2000, 4000):
        words = ("data1.npy", "1000 time samples of 1 ms", f"got {nt}", "--dt")
        yield Case(f"{nt} time samples", changed(cut(nt=nt)), words)
    for n in (1, 2, 35, 69, 71, 101, 140):
        words = ("data1.npy", f"70 receivers, got {n}", "--receiver-x")
        yield Case(f"{n} receivers", changed(cut(receivers=n)), words)
    for n in (1, 2, 3, 4, 7, 8, 10, 20):
        words = ("data1.npy", f"5 shots, got {n}", "--source-x")
        yield Case(f"{n} shots", changed(cut(shots=n)), words)


AXES = {
    "time last": ((0, 1, 3, 2), "swap the last two axes"),
    "shots last": ((0, 2, 3, 1), "data1.npy"),
    "receivers first": ((0, 3, 2, 1), "data1.npy"),
    "samples last": ((1, 2, 3, 0), "data1.npy"),
}
RANKS: dict[str, Change] = {
    "one trace": lambda g: g[0, 0, :, 0],
    "one shot": lambda g: g[0, 0],
    "a number": lambda g: g[0, 0, 0, 0],
    "a channel axis": lambda g: g[:, None],
    "six axes": lambda g: g[:, None, None],
    "no samples": lambda g: g[:0],
    "no shots": lambda g: g[:, :0],
    "no times": lambda g: g[:, :, :0],
    "no receivers": lambda g: g[..., :0],
}
MAP_SHAPES: dict[str, Change] = {
    "too few": lambda m: m[:1],
    "too many": lambda m: np.concatenate([m, m]),
    "one map for two": lambda m: m[0],
    "a row": lambda m: m[0, 0],
    "narrow": lambda m: m[:, :, 1:],
    "shallow": lambda m: m[:, 1:],
    "larger": lambda m: np.pad(m, ((0, 0), (0, 1), (0, 1)), mode="edge"),
    "140 x 140": lambda m: m.repeat(2, 1).repeat(2, 2),
    "two channels": lambda m: np.stack([m, m], 1),
    "channel last": lambda m: m[..., None],
    "five axes": lambda m: m[:, None, None],
    "none": lambda m: m[:0],
}
DTYPES = ["i2", "i4", "i8", "u1", "u2", "?", "c8", "c16", "S4", "U4", "M8[s]", "m8[s]"]
MAP_DTYPES = ["?", "c8", "c16", "S8", "U8", "M8[s]", "m8[s]"]


def at(value: float, *place: int) -> Change:
    def put(array: Array) -> Array:
        array = array.copy()
        array[place] = value
        return array

    return put


def values() -> Iterator[Case]:
    for value, said in ((np.nan, "finite"), (np.inf, "finite"), (-np.inf, "finite")):
        for place in ((0, 0, 0, 0), (1, 4, 999, 69), (0, 2, 500, 35)):
            yield Case(f"{value} at {place}", changed(at(value, *place)), ("data1.npy", said))
        for place in ((0, 0, 0), (1, 69, 69)):
            make = changed(np.copy, at(value, *place))
            yield Case(f"a map with {value} at {place}", make, ("model1.npy", said))
    for value in (0.0, -0.0, -1500.0, -1e-9):
        make = changed(np.copy, at(value, 1, 30, 30))
        yield Case(f"a map with {value}", make, ("model1.npy", "positive"))


def scaled(factor: float) -> Change:
    return lambda array: array * np.float32(factor)


def scales() -> Iterator[Case]:
    """Give gathers and maps in other units."""
    for factor in (0.0, 1e-12, 1e-9, 1e-7, 1e-6, 1e4, 1e6, 1e9, -1e7):
        words = ("data1.npy", "float16", "a peak of")
        yield Case(f"gathers x {factor:g}", changed(scaled(factor)), words)
    for factor in (1e-3, 0.02, 0.1, 0.5, 2.0, 10.0, 1e3):
        warned = (f"{factor:.3g} times as large",)
        yield Case(f"gathers x {factor:g}", changed(scaled(factor)), warns=warned)
    for factor in (-1e-2, -1.0, -20.0):
        yield Case(
            f"gathers x {factor:g}", changed(scaled(factor)), warns=("sign is the opposite",)
        )
    for factor in (1e-3, 1e-6):
        yield Case(f"maps x {factor:g}", changed(np.copy, scaled(factor)), ("model1.npy", "km/s"))
    for factor, said in ((1e-2, "residual of"), (0.1, "residual of"), (3.5, "cannot be compared")):
        warned = ("300 to 10000 m/s", said)
        yield Case(f"maps x {factor:g}", changed(np.copy, scaled(factor)), warns=warned)


ORDERS: dict[str, tuple[Change, Change, str]] = {
    "to -1..1": (lambda g: g / np.abs(g).max(), np.copy, "times as large"),
    "shots reversed": (lambda g: g[:, ::-1], np.copy, "shots stand in the opposite order"),
    "receivers reversed": (lambda g: g[..., ::-1], np.copy, "receivers stand in the opposite"),
    "line mirrored": (np.copy, lambda m: m[..., ::-1], "line of the maps runs the other way"),
    "maps transposed": (np.copy, lambda m: m.swapaxes(1, 2), "maps are transposed"),
    "maps upside down": (np.copy, lambda m: m[:, ::-1], "maps are upside down"),
    "maps of others": (np.copy, lambda m: m[::-1], "another wavelet, time step, order or map"),
    "slowness": (np.copy, lambda m: 6e6 / m, "another wavelet, time step, order or map"),
    "time reversed": (lambda g: g[:, :, ::-1], np.copy, "another wavelet, time step"),
    "squared": (lambda g: g * np.abs(g), np.copy, "another wavelet, time step"),
    "shifted by 20 ms": (lambda g: np.roll(g, 20, 2), np.copy, "another wavelet, time step"),
    "standardised": (lambda g: (g - 1) / g.std() * 2, np.copy, "residual of"),
}


def is_thinned(folder: Path) -> None:
    made = Store(folder / "store")
    assert np.array_equal(made.gathers(range(2)), gathers().astype(np.float16))


def is_interpolated(folder: Path) -> None:
    """A tenth of the rounding to float16, beside that rounding itself."""
    off = Store(folder / "store").gathers(range(2)) - gathers()
    rounding = gathers().astype(np.float16) - gathers()
    assert np.linalg.norm(off) < 1.1 * np.linalg.norm(rounding)


def positions(key: str, values: list[float]) -> list[object]:
    return [option for value in values for option in (f"--{key}", value)]


LINE = [10.0 * column for column in range(70)]
SOURCES = [0.0, 170.0, 340.0, 520.0, 690.0]
SAID = [
    Case("0.5 ms", changed(lambda g: g.repeat(2, 2), np.copy, "--dt", 5e-4), check=is_thinned),
    Case("0.25 ms", changed(lambda g: g.repeat(4, 2), np.copy, "--dt", 2.5e-4), check=is_thinned),
    Case("1 ms said", changed(np.copy, np.copy, "--dt", 1e-3), check=is_thinned),
    Case("a longer record", changed(lambda g: np.concatenate([g, g], 2), np.copy, "--dt", 1e-3),
         check=is_thinned),
    Case("2 ms", changed(lambda g: g[:, :, ::2], np.copy, "--dt", 2e-3), check=is_interpolated),
    Case("shots in another order",
         changed(lambda g: g[:, ::-1], np.copy, *positions("source-x", SOURCES[::-1])),
         check=is_thinned),
    Case("twice as many shots",
         changed(lambda g: g.repeat(2, 1), np.copy, *positions("source-x", sorted(SOURCES * 2))),
         check=is_thinned),
    Case("more receivers",
         changed(lambda g: np.pad(g, ((0, 0), (0, 0), (0, 0), (2, 3))), np.copy,
                 *positions("receiver-x", [-20.0, -10.0, *LINE, 700.0, 710.0, 720.0])),
         check=is_thinned),
    Case("receivers reversed, said so",
         changed(lambda g: g[..., ::-1], np.copy, *positions("receiver-x", LINE[::-1])),
         check=is_thinned),
]  # fmt: skip
UNSAID = [
    Case("0.5 s", changed(np.copy, np.copy, "--dt", 5e-4), ("must last 0.999 s, got 0.4995 s",)),
    Case("999 of 1 ms", changed(cut(nt=999), np.copy, "--dt", 1e-3), ("must last 0.999 s",)),
    Case("250 of 4 ms", changed(lambda g: g[:, :, ::4], np.copy, "--dt", 4e-3), ("must last",)),
    Case("a step of 0", changed(np.copy, np.copy, "--dt", 0), ("dt",)),
    Case("a step of -1 ms", changed(np.copy, np.copy, "--dt", -1e-3), ("dt",)),
    Case("a step of NaN", changed(np.copy, np.copy, "--dt", "nan"), ("dt",)),
    Case("a step of inf", changed(np.copy, np.copy, "--dt", "inf"), ("dt",)),
    Case("69 receivers said",
         changed(cut(receivers=69), np.copy, *positions("receiver-x", LINE[:-1])),
         ("got none at 690 m", "cannot be made up")),
    Case("two of 70 positions", changed(np.copy, np.copy, *positions("receiver-x", [0, 10])),
         ("must name the 70 receivers", "got 2 positions")),
    Case("shots elsewhere",
         changed(np.copy, np.copy, *positions("source-x", [0, 100, 200, 300, 400])),
         ("got none at 170, 340, 520, 690 m",)),
    Case("noise of 2 ms",
         changed(lambda g: np.random.default_rng(1).normal(size=g[:, :, ::2].shape), np.copy,
                 "--dt", 2e-3), ("sampled finely enough",)),
]  # fmt: skip


def whole(folder: Path) -> None:
    assert np.array_equal(Store(folder / "store").maps(range(2)), np.rint(maps()))


TAKEN: dict[str, tuple[Change, Change]] = {
    "float16": (lambda g: g.astype(np.float16), np.copy),
    "float64": (lambda g: g.astype(np.float64), lambda m: m.astype(np.float64)),
    "big-endian": (lambda g: g.astype(">f4"), lambda m: m.astype(">f4")),
    "Fortran order": (np.asfortranarray, np.asfortranarray),
    "maps with a channel": (np.copy, lambda m: m[:, None]),
    "one sample, no axis": (lambda g: g[0], lambda m: m[0]),
}

CASES = [
    *sizes(),
    *(Case(f"axes: {name}", changed(lambda g, o=order: g.transpose(o)), ("data1.npy", said))
      for name, (order, said) in AXES.items()),
    *(Case(f"rank: {name}", changed(change), ("data1.npy",)) for name, change in RANKS.items()),
    *(Case(f"maps: {name}", changed(np.copy, change), ("model1.npy",))
      for name, change in MAP_SHAPES.items()),
    *(Case(f"gathers of {t}", changed(lambda g, t=t: g.astype(t)), ("data1.npy", "float16"))
      for t in DTYPES),
    *(Case(f"maps of {t}", changed(np.copy, lambda m, t=t: m.astype(t)), ("model1.npy", "numbers"))
      for t in MAP_DTYPES),
    *values(),
    *scales(),
    *(Case(name, changed(g, m), warns=(said,)) for name, (g, m, said) in ORDERS.items()),
    *SAID,
    *(Case(f"maps of {t}", changed(np.copy, lambda m, t=t: np.rint(m).astype(t)), check=whole)
      for t in ("i2", ">i2", "u2", "i4", "i8", "u8")),
    *UNSAID,
    *(Case(name, changed(g, m), check=holds(1 if "one" in name else 2))
      for name, (g, m) in TAKEN.items()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recording(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
