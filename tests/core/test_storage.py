"""Saved networks come back whole, go on as if never saved, and refuse files that do not fit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from fwi.core.activations import Dropout, ReLU
from fwi.core.containers import Concat, Residual, Sequential
from fwi.core.convolution import Conv2d
from fwi.core.description import build, describe
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.losses import cross_entropy
from fwi.core.network import Network
from fwi.core.normalisation import BatchNorm
from fwi.core.optimizers import OPTIMIZERS, SGD, Adam, Momentum
from fwi.core.pooling import Flatten, MaxPool2d
from fwi.core.storage import load_network, load_optimizer, save_network

Array = Any


class Scale(Layer):
    """y = factor x + shift, for tests of what a constructor may be given."""

    def __init__(self, factor: Any, *shifts: float, **more: Any) -> None:
        super().__init__()
        self.factor, self.shifts, self.more = factor, shifts, more

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y."""
        return self.factor * x

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx."""
        return self.factor * gradient


class Stepped(Layer):
    """A parameter whose memory lies in strides, and one without axes."""

    def __init__(self) -> None:
        super().__init__()
        self.params = {"weight": np.arange(12.0).reshape(3, 4).T, "level": np.asarray(2.5)}

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give x."""
        return x

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx."""
        return gradient


def make_network(dtype: str = "float64") -> Network:
    rng = np.random.default_rng(2)
    settings: dict[str, Any] = {"rng": rng, "dtype": dtype}
    body = Sequential(
        Conv2d(4, 4, (3, 3), padding=1, **settings), BatchNorm(4, dtype=dtype), ReLU()
    )
    branches = [Conv2d(2, 2, 1, **settings), Conv2d(2, 2, 3, padding=(1, 1), **settings)]
    return Network(
        Concat(branches),
        Residual(body),
        MaxPool2d(2),
        Flatten(),
        Dropout(0.2, rng=rng),
        Linear(16, 8, bias=False, initialiser="orthogonal", **settings),
        Dropout(0.3, rng=rng),
        Linear(8, 3, **settings),
    )


@pytest.fixture
def samples() -> tuple[Array, Array]:
    """Ten maps (2, 4, 4) of three classes."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(10, 2, 4, 4)), rng.integers(0, 3, 10)


def arrays_of(network: Network) -> dict[str, Array]:
    entries = [e for which in ("params", "state") for e in network.layer.entries(which)]
    return {path: np.asarray(arrays[name]) for path, arrays, name in entries}


