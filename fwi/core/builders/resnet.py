"""ResNet in its two forms: for images of ImageNet's size, and of CIFAR's."""

from __future__ import annotations

from functools import partial

import numpy as np

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks, pick
from fwi.core.builders.residual import (
    Block,
    basic,
    bottleneck,
    projection,
    stage,
    zero_channels,
)
from fwi.core.containers import Sequential
from fwi.core.layer import Layer
from fwi.core.pooling import GlobalAvgPool, MaxPool2d

# The paper's table 1: the block, its outputs for each of its own channels, and blocks in stages.
_FORMS: dict[int, tuple[Block, int, tuple[int, ...]]] = {
    18: (basic, 1, (2, 2, 2, 2)),
    34: (basic, 1, (3, 4, 6, 3)),
    50: (bottleneck, 4, (3, 4, 6, 3)),
    101: (bottleneck, 4, (3, 4, 23, 3)),
    152: (bottleneck, 4, (3, 8, 36, 3)),
}
_BRIDGES: dict[str, Block] = {"A": zero_channels, "B": projection}


def resnet(
    depth: int,
    n_classes: int = 1000,
    in_channels: int = 3,
    *,
    width: float = 1.0,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build a ResNet for ImageNet: (N, C, H, W) -> logits (N, n_classes), for any H and W.

    224 x 224 -7/2-> 64 x 112 x 112 -pool-> 56 x 56 -> 28 x 28 -> 14 x 14 -> 7 x 7
              -mean-> 512 (from depth 50: 2048) -> n_classes

    Depth 50 has 25,557,032 parameters. Where shapes change, shortcuts project (option B).

    Args:
        depth: layers with weights on the way through the blocks: 18, 34, 50, 101 or 152.
        n_classes: logits that come out.
        in_channels: channels of the images.
        width: times which every inner layer has the published number of channels.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if the depth is another, or a number is not positive.

    Source:
        He et al., arXiv 1512.03385, table 1.
    """
    block, expansion, blocks = pick("depth", depth, _FORMS)
    bricks = Bricks(width, rng, dtype)
    stem = bricks.wide(64)
    channels = [bricks.wide(c) * expansion for c in (64, 128, 256, 512)]
    layers = [*bricks.conv_norm(in_channels, stem, 7, 2, 3), ReLU(), MaxPool2d(3, 2, 1)]
    layers += _stages(bricks, block, blocks, [stem, *channels])
    return Sequential(*layers, GlobalAvgPool(), bricks.linear(channels[-1], n_classes))


def cifar_resnet(
    depth: int,
    n_classes: int = 10,
    in_channels: int = 3,
    *,
    shortcut: str = "A",
    width: float = 1.0,
    rng: int | np.random.Generator = 0,
    dtype: str = "float32",
) -> Sequential:
    """Build a ResNet for CIFAR: (N, C, H, W) -> logits (N, n_classes), for any H and W.

    32 x 32 -3-> 16 x 32 x 32 -2n-> 16 x 32 x 32 -2n-> 32 x 16 x 16 -2n-> 64 x 8 x 8
            -mean-> 64 -> n_classes,   depth = 6n + 2

    The paper's five, n = 3, 5, 7, 9 and 18, are 20, 32, 44, 56 and 110 deep. With option A they
    have 269,722, 464,154, 658,586, 853,018 and 1,727,962 parameters; option B adds 2,752 to each.

    Args:
        depth: layers with weights on the way through the blocks, 6n + 2.
        n_classes: logits that come out.
        in_channels: channels of the images.
        shortcut: where shapes change, "A" fills new channels with zeros, as in the paper; "B"
            projects.
        width: times which every inner layer has the published number of channels.
        rng: seed or generator.
        dtype: float32 or float64.

    Raises:
        ValueError: if the depth is not 6n + 2, the shortcut another, or a number not positive.

    Source:
        He et al., arXiv 1512.03385, section 4.2.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth must be 6n + 2, n at least 1, got {depth}; take 20, 32 or 110")
    block = partial(basic, bridge=pick("shortcut", shortcut, _BRIDGES))
    bricks = Bricks(width, rng, dtype)
    channels = [bricks.wide(c) for c in (16, 32, 64)]
    layers = [*bricks.conv_norm(in_channels, channels[0], 3, 1, 1), ReLU()]
    layers += _stages(bricks, block, (depth // 6,) * 3, [channels[0], *channels])
    return Sequential(*layers, GlobalAvgPool(), bricks.linear(channels[-1], n_classes))


def _stages(
    bricks: Bricks, block: Block, blocks: tuple[int, ...], channels: list[int]
) -> list[Layer]:
    """Make all stages; channels[i] enter stage i, and each but the first halves the maps."""
    layers: list[Layer] = []
    for i, number in enumerate(blocks):
        stride = 2 if i else 1
        layers += stage(block, number, bricks, channels[i], channels[i + 1], stride)
    return layers
