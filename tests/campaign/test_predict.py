"""Odd arrays, options and ensembles, in Python and on the command line."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import Case
from small import OPTIONS, RECORD
from torch import nn

from fwi.geometry import OPENFWI, flip_gathers
from fwi.inference.conditions import Conditions
from fwi.inference.description import Description
from fwi.inference.ensemble import blend
from fwi.inference.predictor import Predictor, load
from fwi.models import create_model

Make = Callable[[Path], Callable[[], Any]]
SHAPE = (2, 5, *RECORD)


@cache
def small(known: bool = True) -> Predictor:
    """The smallest network, with what it was trained on or without."""
    torch.manual_seed(0)
    conditions = Conditions(6, *RECORD) if known else None
    described = Description("physics_unet", None, OPTIONS, conditions=conditions)
    model = create_model("physics_unet", **OPTIONS)
    return Predictor(model, described, precision="float32", device="cpu")


@cache
def shipped() -> Conditions:
    """What the shipped weights were trained on."""
    found = load("default").conditions
    assert found is not None
    return found


def noise(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Gathers of noise, the same each time."""
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def predicting(make: Callable[[], Any], known: bool = True, **options: Any) -> Make:
    """Predict from what is made."""
    return lambda folder: partial(small(known).predict, make(), **options)


def same(make: Callable[[], Any], like: Callable[[], np.ndarray] = noise) -> Make:
    """Predict from another form of the same numbers: the map must be the same."""

    def compare(given: Any) -> None:
        expected = small().predict(like())
        np.testing.assert_array_equal(small().predict(given), expected)

    return lambda folder: partial(compare, make())


class Holder:
    """Has an array, as data frames and other libraries' arrays do."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Give it."""
        return noise()


class Broken:
    """Promises an array and fails."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Fail."""
        raise RuntimeError("out of order")


def ragged() -> list[Any]:
    parts = noise().tolist()
    parts[0][0].pop()
    return parts


def masked() -> Any:
    array = np.ma.array(noise(), mask=False)
    array[0, 0, 0, 0] = np.ma.masked
    return array


def with_value(value: float, place: tuple[int, ...] = (0, 0, 0, 0)) -> Callable[[], np.ndarray]:
    def make() -> np.ndarray:
        array = noise()
        array[place] = value
        return array

    return make


def integers() -> np.ndarray:
    return np.arange(np.prod(SHAPE)).reshape(SHAPE) % 100


