"""Summaries and statistics against counts by hand and torch's own figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fwi.core.activations import ReLU
from fwi.core.containers import Concat, Residual, Sequential
from fwi.core.convolution import Conv2d
from fwi.core.diagnostics import (
    activation_statistics,
    gradient_statistics,
    parameter_statistics,
    summary,
)
from fwi.core.linear import Linear
from fwi.core.losses import mse
from fwi.core.normalisation import BatchNorm
from fwi.core.pooling import Flatten, MaxPool2d

Array = Any
LIBRARIES = {"numpy": np.asarray, "torch": torch.from_numpy}


def make_layer() -> Sequential:
    body = Sequential(Conv2d(6, 6, 3, padding=1, dtype="float64"), BatchNorm(6, dtype="float64"))
    branches = [Conv2d(3, 2, 1, dtype="float64"), Conv2d(3, 4, 3, padding=1, dtype="float64")]
    return Sequential(
        Concat(branches), Residual(body), ReLU(), MaxPool2d(2), Flatten(),
        Linear(24, 5, dtype="float64"),
    )  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_summary_lists_paths_kinds_shapes_and_parameters(library: str) -> None:
    layer = make_layer()
    layer.convert(LIBRARIES[library])
    assert summary(layer, (3, 4, 4)).rows() == [
        ("", "Sequential", [5], 0),
        ("0", "Concat", [6, 4, 4], 0),
        ("0.0", "Conv2d", [2, 4, 4], 3 * 2 + 2),
        ("0.1", "Conv2d", [4, 4, 4], 3 * 4 * 9 + 4),
        ("1", "Residual", [6, 4, 4], 0),
        ("1.body", "Sequential", [6, 4, 4], 0),
        ("1.body.0", "Conv2d", [6, 4, 4], 6 * 6 * 9 + 6),
        ("1.body.1", "BatchNorm", [6, 4, 4], 2 * 6),
        ("2", "ReLU", [6, 4, 4], 0),
        ("3", "MaxPool2d", [6, 2, 2], 0),
        ("4", "Flatten", [24], 0),
        ("5", "Linear", [5], 24 * 5 + 5),
    ]


def test_summary_of_a_network_without_parameters() -> None:
    assert summary(MaxPool2d(2), (3, 8, 6)).rows() == [("", "MaxPool2d", [3, 4, 3], 0)]


def test_looking_leaves_the_layer_as_it_was() -> None:
    layer = make_layer()
    before = {path: dict(vars(part)) for path, part in layer.walk()}
    summary(layer, (3, 4, 4))
    with pytest.raises(ValueError, match="x must be"):
        activation_statistics(layer, np.zeros((2, 9, 4, 4)))
    for path, part in layer.walk():
        assert vars(part).keys() == before[path].keys()
        assert part.forward.__func__ is type(part).forward


def torch_figures(value: Array) -> tuple[float, ...]:
    value = torch.as_tensor(np.asarray(value))
    return (
        float(value.mean()),
        float(value.std(correction=0)),
        float(torch.linalg.vector_norm(value, 1)),
        float(torch.linalg.vector_norm(value)),
    )


def assert_figures(frame: pl.DataFrame, values: list[Array]) -> None:
    got = frame.select("mean", "std", "l1", "l2").to_numpy()
    # Sums of up to 800 values of order 1, in another order.
    np.testing.assert_allclose(got, [torch_figures(v) for v in values], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("library", LIBRARIES)
def test_statistics_are_torchs(library: str) -> None:
    layer = make_layer()
    layer.convert(LIBRARIES[library])
    rng = np.random.default_rng(0)
    x, y = (LIBRARIES[library](rng.normal(size=s)) for s in ((8, 3, 4, 4), (8, 5)))
    concat = layer.layers[0].forward(x)
    residual = layer.layers[1].forward(concat)
    activations = activation_statistics(layer, x)
    assert activations["path"].to_list() == [path for path, _ in layer.walk()]
    assert activations["kind"].to_list() == [part.kind for _, part in layer.walk()]
    chosen = activations.filter(pl.col("path").is_in(["", "0", "1", "2"]))
    assert_figures(
        chosen, [layer.forward(x), concat, residual, np.maximum(np.asarray(residual), 0)]
    )

    layer.backward(mse(layer.forward(x, training=True), y)[1])
    for frame, which in (
        (parameter_statistics(layer), "params"),
        (gradient_statistics(layer), "grads"),
    ):
        entries = list(layer.entries(which))
        assert len(entries) == 10
        assert frame["path"].to_list() == [path for path, _, _ in entries]
        assert_figures(frame, [arrays[name] for _, arrays, name in entries])


def test_statistics_of_float32_do_not_overflow() -> None:
    layer = Linear(2, 2)
    layer.params = {"weight": np.full((2, 2), 1e30, np.float32)}
    row = parameter_statistics(layer).row(0, named=True)
    # The value itself is rounded to float32.
    assert row["l2"] == pytest.approx(2e30, rel=1e-6)
    assert row["std"] == 0


def test_there_are_no_gradients_before_backward() -> None:
    assert gradient_statistics(make_layer()).shape == (0, 5)
