"""Maps, geometries and settings that `fwi.simulate`, `fwi.linearize` and `fwi.refine` are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import Case

import fwi
from fwi import families
from fwi.geometry import OPENFWI, AcquisitionGeometry

ROW = AcquisitionGeometry(nz=12, nx=16, nt=20, source_x=(0.0,), receiver_x=(0.0,), sponge_width=8)
MAP = np.full((1, 12, 16), 2000.0, np.float32)
MASKED = np.ma.MaskedArray(MAP, mask=MAP > 0)
NAN, HOLE, SPIKE = MAP.copy(), MAP.copy(), MAP.copy()
NAN[0, 3, 4], HOLE[0, 11, 15], SPIKE[0, 0, 0] = np.nan, 0, np.inf
REFUSED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "two axes": (MAP[0], ("(n, 12, 16), got (12, 16)", "add a batch axis")),
    "one axis": (MAP[0, 0], ("(n, 12, 16), got (16,)",)),
    "no axis": (np.float32(2000), ("got ()",)),
    "a number": (2000.0, ("got ()",)),
    "five axes": (MAP[None, None], ("(n, 12, 16)",)),
    "two channels": (np.repeat(MAP[:, None], 2, 1), ("(n, 12, 16), got (1, 2, 12, 16)",)),
    "another size": (MAP[:, :, 1:], ("(n, 12, 16), got (1, 12, 15)",)),
    "turned": (MAP.transpose(0, 2, 1), ("got (1, 16, 12)",)),
    "channels last": (MAP[..., None], ("got (1, 12, 16, 1)",)),
    "no maps": (MAP[:0], ("got (0, 12, 16)",)),
    "an empty list": ([], ("got (0,)",)),
    "truths": (MAP > 0, ("velocity must hold float16", "got bool")),
    "complex": (MAP.astype(complex), ("got complex128",)),
    "texts": (MAP.astype(str), ("velocity must hold", "got <U")),
    "bytes": (MAP.astype("S"), ("velocity must hold",)),
    "objects": (MAP.astype(object), ("got object",)),
    "dates": (MAP.astype("M8[s]"), ("velocity must hold", "datetime64")),
    "long floats": (MAP.astype(np.longdouble), ("velocity must hold", "got float128")),
    "records": (np.zeros((1, 12, 16), [("v", "f4")]), ("velocity must hold",)),
    "None": (None, ("got object",)),
    "a text": ("maps.npy", ("velocity must hold",)),
    "a path": (Path("maps.npy"), ("velocity must hold", "object")),
    "keys": ({"maps": MAP}, ("got object",)),
    "lists of two lengths": (
        [[[2000.0] * 16] * 12, [[2000.0] * 15] * 12],
        ("lists of one length",),
    ),
    "a list of texts": ([[["fast"] * 16] * 12], ("velocity must hold",)),
    "a list of nothing": ([[[None] * 16] * 12], ("got object",)),
    "masked": (MASKED, ("masked", "fill them")),
    "NaN": (NAN, ("1 NaN or infinite values, the first at (0, 3, 4)",)),
    "infinite": (SPIKE, ("1 NaN or infinite values, the first at (0, 0, 0)",)),
    "zero": (HOLE, ("velocity must be positive, in m/s, got a minimum of 0",)),
    "negative": (-MAP, ("velocity must be positive", "-2000")),
    "km/s": (MAP / 1000, ("velocity must be in m/s", "km/s", "multiply by 1000")),
    "mm/s": (MAP * 1000, ("velocity must be in m/s, at most 100000", "2e+06")),
    "huge": (MAP.astype(np.float64) * 1e300, ("velocity must be in m/s",)),
    "too fast for the time step": (MAP * 4, ("dt must be at most", "for 8000 m/s on 10 m cells")),
}
LIKE: dict[str, Callable[[np.ndarray], Any]] = {
    "float32": lambda maps: maps,
    "float16": lambda maps: maps.astype(np.float16),
    "float64": lambda maps: maps.astype(np.float64),
    "int16": lambda maps: maps.astype(np.int16),
    "int64": lambda maps: maps.astype(np.int64),
    "uint16": lambda maps: maps.astype(np.uint16),
    "big-endian float32": lambda maps: maps.astype(">f4"),
    "big-endian float64": lambda maps: maps.astype(">f8"),
    "big-endian int32": lambda maps: maps.astype(">i4"),
    "a channel": lambda maps: maps[:, None],
    "a channel of int32": lambda maps: maps[:, None].astype(np.int32),
    "Fortran's order": np.asfortranarray,
    "backwards": lambda maps: maps[:, ::-1][:, ::-1],
    "every second one": lambda maps: np.repeat(maps, 2, axis=0)[::2],
    "read-only": lambda maps: np.frombuffer(maps.tobytes(), np.float32).reshape(maps.shape),
    "broadcast": lambda maps: np.broadcast_to(maps[0], maps.shape),
    "lists": lambda maps: maps.tolist(),
    "lists of whole numbers": lambda maps: maps.astype(int).tolist(),
    "a tuple of arrays": lambda maps: tuple(maps),
    "not masked": np.ma.MaskedArray,
    "tensor": torch.from_numpy,
    "float64 tensor": lambda maps: torch.from_numpy(maps).double(),
    "float16 tensor": lambda maps: torch.from_numpy(maps).half(),
    "bfloat16 tensor": lambda maps: torch.from_numpy(maps).bfloat16(),
    "int tensor": lambda maps: torch.from_numpy(maps).long(),
    "tensor with a channel": lambda maps: torch.from_numpy(maps)[:, None],
    "tensor with a gradient": lambda maps: torch.from_numpy(maps).requires_grad_(),
    "tensor that is no block": lambda maps: torch.from_numpy(maps).mT.contiguous().mT,
}  # fmt: skip
TENSORS = {
    "truths": (torch.ones(1, 12, 16, dtype=torch.bool), ("got bool",)),
    "complex": (torch.ones(1, 12, 16, dtype=torch.complex64), ("got complex64",)),
    "two axes": (torch.full((12, 16), 2e3), ("add a batch axis",)),
    "km/s": (torch.full((1, 12, 16), 2.0), ("km/s",)),
    "NaN": (torch.full((1, 12, 16), torch.nan), ("192 NaN",)),
    "no maps": (torch.zeros(0, 12, 16), ("got (0, 12, 16)",)),
}
# Of a field of the geometry, what it cannot be, and what is said.
GEOMETRIES: list[tuple[str, Any, str]] = [
    *((name, value, f"{name} must be") for name in ("nz", "nx", "nt", "sponge_width", "dx", "dt")
      for value in (0, -1, float("nan"), float("inf"), 1e30, "5", None, True, [5], 1j)),
    *(("frequency", value, "frequency must be") for value in (0, -15.0, np.nan, 1e20, "15", None)),
    *(("frequency", value, "frequency must be below 500 Hz") for value in (500, 501.0, 15_000)),
    *((name, 2.5, f"{name} must be a whole number, got 2.5") for name in ("nz", "nx", "nt")),
    *((name, value, f"{name} must") for name in ("source_x", "receiver_x")
      for value in ((), [], "0", b"0", 0.0, None, [[0.0]], np.zeros((1, 1)), ["0"], [np.nan],
                    [np.inf], [None], [True], [-6.0], [1e9], {"a": 1})),
    *((name, value, f"{name} must") for name in ("source_depth", "receiver_depth")
      for value in (-6.0, 1e9, np.nan, np.inf, "1", None, True, [1.0])),
]  # fmt: skip
SETTINGS: list[tuple[dict[str, Any], str]] = [
    *(({"threads": value}, "threads must be") for value in (0, -1, 10**9, 1.5, "2", True, np.nan)),
    *(({"memory": value}, "memory must be") for value in (-1, np.nan, np.inf, "200", True, [1])),
    *(({"geometry": value}, "geometry must be an AcquisitionGeometry") for value in (None, 5, {})),
    *(({"on_sample": value}, "on_sample must be a function") for value in (3, "print", [])),
    *(({"engine": value}, "engine") for value in ("kernle", "", "Kernel", None, 3, ["kernel"])),
    *(
        ({"vmin": value}, "vmin must")
        for value in (
            1500.0, [1500.0, 1600.0], [[1500.0]], [0.0], [-1.0], [np.nan], ["slow"], [True], [1j],
            [], "1500", [None],
        )
    ),
]  # fmt: skip
GATHERS = np.ones((1, 5, 1000, 70), np.float32)
REFINED: list[tuple[Any, dict[str, Any], str]] = [
    *((GATHERS, {"noise": value}, "noise must") for value in (-1, np.nan, np.inf, "0", True)),
    *((GATHERS, {"draws": value}, "draws must") for value in (-1, 1.5, 10**9, "1", None)),
    *((GATHERS, {"seconds": value}, "seconds must") for value in (0, -1, np.nan, np.inf, "1")),
    *((GATHERS, {"threads": value}, "threads must") for value in (0, -2, 10**9, "1")),
    *(
        (GATHERS, {"bounds": value}, "bounds must")
        for value in ((1500,), (1500, 4500, 9), 1500, "ab", (4500, 1500), (1.5, 4.5), (0, np.inf),
                      ("a", "b"), (np.nan, 4500), None)
    ),
    *((GATHERS, {"family": value}, "family") for value in ("Flat", "", ["flat"] * 2, [3], [None])),
    *((GATHERS, {"method": value}, "method") for value in ("dens", "", "CG")),
    *(
        (GATHERS, {"start": value}, "start must")
        for value in (
            "tren", np.zeros((1, 70, 70)), np.full((2, 70, 70), 2e3), np.full((1, 69, 70), 2e3),
            np.full((1, 70, 70), 2.0), np.full((70,), 2e3), np.ones((1, 70, 70), bool),
            np.full((1, 1, 1, 70, 70), 2e3), np.full((1, 70, 70), "a"), [[1.0], [2.0, 3.0]],
        )
    ),
    (GATHERS.astype(int), {}, "gathers must be floats that were not rounded, got int64"),
    (GATHERS > 0, {}, "gathers must hold float16"),
    (GATHERS * 1j, {}, "gathers must hold float16"),
    (GATHERS[0, 0], {}, "gathers must be (n, n, n, n), got (1000, 70)"),
    (GATHERS[None], {}, "gathers must be (n, n, n, n)"),
    (GATHERS[:, :4], {}, "gathers must be (B, 5, 1000, 70) or (B, 6, 1000, 70)"),
    (GATHERS[:0], {}, "gathers must be"),
    (np.zeros_like(GATHERS), {}, "must hold a wave, got zeros alone"),
    (np.where(GATHERS > 0, np.nan, 1), {}, "gathers must be finite"),
    ([[1.0], [2.0, 3.0]], {}, "gathers must be an array of numbers, got a list"),
    (None, {}, "gathers must hold"),
    ("gathers.npy", {}, "gathers must hold"),
]  # fmt: skip
DRAWN: list[tuple[str, Any, Any, str]] = [
    *(("Style_A", n, 0, "n must be") for n in (0, -1, 10**18, 1.0, True, "1", None, [1], np.nan)),
    *(("Style_A", 1, rng, "rng must be") for rng in (-1, -(2**70), 1.5, "0", None, True, [0], {})),
    *((name, 1, 0, "unknown family") for name in ("Style", "style_a ", "", "x" * 10**5)),
    *((name, 1, 0, "family must be a name") for name in (None, 3, ["Style_A"], b"Style_A")),
]


def _cases() -> Iterator[Case]:
    for name, (maps, says) in REFUSED.items():
        yield Case(f"{name}", lambda _, maps=maps: lambda: fwi.simulate(maps, ROW), says)
        yield Case(
            f"{name}, linearised", lambda _, maps=maps: lambda: fwi.linearize(maps, ROW), says
        )
    for name, (maps, says) in TENSORS.items():
        for engine in ("kernel", "dense", "surrogate"):
            yield Case(
                f"tensor of {name}, {engine}",
                lambda _, maps=maps, engine=engine: lambda: fwi.simulate(maps, ROW, engine=engine),
                says,
            )
    for name, like in LIKE.items():
        yield Case(name, lambda _, like=like: lambda: _alike(like))
    for field, value, says in GEOMETRIES:
        yield Case(
            f"{field} of {value!r:.20}",
            lambda _, field=field, value=value: lambda: replace(OPENFWI, **{field: value}),
            (says,),
        )
    for setting, says in SETTINGS:
        yield Case(
            f"{setting}",
            lambda _, how=setting: lambda: fwi.linearize(MAP, **{"geometry": ROW, **how}),
            (says,),
        )
    for i, (gathers, how, says) in enumerate(REFINED):
        yield Case(
            f"refine {i}: {list(how) or 'gathers'}",
            lambda _, gathers=gathers, how=how: (
                lambda: fwi.refine(gathers, **{"start": "trend", **how})
            ),
            (says,),
        )
    for family, n, rng, says in DRAWN:
        yield Case(
            f"{n!r} maps of {family!r:.20} from {rng!r}",
            lambda _, *given, family=family, n=n, rng=rng: lambda: families.sample(family, n, rng),
            (says,),
        )
    yield Case(
        "slow", lambda _: lambda: fwi.simulate(MAP / 8, ROW),
        warns=("velocity is mostly 300 to 10000 m/s", "dx is mostly a 4th"),
    )  # fmt: skip
    yield Case(
        "fast", lambda _: lambda: fwi.simulate(MAP * 6, replace(ROW, dt=2e-4)),
        warns=("velocity is mostly 300 to 10000 m/s",),
    )  # fmt: skip
    for frequency in (51.0, 100.0, 400.0):
        yield Case(
            f"2,000 m/s at {frequency:g} Hz",
            lambda _, f=frequency: lambda: fwi.simulate(MAP, replace(ROW, frequency=f)),
            warns=(f"at {frequency:g} Hz",),
        )
    for frequency in (15.0, 30.0, 50.0):
        yield Case(
            f"2,000 m/s at {frequency:g} Hz, which the grid holds",
            lambda _, f=frequency: lambda: fwi.simulate(MAP, replace(ROW, frequency=f)),
        )


def _alike(like: Callable[[np.ndarray], Any]) -> None:
    """Whatever holds the maps, the gathers are those of the maps in float32."""
    maps = np.repeat(np.full((1, 12, 16), 2048, np.float32), 2, axis=0)
    maps[:, 6:] = 3072
    given = fwi.simulate(like(maps), ROW)
    got = given.detach().numpy() if isinstance(given, torch.Tensor) else given
    # float64 differs from float32 by its rounding over 20 steps, of a wave of some 1e3.
    np.testing.assert_allclose(got, fwi.simulate(maps, ROW), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", list(_cases()), ids=str)
def test_map(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