def assert_same_arrays(one: Network, other: Network) -> None:
    expected = arrays_of(other)
    assert arrays_of(one).keys() == expected.keys()
    for path, value in arrays_of(one).items():
        np.testing.assert_array_equal(value, expected[path], err_msg=path, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_comes_back_to_the_last_bit(
    samples: tuple[Array, Array], dtype: str, tmp_path: Path
) -> None:
    x = samples[0].astype(dtype)
    network = make_network(dtype)
    network.fit(x, samples[1], cross_entropy, Adam(), 2, 4)
    save_network(tmp_path / "kept", network)
    back = load_network(tmp_path / "kept")
    assert_same_arrays(back, network)
    assert back.history.equals(network.history)
    np.testing.assert_array_equal(back.predict(x), network.predict(x), strict=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_from_disk_as_if_it_had_not_stopped(
    samples: tuple[Array, Array], name: str, tmp_path: Path
) -> None:
    straight, first = make_network(), make_network()
    straight.fit(*samples, cross_entropy, OPTIMIZERS[name](decay=0.1), 4, 4)
    optimizer = OPTIMIZERS[name](decay=0.1)
    first.fit(*samples, cross_entropy, optimizer, 2, 4)
    save_network(tmp_path / "kept", first, optimizer)
    back = load_network(tmp_path / "kept")
    back.fit(*samples, cross_entropy, load_optimizer(tmp_path / "kept"), 2, 4)
    assert_same_arrays(back, straight)
    assert back.history.drop("seconds").equals(straight.history.drop("seconds"))


def test_an_epoch_stopped_in_its_middle_goes_on_from_disk(
    samples: tuple[Array, Array], tmp_path: Path
) -> None:
    def pressed(prediction: Array, target: Array) -> Any:
        signal.raise_signal(signal.SIGINT)
        return cross_entropy(prediction, target)

    straight, first = make_network(), make_network()
    straight.fit(*samples, cross_entropy, Adam(), 1, 4)
    optimizer = Adam()
    first.fit(*samples, pressed, optimizer, 1, 4)
    save_network(tmp_path / "kept", first, optimizer)
    back = load_network(tmp_path / "kept")
    assert back.tally.samples == 4
    back.fit(*samples, cross_entropy, load_optimizer(tmp_path / "kept"), 1, 4)
    assert_same_arrays(back, straight)
    assert back.history.drop("seconds").equals(straight.history.drop("seconds"))


def test_a_network_of_torch_tensors_is_saved_alike(
    samples: tuple[Array, Array], tmp_path: Path
) -> None:
    network = make_network()
    network.layer.convert(torch.from_numpy)
    optimizer = Adam()
    network.fit(torch.tensor(samples[0]), torch.tensor(samples[1]), cross_entropy, optimizer, 1, 4)
    save_network(tmp_path / "kept", network, optimizer)
    assert_same_arrays(load_network(tmp_path / "kept"), network)
    for path, moments in load_optimizer(tmp_path / "kept").moments.items():
        for name, value in moments.items():
            np.testing.assert_array_equal(value, optimizer.moments[path][name].numpy())


def test_arrays_in_strides_and_without_axes_come_back(tmp_path: Path) -> None:
    save_network(tmp_path / "kept", Network(Stepped()))
    assert_same_arrays(load_network(tmp_path / "kept"), Network(Stepped()))


def test_a_saved_network_replaces_an_older_one_whole(tmp_path: Path) -> None:
    save_network(tmp_path / "kept", Network(Linear(2, 3)), SGD())
    save_network(tmp_path / "kept", Network(Linear(5, 4)))
    assert load_network(tmp_path / "kept").layer.params["weight"].shape == (4, 5)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["kept"]
    with pytest.raises(ValueError, match="must hold an optimizer, got none"):
        load_optimizer(tmp_path / "kept")


def test_a_full_disk_keeps_the_older_network(tmp_path: Path, small_disk: None) -> None:
    save_network(tmp_path / "kept", Network(Linear(2, 3)))
    with pytest.raises(OSError, match="the disk is full while writing"):
        save_network(tmp_path / "kept", Network(Linear(300, 300)))
    assert load_network(tmp_path / "kept").layer.params["weight"].shape == (3, 2)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["kept"]


def test_a_network_is_loaded_where_nothing_else_was_imported_and_torch_never_is(
    tmp_path: Path,
) -> None:
    save_network(tmp_path / "kept", make_network())
    program = (
        "import pathlib, sys; from fwi.core.storage import load_network; "
        "print(load_network(pathlib.Path(sys.argv[1])).layer.kind, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Sequential", "False"]


def test_description_keeps_whatever_json_can_hold() -> None:
    inside = Scale(np.float64(0.5), 1.0, 2.0, name="a", sizes=(3, [4, None]), deep={"on": True})
    described = json.loads(json.dumps(describe(Scale(inside))))
    outer = build(described)
    back = outer.factor
    assert (back.factor, back.shifts) == (0.5, (1.0, 2.0))
    # Lists come back as tuples.
    assert back.more == {"name": "a", "sizes": (3, (4, None)), "deep": {"on": True}}
    assert describe(outer) == described


def test_what_json_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"factor of .*Scale must be a number, .* got ufunc"):
        describe(Scale(np.exp))


def test_shared_generators_stay_shared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    network = Network(Dropout(0.5, rng=rng), Dropout(0.5, rng=rng), Dropout(0.5, rng=1))
    rng.random(7)
    save_network(tmp_path / "kept", network)
    first, second, third = load_network(tmp_path / "kept").layer.layers
    assert first.rng is second.rng
    assert first.rng is not third.rng
    assert first.rng.random() == rng.random()


def test_a_generator_of_another_kind_is_refused(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(TypeError, match="rng of layer '' must draw from PCG64 to be saved, got"):
        save_network(tmp_path / "kept", Network(Dropout(0.5, rng=rng)))


def test_a_class_made_again_takes_its_own_place() -> None:
    def define() -> type[Layer]:
        return type("Again", (Scale,), {"__module__": "somewhere"})

    define()
    newest = define()
    assert Layer.kinds["somewhere.Again"] is newest
    del Layer.kinds["somewhere.Again"]


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    about = json.loads((folder / "network.json").read_text())
    change(about)
    (folder / "network.json").write_text(json.dumps(about))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A saved network of a linear layer and a dropout, with its optimizer."""
    network, optimizer = Network(Linear(2, 3), Dropout(0.5)), Momentum()
    x = np.ones((4, 2), np.float32)
    network.fit(x, np.zeros(4, int), cross_entropy, optimizer, 1)
    save_network(tmp_path / "kept", network, optimizer)
    return tmp_path / "kept"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a.update(format=2), "has format 2, this version reads 1; update fwi"),
        (lambda a: a.pop("rows"), "must hold the keys format, generators, layer"),
        (lambda a: a["layer"].update(layer="os.system"), "must be a known kind, got 'os.system'"),
        (lambda a: a["layer"].update(layer=["Linear"]), "must be a known kind"),
        (lambda a: a.update(layer=3), "must be described by the keys arguments, layer, got 3"),
        (
            lambda a: a["layer"]["arguments"]["layers"][0]["arguments"].update(colour=1),
            "Linear takes no argument 'colour'",
        ),
        (
            lambda a: a["layer"]["arguments"]["layers"][0]["arguments"].pop("outputs"),
            "missing",
        ),
        (
            lambda a: a["layer"]["arguments"]["layers"][0]["arguments"].update(outputs=4),
            r"2 arrays that differ: params.0.bias must be \(4,\), got \(3,\)",
        ),
        (lambda a: a["layer"].update(arguments=7), "arguments of Sequential must be"),
        (lambda a: a["tally"].update(more=1), "more"),
        (lambda a: a["rows"][0].pop("loss"), "loss"),
        (lambda a: a.update(rows=4), "rebuilt"),
        (lambda a: a["generators"][0]["places"].append(["0", "rng"]), "no generator 'rng'"),
        (lambda a: a["generators"][0]["state"].pop("state"), "rebuilt"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(
    kept: Path, change: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    load_network(kept)
    changed(kept, change)
    with pytest.raises(ValueError, match=sentence):
        load_network(kept)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda o: o.update(kind="Adm"),
            r"optimizer must be known, got 'Adm'; did you mean 'Adam'",
        ),
        (lambda o: o.update(kind="Adam", settings={}), "must be those of Adam, got"),
        (lambda o: o["settings"].update(rate=-1), "rate must be above 0 and finite, got -1"),
        (lambda o: o["settings"].update(speed=1), "speed"),
        (lambda o: o.pop("steps"), "steps"),
    ],
)
def test_an_optimizer_that_does_not_fit_is_refused(
    kept: Path, change: Callable[[dict[str, Any]], Any], sentence: str
) -> None:
    load_optimizer(kept)
    changed(kept, lambda about: change(about["optimizer"]))
    with pytest.raises(ValueError, match=sentence):
        load_optimizer(kept)


def test_damaged_files_are_refused(kept: Path) -> None:
    weights = kept / "weights.safetensors"
    arrays = load_file(weights)
    save_file({**arrays, "params.9.weight": np.ones(1)}, weights)
    with pytest.raises(ValueError, match=r"1 arrays that differ: params\.9\.weight must be absent"):
        load_network(kept)
    weights.write_bytes(weights.read_bytes()[:20])
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_network(kept)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="does not exist; the network is not whole"):
        load_network(kept)
    (kept / "network.json").write_text("{")
    with pytest.raises(ValueError, match="is not readable JSON"):
        load_network(kept)
    (kept / "network.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"it has no network\.json"):
        load_network(kept)
