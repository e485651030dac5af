"""AlexNet: five convolutions, three linear layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks, map_values
from fwi.core.containers import Sequential
from fwi.core.pooling import Flatten, MaxPool2d


def alexnet(
    n_classes: int = 1000,
    in_channels: int = 3,
    size: int | Sequence[int] = 224,
    *,
    width: float = 1.0,
    dropout: float = 0.5,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build AlexNet in its form for one GPU: (N, C, H, W) -> logits (N, n_classes).

    224 x 224 -11/4, pool-> 64 x 27 x 27 -5, pool-> 192 x 13 x 13 -3-> 384 -3-> 256 -3, pool->
              256 x 6 x 6 -> 4096 -> 4096 -> n_classes

    61,100,840 parameters. The network of 2012 splits three convolutions between two GPUs, so has
    more channels and fewer connections, and normalises each value by its neighbour channels'.

    Args:
        n_classes: logits that come out.
        in_channels: channels of the images.
        size: rows and columns of the images, or one number for both; at least 63.
        width: times which every inner layer has the published number of channels.
        dropout: part of the values set to 0 before each of the first two linear layers.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if the size is too small, or a number is not positive.

    Source:
        Krizhevsky, arXiv 1404.5997, footnote 1; of 2012: Krizhevsky, Sutskever and Hinton, NIPS.
    """
    bricks = Bricks(width, rng, dtype)
    a, b, c, d = (bricks.wide(channels) for channels in (64, 192, 384, 256))
    hidden = bricks.wide(4096)
    maps = [
        *(bricks.conv(in_channels, a, 11, 4, 2), ReLU(), MaxPool2d(3, 2)),
        *(bricks.conv(a, b, 5, 1, 2), ReLU(), MaxPool2d(3, 2)),
        *(bricks.conv(b, c, 3, 1, 1), ReLU()),
        *(bricks.conv(c, d, 3, 1, 1), ReLU()),
        *(bricks.conv(d, d, 3, 1, 1), ReLU(), MaxPool2d(3, 2)),
    ]
    return Sequential(
        *maps,
        Flatten(),
        *(bricks.dropout(dropout), bricks.linear(d * map_values(maps, size), hidden), ReLU()),
        *(bricks.dropout(dropout), bricks.linear(hidden, hidden), ReLU()),
        bricks.linear(hidden, n_classes),
    )
