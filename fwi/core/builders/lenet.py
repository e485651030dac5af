"""LeNet-5: two convolutions with pooling, and three linear layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks, map_values
from fwi.core.containers import Sequential
from fwi.core.pooling import AvgPool2d, Flatten


def lenet(
    n_classes: int = 10,
    in_channels: int = 1,
    size: int | Sequence[int] = 32,
    *,
    width: float = 1.0,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build LeNet-5 in its form of today: (N, C, H, W) -> logits (N, n_classes).

    32 x 32 -C1-> 6 x 28 x 28 -S2-> 6 x 14 x 14 -C3-> 16 x 10 x 10 -S4-> 16 x 5 x 5
            -C5-> 120 -F6-> 84 -> n_classes

    61,706 parameters. The paper's own connects C3 to some of S2's maps only, learns a factor and
    a bias in each pooling, squashes by a scaled tanh, and ends in distances to ten fixed codes.

    Args:
        n_classes: logits that come out.
        in_channels: channels of the images.
        size: rows and columns of the images, or one number for both; at least 16.
        width: times which every inner layer has the published number of channels.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if the size is too small, or a number is not positive.

    Source:
        LeCun, Bottou, Bengio and Haffner, Proc. IEEE 86 (1998) 2278, section II.B.
    """
    bricks = Bricks(width, rng, dtype)
    c1, c3, c5, f6 = (bricks.wide(channels) for channels in (6, 16, 120, 84))
    maps = [
        *(bricks.conv(in_channels, c1, 5), ReLU(), AvgPool2d(2)),
        *(bricks.conv(c1, c3, 5), ReLU(), AvgPool2d(2)),
    ]
    return Sequential(
        *maps,
        Flatten(),
        *(bricks.linear(c3 * map_values(maps, size), c5), ReLU()),
        *(bricks.linear(c5, f6), ReLU()),
        bricks.linear(f6, n_classes),
    )
