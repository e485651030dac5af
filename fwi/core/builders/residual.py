"""Residual blocks: y = relu(body(x) + shortcut(x)), whose shortcut lets the gradient through."""

from __future__ import annotations

from collections.abc import Callable

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks
from fwi.core.containers import Residual, Sequential
from fwi.core.layer import Layer
from fwi.core.padding import ZeroPad
from fwi.core.pooling import AvgPool2d

# (bricks, inputs, outputs, stride) -> layer
Block = Callable[[Bricks, int, int, int], Layer]


def projection(bricks: Bricks, inputs: int, outputs: int, stride: int) -> Layer:
    """Bring x to the shape of y by a 1 x 1 convolution and batch norm: the paper's option B."""
    return Sequential(*bricks.conv_norm(inputs, outputs, 1, stride))


def zero_channels(bricks: Bricks, inputs: int, outputs: int, stride: int) -> Layer:
    """Take every stride-th place of x and zeros for the new channels: option A, no parameters."""
    every = AvgPool2d(1, stride)
    return Sequential(every, ZeroPad(after=(outputs - inputs, 0, 0)))


def basic(
    bricks: Bricks, inputs: int, outputs: int, stride: int, bridge: Block = projection
) -> Layer:
    """Make a block of two 3 x 3 convolutions.

    Args:
        bricks: makes the layers.
        inputs: channels of x.
        outputs: channels of y.
        stride: of the first convolution.
        bridge: makes the shortcut where the shapes of x and y differ.

    Source:
        He et al., arXiv 1512.03385, figure 5, left.
    """
    body = Sequential(
        *(*bricks.conv_norm(inputs, outputs, 3, stride, 1), ReLU()),
        *bricks.conv_norm(outputs, outputs, 3, 1, 1),
    )
    return _around(body, bricks, inputs, outputs, stride, bridge)


def bottleneck(bricks: Bricks, inputs: int, outputs: int, stride: int) -> Layer:
    """Make a block of 1 x 1, 3 x 3 and 1 x 1 convolutions, the first two with outputs / 4 channels.

    The stride is the 3 x 3 convolution's, as in later networks and torchvision's; in the paper's
    it is the first 1 x 1's, which then never sees three quarters of x. Parameters are the same.

    Source:
        He et al., arXiv 1512.03385, figure 5, right; the stride: Goyal et al., arXiv 1706.02677,
        section 5.1.
    """
    inner = outputs // 4
    body = Sequential(
        *(*bricks.conv_norm(inputs, inner, 1), ReLU()),
        *(*bricks.conv_norm(inner, inner, 3, stride, 1), ReLU()),
        *bricks.conv_norm(inner, outputs, 1),
    )
    return _around(body, bricks, inputs, outputs, stride, projection)


def stage(
    block: Block, blocks: int, bricks: Bricks, inputs: int, outputs: int, stride: int
) -> list[Layer]:
    """Make several blocks, the first with the stride and the change of channels."""
    first = block(bricks, inputs, outputs, stride)
    return [first, *(block(bricks, outputs, outputs, 1) for _ in range(blocks - 1))]


def _around(
    body: Layer, bricks: Bricks, inputs: int, outputs: int, stride: int, bridge: Block
) -> Layer:
    same = inputs == outputs and stride == 1
    shortcut = None if same else bridge(bricks, inputs, outputs, stride)
    return Sequential(Residual(body, shortcut), ReLU())
