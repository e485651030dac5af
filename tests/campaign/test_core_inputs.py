"""What the from-scratch networks may be given instead of arrays, settings and stored networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from cases import Case
from safetensors.numpy import load_file, save_file

from fwi import core
from fwi.baselines.accuracy import accuracy, robust_accuracy
from fwi.baselines.reduced import reduce_gathers
from fwi.core import (
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool,
    LayerNorm,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    ZeroPad,
    load_network,
    load_optimizer,
    losses,
    save_network,
)
from fwi.core.batches import in_order, shuffled, steps_in_epoch
from fwi.core.clipping import clip_by_norm, clip_by_value
from fwi.core.initialisers import initial
from fwi.core.optimizers import OPTIMIZERS, SGD, Adam

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype(np.float32)
Y = np.arange(6) % 2
MAPS = RNG.normal(size=(2, 3, 8, 8)).astype(np.float32)


def network() -> Network:
    return Network(Linear(3, 4), ReLU(), Linear(4, 2))


def calling(function: Callable[..., Any], *args: Any, **options: Any) -> Callable:
    return lambda _: lambda: function(*args, **options)


def fitting(**changes: Any) -> Callable:
    """Fit for two epochs, with some arguments changed."""
    given = {"x": X, "y": Y, "loss": losses.cross_entropy, "optimizer": SGD(), "epochs": 2}
    return lambda _: lambda: network().fit(**(given | changes))


NO_ARRAYS: dict[str, Any] = {
    "a list": X.tolist(),
    "a tuple": tuple(X.tolist()),
    "none": None,
    "a number": 1.0,
    "text": "x",
    "a dictionary": {"x": X},
    "sparse": sp.csr_array(X),
    "a generator": (row for row in X),
    "a memoryview": memoryview(X),
    "bytes": X.tobytes(),
    "a range": range(6),
}
MASKED = np.ma.MaskedArray(X, mask=X > 0)

CASES: list[Case] = []
for name, value in NO_ARRAYS.items():
    got = type(value).__name__
    CASES += [
        Case(f"fit: x is {name}", fitting(x=value), ("x must be an array", got)),
        Case(f"fit: y is {name}", fitting(y=value), ("y must be an array", got)),
        Case(f"fit: validation of {name}", fitting(validation=(value, Y)), ("x must be", got)),
        Case(f"predict: {name}", calling(network().predict, value), ("x must be an array", got)),
        Case(
            f"evaluate: {name}",
            calling(network().evaluate, X, value, losses.mse),
            ("y must be an array", got),
        ),
        Case(
            f"dead units of {name}",
            calling(core.dead_units, network().layer, value),
            ("x must be an array", got),
        ),
        Case(
            f"activations of {name}",
            calling(core.activation_statistics, network().layer, value),
            ("x must be an array", got),
        ),
    ]
    CASES += [
        Case(f"{layer.kind} of {name}", calling(layer.forward, value), ("x must be", got))
        for layer in (
            Linear(3, 2),
            Conv2d(3, 2, 3),
            BatchNorm(3),
            LayerNorm(3),
            MaxPool2d(2),
            AvgPool2d(2),
            GlobalAvgPool(),
            ZeroPad(),
        )
    ]
    CASES += [
        Case(f"{loss.__name__} of {name}", calling(loss, value, Y), ("must be an array", got))
        for loss in (losses.mse, losses.l1, losses.cross_entropy, losses.binary_cross_entropy)
    ]

# Samples, targets and numbers of a fit.
CASES += [
    Case(f"fit: {name}", fitting(**changes), says)
    for name, changes, says in [
        ("x is masked", {"x": MASKED}, ("x must have no mask",)),
        ("y is masked", {"y": np.ma.MaskedArray(Y)}, ("y must have no mask",)),
        ("x has no axis", {"x": np.float32(1)}, ("x", "got 0 and 6")),
        ("x is empty", {"x": X[:0], "y": Y[:0]}, ("x must hold a sample or more",)),
        ("x has no features", {"x": X[:, :0]}, ("x must be (n, 3)", "(6, 0)")),
        ("x is too short", {"x": X[:5]}, ("same number of samples", "5 and 6")),
        ("y is too short", {"y": Y[:5]}, ("same number of samples", "6 and 5")),
        ("x is too wide", {"x": np.ones((6, 4), "f4")}, ("x must be (n, 3)", "(6, 4)")),
        ("x has an axis more", {"x": X[None].repeat(6, 0)}, ("x must be (n, 3)", "(6, 6, 3)")),
        ("x is a tensor, y is not", {"x": torch.tensor(X)}, ("y must be of the library", "numpy")),
        ("y is a tensor, x is not", {"y": torch.tensor(Y)}, ("y must be of the library", "torch")),
        ("labels are floats", {"y": Y.astype("f4")}, ("labels must be whole numbers", "float32")),
        ("labels are booleans", {"y": Y == 1}, ("labels must be whole numbers", "bool")),
        ("labels are words", {"y": Y.astype(str)}, ("labels must be whole numbers", "<U")),
        ("labels in a column", {"y": Y[:, None]}, ("labels must be (6)", "(6, 1)")),
        ("labels beyond the classes", {"y": Y + 1}, ("labels must be 0 to 1", "1 to 2")),
        ("labels below 0", {"y": Y - 1}, ("labels must be 0 to 1", "-1 to 0")),
        ("targets of another shape", {"loss": losses.mse}, ("target must have", "(6,)")),
        ("validation too short", {"validation": (X, Y[:3])}, ("same number of samples", "6 and 3")),
        ("validation of one", {"validation": (X,)}, ("validation must be", "tuple")),
        ("validation of three", {"validation": (X, Y, Y)}, ("validation must be",)),
        ("validation of an array", {"validation": X}, ("validation must be", "ndarray")),
        ("validation of a share", {"validation": 0.2}, ("validation must be", "float")),
        ("nan in x", {"x": np.where(X == X[2, 1], np.nan, X)}, ("loss must be finite",)),
        ("infinity in x", {"x": np.where(X == X[2, 1], np.inf, X)}, ("loss must be finite",)),
    ]
]
CASES += [
    Case(f"fit: x is {kind}", fitting(x=X.astype(kind)), ("x must be float32", kind))
    for kind in ("float16", "float64", "int8", "int64", "uint8", "bool", "complex64", "object")
]
NOT_WHOLE = [2.5, "3", None, True, [4], np.float64(2), np.array([2])]
CASES += [
    Case(f"fit: {name} of {value!r}", fitting(**{name: value}), (f"{name} must be a whole",))
    for name in ("epochs", "batch_size", "rng")
    for value in NOT_WHOLE
]
CASES += [
    Case(f"fit: {name} of {value}", fitting(**{name: value}), (f"{name} must be at least", value))
    for name, value in [("epochs", -1), ("batch_size", 0), ("batch_size", -3), ("rng", -1)]
    for value in [value]
]
CASES = [Case(c.name, c.make, tuple(map(str, c.says)), c.warns, c.check) for c in CASES]
CASES += [
    Case(f"fit: {name} of {value!r}", fitting(**{name: value}), (f"{name} must be",))
    for name, values in {
        "loss": ("mse", None, 1, losses),
        "optimizer": ("adam", None, Adam, 0.1, torch.optim.SGD),
        "schedule": (0.1, "cosine", [0.1]),
        "clip": (1.0, "norm", [1]),
    }.items()
    for value in values
]
CASES += [
    Case(f"fit: a schedule of {rate!r}", fitting(schedule=lambda _, r=rate: r), ("rate", says))
    for rate, says in [
        (np.nan, "nan"),
        (np.inf, "inf"),
        (-0.1, "-0.1"),
        ("0.1", "must be a number"),
        (None, "must be a number"),
        ([0.1], "must be a number"),
    ]
]
CASES += [
    Case(f"{name} with a batch of {size!r}", calling(function, batch_size=size), ("batch_size",))
    for name, function in {
        "predict": partial(network().predict, X),
        "evaluate": partial(network().evaluate, X, Y, losses.cross_entropy),
        "dead units": partial(core.dead_units, network().layer, X),
        "in_order": lambda batch_size: list(in_order(X, batch_size)),
        "steps": partial(steps_in_epoch, 6),
        "shuffled": partial(shuffled, 6, seed=0, epoch=0),
    }.items()
    for size in (0, -1, 2.0, "2", None, True)
]
CASES += [
    Case(f"shuffled: {name}", calling(shuffled, *args), says)
    for name, args, says in [
        ("n below 0", (-1, 2, 0, 0), ("n must be at least 0",)),
        ("seed below 0", (6, 2, -1, 0), ("seed must be at least 0",)),
        ("epoch below 0", (6, 2, 0, -1), ("epoch must be at least 0",)),
        ("seen below 0", (6, 2, 0, 0, -1), ("seen must be at least 0",)),
        ("more seen than there are", (6, 2, 0, 0, 7), ("the 7 samples", "got 6")),
        ("a fraction of samples", (6.5, 2, 0, 0), ("n must be a whole number",)),
    ]
]

# Losses.
SAME = (losses.mse, losses.l1, losses.binary_cross_entropy)
PARTS = RNG.random((6, 3)).astype(np.float32)
CASES += [
    Case(f"{loss.__name__}: {name}", calling(loss, prediction, target), says)
    for loss in SAME
    for name, prediction, target, says in [
        ("a column against a row", X[:, :1], PARTS[:, 0], ("target must have", "(6, 1)", "(6,)")),
        ("fewer", X, PARTS[:5], ("target must have", "(6, 3)", "(5, 3)")),
        ("another precision", X, PARTS.astype(float), ("target must be float32", "float64")),
        ("whole numbers", X.astype(int), X.astype(int), ("prediction must hold floating", "int64")),
        ("booleans", X > 0, X > 0, ("prediction must hold floating", "bool")),
        ("complex numbers", X * 1j, X * 1j, ("prediction must hold floating", "complex64")),
        ("nothing", X[:0], X[:0], ("prediction must hold values", "(0, 3)")),
        ("another library", X, torch.tensor(PARTS), ("target must be of the library", "torch")),
        ("another library the other way", torch.tensor(X), PARTS, ("library", "numpy")),
        ("masked", MASKED, PARTS, ("prediction must have no mask",)),
        ("a masked target", X, MASKED, ("target must have no mask",)),
    ]
]
CASES += [
    Case(
        f"binary cross-entropy: target {name}",
        calling(losses.binary_cross_entropy, X, (PARTS + change).astype("f4")),
        ("target must be 0 to 1",),
    )
    for name, change in [("above", 1), ("below", -1), ("nan", np.nan), ("infinite", np.inf)]
]
LOGITS = RNG.normal(size=(6, 2)).astype(np.float32)
CASES += [
    Case(f"cross-entropy: {name}", calling(losses.cross_entropy, logits, labels), says)
    for name, logits, labels, says in [
        ("one axis", LOGITS[:, 0], Y, ("logits must be (n, n)", "(6,)")),
        ("three axes", LOGITS[None], Y, ("logits must be (n, n)",)),
        ("no class", LOGITS[:, :0], Y, ("logits must be (n, n)", "(6, 0)")),
        ("whole numbers", LOGITS.astype(int), Y, ("logits must hold floating", "int64")),
        ("labels of a tensor", LOGITS, torch.tensor(Y), ("labels must be of the library",)),
        ("labels of a list", LOGITS, Y.tolist(), ("labels must be an array", "list")),
        ("one-hot labels", LOGITS, np.eye(2)[Y], ("labels must be (6)", "(6, 2)")),
        ("fewer labels", LOGITS, Y[:3], ("labels must be (6)", "(3,)")),
        ("a label of -1", LOGITS, np.where(Y, -1, 0), ("labels must be 0 to 1", "-1 to 0")),
        ("a label of 2", LOGITS, Y * 2, ("labels must be 0 to 1", "0 to 2")),
        ("a label of 255", LOGITS, (Y * 255).astype("u1"), ("labels must be 0 to 1", "0 to 255")),
    ]
]


def byte_labels() -> None:
    """More classes than a byte counts: as with wider labels."""
    logits, labels = RNG.normal(size=(4, 600)), np.array([0, 5, 100, 255])
    wide, narrow = (losses.cross_entropy(logits, labels.astype(k)) for k in ("i8", "u1"))
    np.testing.assert_array_equal(wide[1], narrow[1])


CASES.append(Case("cross-entropy: takes labels of a byte", calling(byte_labels)))

# Settings.
NO_NUMBER = ["0.1", None, [0.1], True, 1j, {}]
SETTINGS = {"momentum": "Momentum", "beta1": "Adam", "beta2": "Adam", "eps": "Adam"}
SETTINGS |= {"memory": "RMSProp", "weight_decay": "AdamW", "decay": "SGD", "l2": "SGD"}
CASES += [
    Case(f"{name}: rate {value!r}", calling(kind, value), ("rate must be",))
    for name, kind in OPTIMIZERS.items()
    for value in (*NO_NUMBER, 0, -1, np.nan, np.inf, -np.inf)
]
CASES += [
    Case(f"{kind}: {name} {v!r}", calling(OPTIMIZERS[kind], **{name: v}), (f"{name} must be",))
    for name, kind in SETTINGS.items()
    for v in (*NO_NUMBER, -1e-9, np.nan, np.inf)
]
BAD_LAYERS: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    *[
        (Linear, {"inputs": 3, "outputs": 2, name: v}, name)
        for name in ("inputs", "outputs")
        for v in (0, -1, 2.0, "2", None, True)
    ],
    *[
        (Conv2d, {"inputs": 3, "outputs": 2, "kernel": 3, name: v}, name)
        for name in ("inputs", "outputs", "kernel", "stride")
        for v in (0, -1, 2.0, "2", None, True)
    ],
    *[
        (Conv2d, {"inputs": 3, "outputs": 2, "kernel": 3, name: v}, name)
        for name in ("kernel", "stride", "padding")
        for v in ((1, 2, 3), (), "33", (1, 2.5), {"rows": 1}, np.ones(2, int))
    ],
    *[(Conv2d, {"inputs": 3, "outputs": 2, "kernel": 3, "method": m}, "method") for m in ("x", 5)],
    *[
        (Linear, {"inputs": 3, "outputs": 2, name: v}, name)
        for name, values in {
            "initialiser": ("he", None, 3, ["he_normal"], "HE_NORMAL"),
            "dtype": ("float16", "int64", None, 32, np.float32, "double"),
            "rng": ("seed", -1, 1.5, {}),
        }.items()
        for v in values
    ],
    *[(BatchNorm, {"features": v}, "features") for v in (0, -1, 2.5, "3", None)],
    *[
        (BatchNorm, {"features": 3, "momentum": v}, "momentum")
        for v in (-0.1, 1.1, np.nan, "0.1", None)
    ],
    *[
        (kind, {size: 3, "epsilon": v}, "epsilon")
        for kind, size in ((BatchNorm, "features"), (LayerNorm, "shape"))
        for v in (-1e-9, np.nan, np.inf, "1e-5", None)
    ],
    *[(LayerNorm, {"shape": v}, "shape") for v in ((), 0, (3, 0), "3", None, 2.5, (1, "2"))],
    *[(Dropout, {"rate": v}, "rate") for v in (1, -0.1, 1.5, np.nan, "0.5", None, True, [0.5])],
    *[(Dropout, {"rng": v}, "rng") for v in ("seed", -1, 0.5)],
    *[(LeakyReLU, {"slope": v}, "slope") for v in (np.nan, np.inf, "0.1", None, [0.1])],
    *[(Softmax, {"axis": v}, "axis") for v in (1.0, "1", None, True, (0, 1))],
    *[
        (kind, {"kernel": v}, "kernel")
        for kind in (MaxPool2d, AvgPool2d)
        for v in (0, -2, 2.0, "2", None, (2, 2, 2))
    ],
    *[
        (kind, {"kernel": 2, name: v}, name)
        for kind in (MaxPool2d, AvgPool2d)
        for name, v in (("stride", 0), ("stride", "1"), ("padding", 2), ("padding", -1))
    ],
    *[
        (ZeroPad, {name: v}, name)
        for name in ("before", "after")
        for v in (1, (1, 2), (0, 0, -1), (0, 0, 0.5), "abc", None)
    ],
    *[(Concat, {"branches": v}, "branches") for v in ([], (), None, Linear(2, 3))],
    *[(Concat, {"branches": v}, "layer") for v in ([None], ["relu"], [ReLU], [network()])],
    *[(Residual, {"body": v}, "layer body") for v in (None, ReLU, [ReLU()], np.tanh)],
    *[(Residual, {"body": ReLU(), "shortcut": v}, "shortcut") for v in (ReLU, "x", [ReLU()])],
]
CASES += [
    Case(f"{kind.__name__} {i}: {name}", calling(kind, **given), (name, "must be"))
    for i, (kind, given, name) in enumerate(BAD_LAYERS)
]
CASES += [
    Case(f"{kind.__name__} of {name}", calling(kind, *layers), says)
    for kind in (Network, Sequential)
    for name, layers, says in [
        ("a list", ([ReLU(), ReLU()],), ("must be a layer", "list")),
        ("a name", ("relu",), ("must be a layer", "str")),
        ("a class", (ReLU,), ("must be a layer", "the class ReLU")),
        ("a network", (network(),), ("must be a layer", "Network")),
        ("a class in its middle", (ReLU(), Linear, ReLU()), ("must be a layer", "class Linear")),
        ("none in its middle", (ReLU(), None), ("must be a layer", "NoneType")),
        ("torch's layers", (torch.nn.ReLU(),), ("must be a layer", "ReLU")),
    ]
]
CASES.append(Case("Network of nothing", calling(Network), ("layers must be one or more",)))
CASES += [
    Case(f"{name} of {type(value).__name__}", calling(function, value), ("must be a layer",))
    for name, function in {
        "summary": lambda v: core.summary(v, (3,)),
        "activations": lambda v: core.activation_statistics(v, X),
        "parameters": core.parameter_statistics,
        "gradients": core.gradient_statistics,
        "dead units": lambda v: core.dead_units(v, X),
        "clip_by_norm": lambda v: clip_by_norm(v, 1.0),
        "clip_by_value": lambda v: clip_by_value(v, 1.0),
        "step": SGD().step,
    }.items()
    for value in (network(), None, "relu", ReLU, [ReLU()])
]
CASES += [
    Case(f"{clip.__name__} at {v!r}", calling(clip, Linear(3, 2), v), ("limit must be",))
    for clip in (clip_by_norm, clip_by_value)
    for v in (0, -1, np.nan, *NO_NUMBER)
]
CASES += [
    Case(f"summary of {shape!r}", calling(core.summary, network().layer, shape), says)
    for shape, says in [
        ((), ("shape must be one size or more",)),
        (0, ("shape must be at least 1",)),
        ((3.0,), ("shape must be a whole number",)),
        ("3", ("shape must be a whole number",)),
        (None, ("shape must be a whole number",)),
        ((4,), ("x must be (n, 3)", "(1, 4)")),
        ((3, 3), ("x must be (n, 3)", "(1, 3, 3)")),
    ]
]
CASES += [
    Case(f"initial: {name}", calling(initial, *args), says)
    for name, args, says in [
        ("a shape of one axis", ("he_normal", (3,), 0), ("shape must be (outputs, inputs",)),
        ("no axis", ("orthogonal", (), 0), ("shape must be (outputs, inputs",)),
        ("an unknown name", ("he_norml", (3, 2), 0), ("initialiser must be", "he_normal")),
    ]
]

# Maps that do not fit.
CASES += [
    Case(f"{layer.kind}: {name}", calling(layer.forward, x), ("x must be", says))
    for layer in (Conv2d(3, 2, 3), MaxPool2d(3), AvgPool2d(3), ZeroPad(), GlobalAvgPool())
    for name, x, says in [
        ("no batch axis", MAPS[0], "(3, 8, 8)"),
        ("an axis more", MAPS[None], "(1, 2, 3, 8, 8)"),
        ("no maps", MAPS[:0], "(0, 3, 8, 8)"),
        ("maps without rows", MAPS[:, :, :0], "(2, 3, 0, 8)"),
    ]
]
CASES += [
    Case(f"{layer.kind}: a map below the kernel", calling(layer.forward, MAPS[..., :2, :]), says)
    for layer in (Conv2d(3, 2, 3), MaxPool2d(3), AvgPool2d(3))
    for says in [("x must be at least as large as the kernel (3, 3)", "(2, 8)")]
]


# What the baselines make of arrays.
GATHERS = np.ones((2, 5, 40, 10), np.float16)
CASES += [
    Case(f"reduce_gathers: {name}", calling(reduce_gathers, gathers), says)
    for name, gathers, says in [
        ("a list", GATHERS.tolist(), ("gathers must be an array", "list")),
        ("no batch axis", GATHERS[0], ("gathers must be", "(5, 40, 10)", "add a batch axis")),
        ("no gathers", GATHERS[:0], ("gathers must be", "(0, 5, 40, 10)")),
        ("whole numbers", GATHERS.astype(int), ("gathers must hold float16", "int64")),
        ("19 samples", GATHERS[:, :, :19], ("20 samples and 5 receivers", "(2, 5, 19, 10)")),
        ("4 receivers", GATHERS[..., :4], ("20 samples and 5 receivers", "(2, 5, 40, 4)")),
        ("nan", GATHERS * np.float16(np.nan), ("gathers must be finite",)),
    ]
]
CASES += [
    Case(f"{f.__name__}: {name}", calling(f, lambda images: Y[: len(images)], *given), says)
    for f in (accuracy, robust_accuracy)
    for name, given, says in [
        ("fewer labels", (MAPS, Y[:1]), ("same number of samples", "2 and 1")),
        ("more labels", (MAPS, Y), ("same number of samples", "2 and 6")),
        ("listed labels", (MAPS, [0, 1]), ("y must be an array", "list")),
        ("listed images", (MAPS.tolist(), Y[:2]), ("x must be an array", "list")),
        ("no images", (MAPS[:0], Y[:0]), ("x must hold a sample or more",)),
    ]
]


# Stored networks.
def stored(
    change: Callable[[Path, dict[str, Any]], Any], load: Callable[[Path], Any] = load_network
) -> Callable[[Path], Callable[[], Any]]:
    """Save a network with its optimizer, change its folder, and load it."""

    def make(folder: Path) -> Callable[[], Any]:
        made = Network(Linear(3, 4), BatchNorm(4), Dropout(0.5), Linear(4, 2))
        optimizer = Adam()
        made.fit(X, Y, losses.cross_entropy, optimizer, 1)
        save_network(folder / "kept", made, optimizer)
        file = folder / "kept" / "network.json"
        about = json.loads(file.read_text())
        if change(folder / "kept", about) is None:
            file.write_text(json.dumps(about))
        return lambda: load(folder / "kept")

    return make


def described(place: int, **arguments: Any) -> Callable[[Path, dict[str, Any]], None]:
    def change(_: Path, about: dict[str, Any]) -> None:
        about["layer"]["arguments"]["layers"][place]["arguments"].update(arguments)

    return change


def setting(*path: Any, value: Any) -> Callable[[Path, dict[str, Any]], None]:
    def change(_: Path, about: dict[str, Any]) -> None:
        for key in path[:-1]:
            about = about[key]
        about[path[-1]] = value

    return change


def arrays(name: str, change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[..., None]:
    def rewrite(folder: Path, _: dict[str, Any]) -> None:
        held = load_file(folder / name)
        change(held)
        save_file(held, folder / name)

    return rewrite


def writing(name: str, content: bytes) -> Callable[..., bool]:
    def write(folder: Path, _: dict[str, Any]) -> bool:
        (folder / name).write_bytes(content)
        return True

    return write


def tensors(header: Any, length: int | None = None, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def nested(depth: int) -> dict[str, Any]:
    layer: dict[str, Any] = {"layer": "ReLU", "arguments": {}}
    for _ in range(depth):
        layer = {"layer": "Residual", "arguments": {"body": layer}}
    return layer


REBUILT = ("the network of", "cannot be rebuilt", "copy it again")
UNFIT = (*REBUILT, "weights must fit the layers")
ENTRY = {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}
CASES += [
    Case(f"stored: {name}", stored(change), says)
    for name, change, says in [
        *[
            (f"{kind} of 10^{power}", described(place, **{kind: 10**power}), REBUILT)
            for power in (5, 9, 18, 30)
            for place, kind in ((0, "inputs"), (0, "outputs"), (1, "features"), (3, "outputs"))
        ],
        ("both sizes of 10^9", described(0, inputs=10**9, outputs=10**9), UNFIT),
        ("one output more", described(3, outputs=3), UNFIT),
        ("sizes in words", described(0, inputs="3"), REBUILT),
        ("sizes of fractions", described(0, inputs=3.5), REBUILT),
        ("sizes below zero", described(0, inputs=-3), REBUILT),
        ("another precision", described(0, dtype="float16"), REBUILT),
        ("a list of precisions", described(0, dtype=["float32"]), REBUILT),
        ("an unknown initialiser", described(0, initialiser="os.system"), REBUILT),
        ("a listed initialiser", described(0, initialiser=["he_normal"]), REBUILT),
        ("a seed in words", described(0, rng="x"), REBUILT),
        ("a seed of a dictionary", described(0, rng={"a": 1}), REBUILT),
        ("a rate of nan", described(2, rate=float("nan")), REBUILT),
        ("a rate of 2", described(2, rate=2), REBUILT),
        ("a momentum in words", described(1, momentum="x"), REBUILT),
        ("a thousand layers in each other", setting("layer", value=nested(450)), REBUILT),
        ("a network of None", setting("layer", value=None), REBUILT),
        ("a network of a list", setting("layer", value=[]), REBUILT),
        ("an abstract layer", setting("layer", "layer", value="_Pool2d"), REBUILT),
        ("a layer of the base class", setting("layer", "layer", value="Layer"), REBUILT),
        ("generators of None", setting("generators", value=None), REBUILT),
        ("generators of numbers", setting("generators", value=[1]), REBUILT),
        ("a generator's state of text", setting("generators", 0, "state", value="x"), REBUILT),
        (
            "a generator's state of 2^200",
            setting("generators", 0, "state", "state", "state", value=2**200),
            REBUILT,
        ),
        (
            "a generator's state below zero",
            setting("generators", 0, "state", "state", "state", value=-1),
            REBUILT,
        ),
        (
            "a generator of another kind",
            setting("generators", 0, "state", "bit_generator", value="MT19937"),
            REBUILT,
        ),
        ("a generator's place", setting("generators", 0, "places", value=[["2", "x"]]), REBUILT),
        ("rows of None", setting("rows", value=None), REBUILT),
        ("rows of numbers", setting("rows", value=[1, 2]), REBUILT),
        ("rows of a dictionary", setting("rows", value={"a": 1}), REBUILT),
        ("a loss in words", setting("rows", 0, "loss", value="low"), REBUILT),
        ("an epoch of a list", setting("rows", 0, "epoch", value=[1]), REBUILT),
        ("an epoch of 2^70", setting("rows", 0, "epoch", value=2**70), REBUILT),
        ("a tally of None", setting("tally", value=None), REBUILT),
        ("a tally of a list", setting("tally", value=[0]), REBUILT),
        ("a tally in words", setting("tally", "samples", value="x"), REBUILT),
        ("a tally below zero", setting("tally", "samples", value=-1), REBUILT),
        ("a tally of fractions", setting("tally", "correct", value=0.5), REBUILT),
        ("a loss of None", setting("tally", "loss", value=None), REBUILT),
        ("a later format", setting("format", value=2), ("has format 2", "update fwi")),
        ("format of text", setting("format", value="1"), ("must hold the keys",)),
        ("format of None", setting("format", value=None), ("must hold the keys",)),
        ("a key more", setting("more", value=1), ("must hold the keys",)),
        (
            "weights of another shape",
            arrays("weights.safetensors", lambda a: a.update({"params.0.weight": np.ones((3, 4))})),
            UNFIT,
        ),
        (
            "weights of whole numbers",
            arrays(
                "weights.safetensors",
                lambda a: a.update({"params.0.weight": np.ones((4, 3), "i4")}),
            ),
            (*UNFIT, "kind 'i'"),
        ),
        (
            "weights of another name",
            arrays("weights.safetensors", lambda a: a.update({"x": np.ones(1)})),
            (*UNFIT, "x must be absent"),
        ),
        (
            "a weight less",
            arrays("weights.safetensors", lambda a: a.pop("state.1.running_var")),
            (*UNFIT, "state.1.running_var", "got none"),
        ),
        ("no weights", arrays("weights.safetensors", dict.clear), UNFIT),
    ]
]
SAFE = ("weights.safetensors",)
CASES += [
    Case(f"stored weights: {name}", stored(writing("weights.safetensors", content)), SAFE)
    for name, content in {
        "nothing": b"",
        "seven bytes": b"1234567",
        "text": b"these are no weights at all",
        "a header of 2^63": tensors({}, 2**63),
        "a header beyond the file": tensors({}, 1000),
        "a header of 200 MB": tensors({}, 200_000_000),
        "a header of nothing": tensors(b"", 0),
        "a header that is no JSON": tensors(b"{no json}"),
        "a header of a list": tensors([]),
        "a header that is no text": tensors(b"\xff\xfe\xfd"),
        "an array beyond the file": tensors({"a": ENTRY}),
        "a shape beyond its bytes": tensors(
            {"a": ENTRY | {"shape": [10**9, 10**9]}}, None, b"0" * 48
        ),
        "a shape beyond 64 bits": tensors(
            {"a": ENTRY | {"shape": [2**40, 2**40]}}, None, b"0" * 48
        ),
        "a shape below zero": tensors({"a": ENTRY | {"shape": [-4, -3]}}, None, b"0" * 48),
        "offsets that go back": tensors({"a": ENTRY | {"data_offsets": [48, 0]}}, None, b"0" * 48),
        "an unknown dtype": tensors({"a": ENTRY | {"dtype": "O8"}}, None, b"0" * 48),
        "bytes behind": tensors({"a": ENTRY}, None, b"0" * 60),
        "brain floats": tensors(
            {"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, None, b"0" * 4
        ),
        "floats of a byte": tensors(
            {"a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}, None, b"0" * 4
        ),
        "a pickle": b"\x80\x04\x95" + bytes(20),
        "a zip": b"PK\3\4" + bytes(100),
    }.items()
]
CASES += [
    Case(f"stored description: {name}", stored(writing("network.json", content)), says)
    for name, content, says in [
        ("nothing", b"", ("is not readable JSON",)),
        ("half", b'{"format": 1, "layer"', ("is not readable JSON",)),
        ("bytes that are no text", b"\xff\xfe\0", ("is not readable JSON",)),
        ("a list", b"[]", ("must hold the keys",)),
        ("a number", b"1", ("must hold the keys",)),
        ("null", b"null", ("must hold the keys",)),
        ("lists in lists", b"[" * 100_000, ("is not readable JSON",)),
        ("objects in objects", b'{"a":' * 100_000, ("is not readable JSON",)),
        ("a number of many digits", b"9" * 10_000, ("is not readable JSON",)),
        ("too long", b" " * (65 << 20), ("must be at most 64 MiB",)),
    ]
]
LOADED = ("the optimizer of", "cannot be rebuilt")
CASES += [
    Case(f"stored optimizer: {name}", stored(change, load_optimizer), says)
    for name, change, says in [
        ("none", setting("optimizer", value=None), ("must hold an optimizer, got none",)),
        ("a list", setting("optimizer", value=[1]), LOADED),
        ("a name", setting("optimizer", value="Adam"), LOADED),
        ("an unknown kind", setting("optimizer", "kind", value="eval"), LOADED),
        ("a listed kind", setting("optimizer", "kind", value=["Adam"]), LOADED),
        ("another kind", setting("optimizer", "kind", value="Momentum"), LOADED),
        ("a rate of nan", setting("optimizer", "settings", "rate", value=float("nan")), LOADED),
        ("a rate in words", setting("optimizer", "settings", "rate", value="x"), LOADED),
        ("a rate of None", setting("optimizer", "settings", "rate", value=None), LOADED),
        ("settings of a list", setting("optimizer", "settings", value=[1]), LOADED),
        ("an unknown setting", setting("optimizer", "settings", "x", value=1), LOADED),
        ("steps below zero", setting("optimizer", "steps", value=-1), LOADED),
        ("steps of fractions", setting("optimizer", "steps", value=1.5), LOADED),
        ("steps in words", setting("optimizer", "steps", value="1"), LOADED),
        (
            "a moment of another shape",
            arrays("moments.safetensors", lambda a: a.update({"0.weight.m": np.ones(3, "f4")})),
            (*LOADED, "moments must fit the weights", "0.weight.m"),
        ),
        (
            "a moment less",
            arrays("moments.safetensors", lambda a: a.pop("0.weight.s")),
            (*LOADED, "0.weight.s", "got none"),
        ),
        (
            "a moment of no parameter",
            arrays("moments.safetensors", lambda a: a.update({"9.weight.m": np.ones(3, "f4")})),
            (*LOADED, "9.weight.m must be absent"),
        ),
        (
            "a moment of another name",
            arrays("moments.safetensors", lambda a: a.update({"0.weight.x": np.ones(3, "f4")})),
            (*LOADED, "must be those of Adam", "0.weight.x"),
        ),
        ("damaged moments", writing("moments.safetensors", b"12345678"), ("moments.safetensors",)),
        ("damaged weights", writing("weights.safetensors", b"12345678"), ("weights.safetensors",)),
    ]
]
CASES += [
    Case(f"load_network of {name}", lambda f, m=make: (lambda p: lambda: load_network(p))(m(f)), s)
    for name, make, s in [
        ("nothing", lambda f: f / "none", ("is not a saved network",)),
        ("an empty folder", lambda f: f, ("is not a saved network",)),
        ("text of nothing", lambda f: str(f / "none"), ("is not a saved network",)),
        ("None", lambda f: None, ("NoneType",)),
        ("a device", lambda f: "/dev/zero", ("is not a saved network",)),
    ]
]
CASES += [
    Case(f"save_network: {name}", lambda f, g=given: lambda: save_network(f / "kept", *g), says)
    for name, given, says in [
        ("a layer", (Linear(2, 3),), ("network must be a Network", "Linear")),
        ("a name", ("network",), ("network must be a Network", "str")),
        ("an optimizer's name", (network(), "adam"), ("optimizer must be one of", "str")),
        ("an optimizer's class", (network(), Adam), ("optimizer must be one of", "ABCMeta")),
    ]
]
CASES += [
    Case("stored: comes back", stored(lambda *_: None)),
    Case("stored optimizer: comes back", stored(lambda *_: None, load_optimizer)),
    Case("fit: no epoch", fitting(epochs=0)),
    Case("fit: NumPy's whole numbers", fitting(epochs=np.int64(1), batch_size=np.int8(3))),
    Case("fit: a batch larger than all", fitting(batch_size=10**9)),
    Case("fit: a schedule of zero", fitting(schedule=lambda _: 0)),
    Case("fit: one sample", fitting(x=X[:1], y=Y[:1])),
    Case("fit: NumPy's rates", fitting(optimizer=SGD(np.float32(0.1)))),
    Case("fit: other byte widths of labels", fitting(y=Y.astype("u1"))),
    Case("fit: validation in a list", fitting(validation=[X, Y])),
    Case("forward: sigmoid of whole numbers", calling(Sigmoid().forward, Y)),
    Case("forward: flatten of vectors", calling(Flatten().forward, X)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_core_input(case: Case, hold: Callable[[Case], None]) -> None:
    hold(case)