TYPES: list[tuple[str, Callable[[], Any], str]] = [
    ("None", lambda: None, "real numbers, got object"),
    ("a path in words", lambda: "a.npy", "got a path"),
    ("a path", lambda: Path("a.npy"), "got a path"),
    ("bytes", lambda: b"abc", "got a path"),
    ("a dict", lambda: {"gathers": noise()}, "got object"),
    ("a set", lambda: {1.0}, "got object"),
    ("a generator", lambda: (g for g in noise()), "got object"),
    ("a function", lambda: noise, "got object"),
    ("a network", lambda: nn.Identity(), "got object"),
    ("an object that fails", Broken, "out of order"),
    ("ragged lists", ragged, "one shape"),
    ("a list of arrays of two shapes", lambda: [noise()[0], noise()[1, :4]], "one shape"),
    ("a list of tensors of two shapes", lambda: [torch.ones(5, 4), torch.ones(5, 3)], "one shape"),
    ("masked values", masked, "masked"),
    ("a sparse tensor", lambda: torch.from_numpy(noise()).to_sparse(), "dense tensor"),
    ("a tensor without values", lambda: torch.empty(SHAPE, device="meta"), "dense tensor"),
    *[
        (f"{name} values", lambda d=d: np.zeros(SHAPE).astype(d), name)
        for name, d in {
            "bool": bool,
            "complex64": np.complex64,
            "complex128": np.complex128,
            "object": object,
            "<U32": str,
            "|S32": bytes,
            "datetime64": "M8[s]",
            "timedelta64": "m8[s]",
        }.items()
    ],
    ("records", lambda: np.zeros(SHAPE, [("a", "f4")]), "real numbers"),
    ("a complex tensor", lambda: torch.zeros(SHAPE, dtype=torch.complex64), "complex64"),
    ("a tensor of truth values", lambda: torch.zeros(SHAPE, dtype=torch.bool), "bool"),
]
SHAPES: list[tuple[tuple[int, ...], str]] = [
    ((), "got ()"),
    ((5,), "got (5,)"),
    ((40, 8), "got (40, 8)"),
    ((5, 40, 8), "add a batch axis"),
    ((10, 40, 8), "got (10, 40, 8)"),
    ((1, 1, 5, 40, 8), "got (1, 1, 5, 40, 8)"),
    ((0, 5, 40, 8), "got (0, 5, 40, 8)"),
    ((1, 0, 40, 8), "got (1, 0, 40, 8)"),
    ((1, 5, 0, 8), "got (1, 5, 0, 8)"),
    ((1, 5, 40, 0), "got (1, 5, 40, 0)"),
    ((0,), "got (0,)"),
    ((1, 5, 8, 40), "transpose the last two axes"),
    ((3, 6, 8, 40), "transpose the last two axes"),
    ((1, 40, 5, 8), "(B, 5, 40, 8)"),
    ((1, 40, 8, 5), "(B, 5, 40, 8)"),
    ((5, 1, 40, 8), "got (5, 1, 40, 8)"),
    ((1, 4, 40, 8), "got (1, 4, 40, 8)"),
    ((1, 7, 40, 8), "follow one another"),
    ((1, 10, 40, 8), "follow one another"),
    ((1, 20, 40, 8), "follow one another"),
    ((1, 5, 39, 8), "records of that size"),
    ((1, 5, 41, 8), "records of that size"),
    ((1, 5, 20, 8), "records of that size"),
    ((1, 5, 80, 8), "records of that size"),
    ((1, 5, 1000, 70), "records of that size"),
    ((1, 5, 40, 7), "records of that size"),
    ((1, 5, 40, 9), "records of that size"),
    ((1, 5, 40, 1), "records of that size"),
    ((1, 5, 1, 8), "records of that size"),
]
VALUES: list[tuple[str, Callable[[], Any], str]] = [
    *[
        (f"{v} at {p}", with_value(v, p), "must be finite")
        for v in (np.nan, np.inf, -np.inf)
        for p in ((0, 0, 0, 0), (1, 4, 39, 7), (0, 2, 20, 4))
    ],
    ("NaN alone", lambda: np.full(SHAPE, np.nan), "3200 NaN"),
    ("NaN in float16", lambda: np.full(SHAPE, np.nan, np.float16), "must be finite"),
    ("NaN in bfloat16", lambda: torch.full(SHAPE, torch.nan, dtype=torch.bfloat16), "finite"),
    ("1e39 in float64", lambda: np.full(SHAPE, 1e39), "fit float32, got 1e+39"),
    ("-1e300 in float64", lambda: np.full(SHAPE, -1e300), "fit float32, got 1e+300"),
    ("NaN in a list", lambda: np.full(SHAPE, np.nan).tolist(), "must be finite"),
]
FORMS: list[tuple[str, Callable[[], Any], Callable[[], np.ndarray]]] = [
    ("float64", lambda: noise().astype(np.float64), noise),
    ("long double", lambda: noise().astype(np.longdouble), noise),
    ("big-endian float32", lambda: noise().astype(">f4"), noise),
    ("big-endian float64", lambda: noise().astype(">f8"), noise),
    ("Fortran order", lambda: np.asfortranarray(noise()), noise),
    ("axes moved and back", lambda: noise().transpose(3, 2, 1, 0).copy().transpose(), noise),
    ("negative strides", lambda: noise()[:, ::-1, ::-1, ::-1].copy()[:, ::-1, ::-1, ::-1], noise),
    ("every other of a larger array", lambda: np.repeat(noise(), 2, 3)[..., ::2], noise),
    ("read-only", lambda: np.broadcast_to(noise(), SHAPE), noise),
    ("nested lists", lambda: noise().tolist(), noise),
    ("a tuple of arrays", lambda: tuple(noise()), noise),
    ("a list of tensors", lambda: list(torch.from_numpy(noise())), noise),
    (
        "tensors with gradients in a list",
        lambda: list(torch.tensor(noise(), requires_grad=True)),
        noise,
    ),
    ("an object with an array", Holder, noise),
    ("no masked value", lambda: np.ma.array(noise(), mask=False), noise),
    ("a matrix subclass", lambda: noise().view(np.recarray), noise),
    ("a tensor", lambda: torch.from_numpy(noise()), noise),
    ("a tensor with gradients", lambda: torch.tensor(noise(), requires_grad=True), noise),
    ("a result with gradients", lambda: torch.tensor(noise(), requires_grad=True) * 1, noise),
    ("a parameter", lambda: nn.Parameter(torch.from_numpy(noise())), noise),
    ("a float64 tensor", lambda: torch.from_numpy(noise()).double(), noise),
    (
        "a tensor channels last",
        lambda: torch.from_numpy(noise()).to(memory_format=torch.channels_last),
        noise,
    ),
    ("a negated view", lambda: torch.from_numpy(-noise())._neg_view(), noise),
    (
        "float16",
        lambda: noise().astype(np.float16),
        lambda: noise().astype(np.float16).astype("f4"),
    ),
    (
        "big-endian float16",
        lambda: noise().astype(">f2"),
        lambda: noise().astype(np.float16).astype("f4"),
    ),
    (
        "a float16 tensor",
        lambda: torch.from_numpy(noise()).half(),
        lambda: noise().astype(np.float16).astype("f4"),
    ),
    (
        "a bfloat16 tensor",
        lambda: torch.from_numpy(noise()).bfloat16(),
        lambda: torch.from_numpy(noise()).bfloat16().float().numpy(),
    ),
    (
        "bfloat16 with gradients",
        lambda: torch.from_numpy(noise()).bfloat16().requires_grad_(),
        lambda: torch.from_numpy(noise()).bfloat16().float().numpy(),
    ),
    *[
        (f"{d} values", lambda d=d: integers().astype(d), lambda: integers().astype("f4"))
        for d in ("i1", "u1", "i2", ">i2", "u2", "i4", "u4", "i8", ">i8", "u8")
    ],
    ("an int64 tensor", lambda: torch.from_numpy(integers()), lambda: integers().astype("f4")),
    ("lists of whole numbers", lambda: integers().tolist(), lambda: integers().astype("f4")),
]


