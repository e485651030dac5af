"""Dead units: outputs of a kernel that never get through their rectifier, and so never learn."""

from __future__ import annotations

import polars as pl
from array_api_compat import array_namespace

from fwi.core.activations import ReLU
from fwi.core.arrays import Array
from fwi.core.batches import in_order
from fwi.core.convolution import Conv2d
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.watching import watched


def dead_units(layer: Layer, x: Array, batch_size: int = 64) -> pl.DataFrame:
    """Find convolutions' channels and linear units that no sample of a probe makes fire.

    Unit c of a kernel whose output z passes, through layers that keep the channels apart, a
    rectifier is dead if max(z, 0)[n, c, ...] = 0 for every sample n and position: its gradient
    is then zero too, and no step brings it back.

    Args:
        layer: the network.
        x: probe samples (N, ...), many and varied: a unit may wait for a rare one.
        batch_size: samples that are in memory together.

    Returns:
        A row a dead unit: path of the kernel, or of the last part in between after which the
        channels are others (a sum, a joining of branches, a flattening) or were rectified before;
        unit, along axis 1; rectifier, the path of it.
    """
    fired: dict[tuple[str, str], Array] = {}
    for part in in_order(x, batch_size):
        for key, alive in _fired(layer, part).items():
            fired[key] = fired[key] | alive if key in fired else alive
    rows = [
        (kernel, unit, rectifier)
        for (kernel, rectifier), alive in fired.items()
        for unit in range(alive.shape[0])
        if not bool(alive[unit])
    ]
    schema = {"path": pl.String, "unit": pl.Int64, "rectifier": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def _fired(layer: Layer, x: Array) -> dict[tuple[str, str], Array]:
    """Tell for each kernel and its rectifier which units (C,) fire for any sample of a batch."""
    fired: dict[tuple[str, str], Array] = {}
    # Which part made an array's channels. The array is kept beside, so that its id stays its own.
    maker: dict[int, tuple[Array, str]] = {}

    def see(path: str, part: Layer, x: Array, y: Array) -> None:
        known = id(x) in maker
        if known and isinstance(part, ReLU):
            fired[maker[id(x)][1], path] = _any_fires(y)
        elif id(y) not in maker:
            maker[id(y)] = (y, maker[id(x)][1] if known and _keeps_channels(part, x, y) else path)

    with watched(layer, see):
        layer.forward(x)
    return fired


def _keeps_channels(part: Layer, x: Array, y: Array) -> bool:
    mixes = isinstance(part, Linear | Conv2d) or bool(part.children())
    return not mixes and x.shape[1] == y.shape[1]


def _any_fires(y: Array) -> Array:
    axes = (0, *range(2, y.ndim))
    return array_namespace(y).any(y != 0, axis=axes)
