"""The inception module, which looks at a map with kernels of several sizes side by side.

    y = concat(1x1(x), 3x3(1x1(x)), 5x5(1x1(x)), 1x1(pool(x)))

The 1 x 1 convolutions reduce the channels before the costly kernels, and after the pooling.

Source:
    Szegedy et al., arXiv 1409.4842, figure 2b.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fwi.core.activations import ReLU
from fwi.core.builders.bricks import Bricks
from fwi.core.containers import Concat, Sequential
from fwi.core.layer import Layer
from fwi.core.padding import ZeroPad
from fwi.core.pooling import MaxPool2d

# (bricks, inputs, outputs, kernel, stride) -> layers
Unit = Callable[[Bricks, int, int, int, int], list[Layer]]


class Widths(NamedTuple):
    """Channels that come out of a module's convolutions, in the order of the paper's table 1."""

    one: int
    three_reduced: int
    three: int
    five_reduced: int
    five: int
    after_pool: int

    @property
    def outputs(self) -> int:
        """Channels of all branches together."""
        return self.one + self.three + self.five + self.after_pool


def plain(bricks: Bricks, inputs: int, outputs: int, kernel: int, stride: int) -> list[Layer]:
    """Make a convolution and its ReLU."""
    return [bricks.conv(inputs, outputs, kernel, stride, kernel // 2), ReLU()]


def normed(bricks: Bricks, inputs: int, outputs: int, kernel: int, stride: int) -> list[Layer]:
    """Make a convolution, its batch norm and its ReLU."""
    padding = kernel // 2
    return [*bricks.conv_norm(inputs, outputs, kernel, stride, padding, epsilon=1e-3), ReLU()]


def inception(bricks: Bricks, unit: Unit, inputs: int, widths: Widths, large: int) -> Concat:
    """Make a module.

    Args:
        bricks: makes the layers.
        unit: makes a convolution with what follows it.
        inputs: channels of x.
        widths: channels inside.
        large: rows and columns of the largest kernel, the paper's 5.
    """
    one, three_reduced, three, five_reduced, five, after_pool = widths
    branches = (
        unit(bricks, inputs, one, 1, 1),
        [*unit(bricks, inputs, three_reduced, 1, 1), *unit(bricks, three_reduced, three, 3, 1)],
        [*unit(bricks, inputs, five_reduced, 1, 1), *unit(bricks, five_reduced, five, large, 1)],
        [MaxPool2d(3, 1, 1), *unit(bricks, inputs, after_pool, 1, 1)],
    )
    return Concat([Sequential(*branch) for branch in branches])


def halve(kernel: int) -> list[Layer]:
    """Make a max pooling of stride 2 that reaches an even map's last row and column.

    Its last window hangs over the edge by one; maps come from a ReLU, so that the zero which
    stands there is never above the maximum, nor before it.
    """
    return [ZeroPad(after=(0, 1, 1)), MaxPool2d(kernel, 2)]
