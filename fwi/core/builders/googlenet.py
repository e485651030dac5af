"""GoogLeNet, of 2014 and with batch norm: 22 layers, of which nine are inception modules.

Left out of both forms: the two auxiliary classifiers, which serve in training alone; and the
normalisation of each value by its neighbour channels'.
"""

from __future__ import annotations

import numpy as np

from fwi.core.builders.bricks import Bricks
from fwi.core.builders.inception import Unit, Widths, halve, inception, normed, plain
from fwi.core.containers import Sequential
from fwi.core.layer import Layer
from fwi.core.pooling import GlobalAvgPool

# The paper's table 1, a tuple a stage.
_STAGES: tuple[tuple[Widths, ...], ...] = (
    (Widths(64, 96, 128, 16, 32, 32), Widths(128, 128, 192, 32, 96, 64)),
    (
        Widths(192, 96, 208, 16, 48, 64),
        Widths(160, 112, 224, 24, 64, 64),
        Widths(128, 128, 256, 24, 64, 64),
        Widths(112, 144, 288, 32, 64, 64),
        Widths(256, 160, 320, 32, 128, 128),
    ),
    (Widths(256, 160, 320, 32, 128, 128), Widths(384, 192, 384, 48, 128, 128)),
)


def googlenet(
    n_classes: int = 1000,
    in_channels: int = 3,
    *,
    width: float = 1.0,
    dropout: float = 0.4,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build the paper's GoogLeNet: (N, C, H, W) -> logits (N, n_classes), for any H and W.

    224 x 224 -7/2-> 64 x 112 x 112 -pool-> 56 x 56 -1, 3-> 192 x 56 x 56
              -pool-> 28 x 28 -3a, b-> 480 -pool-> 14 x 14 -4a..e-> 832
              -pool-> 7 x 7 -5a, b-> 1024 -mean-> 1024 -> n_classes

    6,998,552 parameters.

    Args:
        n_classes: logits that come out.
        in_channels: channels of the images.
        width: times which every inner layer has the published number of channels.
        dropout: part of the values set to 0 before the linear layer.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if a number is not positive.

    Source:
        Szegedy et al., arXiv 1409.4842, table 1.
    """
    bricks = Bricks(width, rng, dtype)
    layers, channels = _maps(bricks, plain, in_channels, large=5, last_pool=3)
    head = (bricks.dropout(dropout), bricks.linear(channels, n_classes))
    return Sequential(*layers, GlobalAvgPool(), *head)


def googlenet_bn(
    n_classes: int = 1000,
    in_channels: int = 3,
    *,
    width: float = 1.0,
    dropout: float = 0.2,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build GoogLeNet with batch norm, as torchvision has it: (N, C, H, W) -> (N, n_classes).

    6,624,904 parameters: as `googlenet`, but 3 x 3 kernels stand where the paper has 5 x 5, the
    last pooling is 2 x 2, and each convolution has a batch norm (epsilon 1e-3) for its bias.

    Args:
        n_classes: logits that come out.
        in_channels: channels of the images.
        width: times which every inner layer has the published number of channels.
        dropout: part of the values set to 0 before the linear layer.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if a number is not positive.

    Source:
        torchvision.models.googlenet; batch norm: Ioffe and Szegedy, arXiv 1502.03167.
    """
    bricks = Bricks(width, rng, dtype)
    layers, channels = _maps(bricks, normed, in_channels, large=3, last_pool=2)
    head = (bricks.dropout(dropout), bricks.linear(channels, n_classes))
    return Sequential(*layers, GlobalAvgPool(), *head)


def _maps(
    bricks: Bricks, unit: Unit, in_channels: int, large: int, last_pool: int
) -> tuple[list[Layer], int]:
    """Make everything before the mean over the map, and count the channels that come out."""
    a, channels = bricks.wide(64), bricks.wide(192)
    layers = [*unit(bricks, in_channels, a, 7, 2), *halve(3)]
    layers += [*unit(bricks, a, a, 1, 1), *unit(bricks, a, channels, 3, 1)]
    for modules, pool in zip(_STAGES, (3, 3, last_pool), strict=True):
        layers += halve(pool)
        for published in modules:
            widths = Widths(*(bricks.wide(number) for number in published))
            layers.append(inception(bricks, unit, channels, widths, large))
            channels = widths.outputs
    return layers, channels