def making(*names: Any, **options: Any) -> Make:
    """Build a predictor."""
    return lambda folder: lambda: Predictor(small().model, *names, **options)


def shipped_like(gathers: Callable[[], np.ndarray]) -> Make:
    """Compare gathers with what the shipped weights were trained on, without their network."""

    class Silent(nn.Module):
        n_shots = 5

        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return given[:, :1, :70].float()

    def ask(given: np.ndarray) -> Any:
        described = Description("unet", None, {}, conditions=shipped())
        return Predictor(Silent(), described, device="cpu").predict(given, tta=False)

    return lambda folder: partial(ask, gathers())


@cache
def wave() -> np.ndarray:
    """Gathers of a uniform map as if by hand: a wavelet of 15 Hz at the distance's delay."""
    t = np.arange(OPENFWI.nt) * OPENFWI.dt
    gathers = np.zeros((1, *OPENFWI.gather_shape), np.float32)
    for shot, source in enumerate(OPENFWI.source_x):
        for column, receiver in enumerate(OPENFWI.receiver_x):
            distance = abs(source - receiver)
            a = (np.pi * 15 * (t - 0.077 - distance / 2000)) ** 2
            ricker = (1 - 2 * a) * np.exp(-a)
            gathers[0, shot, :, column] = 45 * ricker / (1 + distance / 5)
    return gathers


