"""The core on a GPU's arrays: the same training as on the processor."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from layer_oracle import draw, gap

from fwi.core import (
    AdamW,
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
    activation_statistics,
    dead_units,
    gradient_statistics,
    load_network,
    save_network,
)
from fwi.core.clipping import clip_by_norm
from fwi.core.correlations import METHODS
from fwi.core.losses import cross_entropy

Array = Any

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

# Sums of thousands of values in another order, over nine steps of AdamW, which divides by the
# root of small squares.
ROUNDING = 1e-8


def to_gpu(library: str, values: Array) -> Array:
    if library == "torch":
        return torch.tensor(values, device="cuda")
    return pytest.importorskip("cupy", reason="CuPy is not installed").asarray(values)


def to_numpy(values: Array) -> Array:
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else values.get()


def make_network(method: str) -> Network:
    made: dict[str, Any] = {"rng": np.random.default_rng(0), "dtype": "float64"}
    conv = partial(Conv2d, method=method, **made)
    branches = [Sequential(conv(6, 4, 3, padding=1), LeakyReLU()), MaxPool2d(3, 1, 1)]
    return Network(
        conv(2, 6, 5, stride=2, padding=2),
        BatchNorm(6, dtype="float64"),
        ReLU(),
        Concat(branches),
        Residual(Sequential(conv(10, 10, 3, padding=1), Sigmoid())),
        AvgPool2d(2),
        LayerNorm((10, 4, 4), dtype="float64"),
        Dropout(0.25, rng=3),
        conv(10, 12, 3),
        GlobalAvgPool(),
        Flatten(),
        Linear(12, 3, **made),
    )


def train(network: Network, x: Array, y: Array) -> Network:
    clip = partial(clip_by_norm, limit=1.0)
    network.fit(x, y, cross_entropy, AdamW(1e-2), 3, 8, clip=clip, validation=(x, y))
    return network


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_training_on_a_gpu_is_that_on_the_processor(
    library: str, method: str, tmp_path: Path
) -> None:
    move = partial(to_gpu, library)
    x, y = draw(22, 2, 16, 16), np.arange(22) % 3
    here = train(make_network(method), x, y)
    there = make_network(method)
    there.layer.convert(move)
    x_there = move(x)
    train(there, x_there, move(y))

    assert gap(to_numpy(there.predict(x_there)), here.predict(x)) < ROUNDING
    for which in ("params", "grads", "state"):
        for (_, ours, name), (_, theirs, _) in zip(
            here.layer.entries(which), there.layer.entries(which), strict=True
        ):
            assert gap(to_numpy(theirs[name]), ours[name]) < ROUNDING
    columns = ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    for ours, theirs in zip(
        here.history[columns].iter_columns(), there.history[columns].iter_columns(), strict=True
    ):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=ROUNDING)

    assert dead_units(there.layer, x_there).equals(dead_units(here.layer, x))
    statistics = activation_statistics(there.layer, x_there)["l2"]
    np.testing.assert_allclose(statistics, activation_statistics(here.layer, x)["l2"], rtol=1e-8)
    assert len(gradient_statistics(there.layer)) == len(gradient_statistics(here.layer))

    save_network(tmp_path / "network", there)
    again = load_network(tmp_path / "network")
    assert gap(again.predict(x), here.predict(x)) < ROUNDING
