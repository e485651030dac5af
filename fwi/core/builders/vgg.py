"""VGG: many 3 x 3 convolutions, maps halved and channels doubled from stage to stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks, map_values, pick
from fwi.core.containers import Sequential
from fwi.core.layer import Layer
from fwi.core.pooling import Flatten, MaxPool2d

# Convolutions in each stage: the paper's table 1, columns A, B, D and E.
_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


def vgg(
    depth: int,
    n_classes: int = 1000,
    in_channels: int = 3,
    size: int | Sequence[int] = 224,
    *,
    batch_norm: bool = False,
    width: float = 1.0,
    dropout: float = 0.5,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build a VGG: (N, C, H, W) -> logits (N, n_classes).

    224 x 224 -> 64 x 112 x 112 -> 128 x 56 x 56 -> 256 x 28 x 28 -> 512 x 14 x 14
              -> 512 x 7 x 7 -> 4096 -> 4096 -> n_classes

    Depth 16 has 138,357,544 parameters, three quarters of them in the first linear layer.

    Args:
        depth: layers with weights: 11, 13, 16 or 19.
        n_classes: logits that come out.
        in_channels: channels of the images.
        size: rows and columns of the images, or one number for both; at least 32.
        batch_norm: whether a batch norm follows each convolution, which keeps its bias.
        width: times which every inner layer has the published number of channels.
        dropout: part of the values set to 0 after each of the first two linear layers.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if the depth is another, the size too small, or a number not positive.

    Source:
        Simonyan and Zisserman, arXiv 1409.1556, table 1; they had no batch norm.
    """
    bricks, stages = Bricks(width, rng, dtype), pick("depth", depth, _STAGES)
    channels, hidden = [bricks.wide(c) for c in _CHANNELS], bricks.wide(4096)
    maps: list[Layer] = []
    ends = zip([in_channels, *channels[:-1]], channels, strict=True)
    for convolutions, (inputs, outputs) in zip(stages, ends, strict=True):
        for i in range(convolutions):
            maps += _unit(bricks, outputs if i else inputs, outputs, batch_norm)
        maps.append(MaxPool2d(2))
    return Sequential(
        *maps,
        Flatten(),
        *(bricks.linear(channels[-1] * map_values(maps, size), hidden), ReLU()),
        *(bricks.dropout(dropout), bricks.linear(hidden, hidden), ReLU()),
        *(bricks.dropout(dropout), bricks.linear(hidden, n_classes)),
    )


def _unit(bricks: Bricks, inputs: int, outputs: int, batch_norm: bool) -> list[Layer]:
    norm = [bricks.norm(outputs)] if batch_norm else []
    return [bricks.conv(inputs, outputs, 3, 1, 1), *norm, ReLU()]