ALIKE = {
    "as recorded": wave,
    "in float64": lambda: wave().astype(np.float64),
    "in float16": lambda: wave().astype(np.float16),
    "with a sixth shot": lambda: np.concatenate([wave(), wave()[:, 2:3]], 1),
    "a dead trace of ten": lambda: wave() * (np.arange(70) % 10 != 5),
    "five per cent louder": lambda: wave() * 1.05,
    "ten copies": lambda: np.repeat(wave(), 10, 0),
    "mirrored as the flip does": lambda: flip_gathers(wave()),
    "with noise of a hundredth": lambda: wave() + 0.01 * noise(wave().shape),
}
UNLIKE: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "normalised to 1": (lambda: wave() / wave().max(), "largest amplitude is 1,"),
    "normalised by trace": (lambda: wave() / np.abs(wave()).max(2, keepdims=True), "amplitude"),
    "normalised by shot": (lambda: wave() / np.abs(wave()).max((2, 3), keepdims=True), "amplitude"),
    "times 1000": (lambda: wave() * 1000, "largest amplitude is 4.5e+04"),
    "times -1000": (lambda: wave() * -1000, "largest amplitude is 4.5e+04"),
    "times 1e-3": (lambda: wave() * 1e-3, "largest amplitude"),
    "times 1e-9": (lambda: wave() * 1e-9, "largest amplitude"),
    "times 1e-45": (lambda: wave() * 1e-45, "largest amplitude"),
    "silent": (lambda: wave() * 0, "largest amplitude is 0"),
    "one of ten silent": (
        lambda: np.concatenate([np.repeat(wave(), 9, 0), 0 * wave()]),
        "largest amplitude is 0",
    ),
    "of the other sign": (lambda: -wave(), "was the sign turned?"),
    "reversed in time": (lambda: wave()[:, :, ::-1], "loudest time sample"),
    "late by a tenth of a second": (lambda: np.roll(wave(), 100, 2), "loudest time sample"),
    "receivers turned": (lambda: wave()[..., ::-1], "loudest receiver of shot"),
    "shots turned": (lambda: wave()[:, ::-1], "loudest receiver of shot"),
    "shots in another order": (lambda: wave()[:, [1, 0, 2, 3, 4]], "loudest receiver of shot"),
    "one shot five times": (lambda: wave()[:, [0] * 5], "loudest receiver of shot"),
    "receivers ten aside": (lambda: np.roll(wave(), 10, 3), "loudest receiver of shot"),
    "sampled twice as often": (lambda: np.repeat(wave()[:, :, :500], 2, 2), "time sample is"),
    "sampled half as often": (
        lambda: np.concatenate([wave()[:, :, ::2], 0 * wave()[:, :, ::2]], 2),
        "unlike",
    ),
    "differentiated": (lambda: np.diff(wave(), axis=2, append=0), "unlike"),
    "with an offset": (lambda: wave() + 20, "unlike"),
    "absolute values": (lambda: np.abs(wave()), "unlike"),
    "compressed by a logarithm": (lambda: np.sign(wave()) * np.log1p(np.abs(wave())), "unlike"),
    "noise": (lambda: noise((1, 5, 1000, 70)), "unlike"),
    "noise of the same size": (lambda: 10 * noise((1, 5, 1000, 70)), "unlike"),
    "a constant": (lambda: np.full((1, 5, 1000, 70), 40.0), "unlike"),
    "one spike": (lambda: np.eye(1, 350_000).reshape(1, 5, 1000, 70) * 40, "unlike"),
}
MAPS = np.full((2, 8, 8), 2000.0, np.float32)
BLENDS: list[tuple[str, Any, str, str]] = [
    ("nothing", [], "mean", "one shape"),
    ("two sizes", [MAPS, MAPS[:, :4]], "mean", "maps are of one size"),
    ("two numbers of samples", [MAPS, MAPS[:1]], "mean", "maps are of one size"),
    ("two ranks", [MAPS, MAPS[0]], "median", "maps are of one size"),
    ("an unknown way", [MAPS, MAPS], "mode", "'mean' or 'median', got 'mode'"),
    ("no way", [MAPS, MAPS], None, "'mean' or 'median', got None"),
    ("a way in capitals", [MAPS, MAPS], "Mean", "got 'Mean'"),
]
BUILDS: list[tuple[str, Make, str]] = [
    *[
        (f"batch_size {n!r}", making(batch_size=n), "batch_size")
        for n in (0, -1, 1.5, 2.0, "2", None, True, [2], float("nan"))
    ],
    *[
        (f"precision {p!r}", making(precision=p), "precision")
        for p in ("float16", "half", "", None, 16, "FLOAT32", "bf16", torch.float32)
    ],
    *[
        (f"device {d!r}", making(device=d), "device")
        for d in ("gpu", "cuda:99", "", None, 7, -1, "meta", "cpu:x", 1.5, [])
    ],
    *[
        (f"tta {t!r}", predicting(noise, tta=t), "tta")
        for t in ("no", 1, 0, None, [], "false", 0.0)
    ],
]


def sided(**changes: Any) -> Make:
    """Average with the mirror image of a line that is recorded."""
    from dataclasses import asdict, replace

    geometry = replace(OPENFWI, **changes)

    def ask() -> Any:
        known = Conditions(len(geometry.source_x), *RECORD, asdict(geometry))
        described = Description("physics_unet", None, OPTIONS, conditions=known)
        one = Predictor(small().model, described, precision="float32", device="cpu")
        return one.predict(noise())

    return lambda folder: ask


LINES = {
    "sources on one side": {"source_x": (0.0, 10.0, 20.0, 30.0, 40.0)},
    "sources turned": {"source_x": OPENFWI.source_x[::-1][1:] + OPENFWI.source_x[-1:]},
    "one source moved": {"source_x": (0.0, 170.0, 340.0, 520.0, 600.0)},
    "receivers on one side": {"receiver_x": tuple(10.0 * i for i in range(35))},
    "receivers moved": {"receiver_x": tuple(10.0 * i + 3 for i in range(35))},
    "one source": {"source_x": (340.0,)},
    "ten sources": {"source_x": tuple(70.0 * i for i in range(10))},
}
PREDICTING = [
    *[Case(f"given {n}", predicting(make), ("gathers", words)) for n, make, words in TYPES],
    *[
        Case(f"shape {s}", predicting(lambda s=s: np.ones(s, np.float32)), ("gathers", words))
        for s, words in SHAPES
    ],
    *[Case(n, predicting(make), ("gathers", words)) for n, make, words in VALUES],
    *[Case(f"taken: {n}", same(make, like)) for n, make, like in FORMS],
    *[Case(f"shipped weights, {n}", shipped_like(make)) for n, make in ALIKE.items()],
    *[
        Case(f"shipped weights, {n}", shipped_like(make), warns=(words,))
        for n, (make, words) in UNLIKE.items()
    ],
    *[
        Case(f"blend of {n}", lambda _, m=m, how=how: lambda: blend(m, how), (words,))
        for n, m, how, words in BLENDS
    ],
    *[Case(n, make, (words,)) for n, make, words in BUILDS],
    *[Case(f"flip average, {n}", sided(**c), ("tta=False",)) for n, c in LINES.items()],
    Case("flip average of OpenFWI's line", sided()),
    Case("flip average of 3 shots", predicting(lambda: noise((1, 3, 40, 8)), False), ("shots",)),
    Case(
        "7 shots of an unknown network",
        predicting(lambda: noise((1, 7, 40, 8)), False),
        ("5 or 6 shots", "tta=False"),
    ),
    Case(
        "turned records of an unknown network",
        predicting(lambda: noise((1, 5, 70, 1000)), False, tta=False),
        ("transpose",),
    ),
    Case(
        "correct without a corrector",
        lambda _: lambda: small().correct(noise(), MAPS),
        ("train.model=corrector",),
    ),
]


@cache
def corrector() -> Predictor:
    torch.manual_seed(0)
    channels = {"stem_channels": [4, 4], "decoder_channels": [4] * 4}
    return Predictor(create_model("corrector", **channels), device="cpu")


def correcting(velocity: Callable[[], Any]) -> Make:
    return lambda folder: partial(corrector().correct, noise((2, 5, 1000, 70)), velocity())


CORRECTING: list[tuple[str, Callable[[], Any], str]] = [
    ("one map", lambda: np.full((70, 70), 2000.0), "add a batch axis"),
    ("one map for two samples", lambda: np.full((1, 70, 70), 2000.0), "one map a sample"),
    ("three maps for two samples", lambda: np.full((3, 70, 70), 2000.0), "one map a sample"),
    ("two channels", lambda: np.full((2, 2, 70, 70), 2000.0), "got (2, 2, 70, 70)"),
    ("another size", lambda: np.full((2, 64, 64), 2000.0), "got (2, 64, 64)"),
    ("no map", lambda: np.ones((0, 70, 70)), "got (0, 70, 70)"),
    ("zeros", lambda: np.zeros((2, 70, 70)), "must be positive"),
    ("negative", lambda: np.full((2, 70, 70), -2000.0), "must be positive"),
    ("NaN", lambda: np.full((2, 70, 70), np.nan), "must be finite"),
    ("truth values", lambda: np.ones((2, 70, 70), bool), "got bool"),
    ("None", lambda: None, "got object"),
    ("a path", lambda: "maps.npy", "got a path"),
    ("ragged", lambda: [[1.0], [1.0, 2.0]], "one shape"),
]
PREDICTING += [Case(f"correct: {n}", correcting(v), ("velocity", w)) for n, v, w in CORRECTING]


@pytest.mark.parametrize("case", PREDICTING, ids=str)
def test_predict(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)


def test_maps_with_a_channel_axis_are_the_same_maps() -> None:
    maps, gathers = np.full((2, 1, 70, 70), 2000.0), noise((2, 5, 1000, 70))
    several = [maps, maps[:, 0], torch.from_numpy(maps).bfloat16(), maps[:, 0].tolist()]
    first, *others = (corrector().correct(gathers, m) for m in several)
    for other in others:  # 2000 is a number of bfloat16
        np.testing.assert_array_equal(other, first)


def test_what_is_unlike_is_said_once_in_each_way(recwarn: pytest.WarningsRecorder) -> None:
    described = Description("physics_unet", None, OPTIONS, conditions=shipped())
    model = create_model("physics_unet", **OPTIONS)
    one = Predictor(model, described, precision="float32", device="cpu")
    for gathers in (-wave(), -wave(), wave(), wave() * 100):
        one.predict(gathers)
    assert len(recwarn) == 2
    assert "sign" in str(recwarn[0].message)
    assert "amplitude" in str(recwarn[1].message)
