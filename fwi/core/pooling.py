"""Layers that make maps smaller: the largest value or the mean of each window; and flattening."""

from __future__ import annotations

import math
from collections.abc import Sequence

from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, Pair, check_maps, pair
from fwi.core.layer import Layer
from fwi.core.sliding import crop, offsets, output_size, pad, seen


class _Pool2d(Layer):
    """A window and how it slides: what both poolings have in common.

    Args:
        kernel: rows and columns, or one number for both.
        stride: from one window to the next, likewise; by default the kernel's size.
        padding: on each side, likewise; at most half the kernel, so that no window sees it alone.

    Raises:
        TypeError: if a size is not a whole number.
        ValueError: if a size is too small, or the padding too large.
    """

    def __init__(
        self,
        kernel: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ) -> None:
        super().__init__()
        self.kernel = pair("kernel", kernel)
        self.stride = self.kernel if stride is None else pair("stride", stride)
        self.padding = pair("padding", padding, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise ValueError(
                f"padding must be at most half the kernel {self.kernel}, got {self.padding}; "
                "make it smaller"
            )

    def _places(self, x: Array) -> Pair:
        check_maps(x)
        return output_size(x.shape[2:], self.kernel, self.stride, self.padding)


class MaxPool2d(_Pool2d):
    """y[i, j] = max over u, v of x[i s + u, j s + v]; dL/dx adds dL/dy where the maximum was.

    Of equal maxima in a window, the first in the order of reading receives the derivative.
    """

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, C, H', W') for x (N, C, H, W).

        Raises:
            ValueError: if the shape does not fit.
        """
        places, xp = self._places(x), array_namespace(x)
        framed = pad(x, self.padding, -math.inf)
        y = xp.full_like(seen(framed, (0, 0), places, self.stride), -math.inf)
        for offset in offsets(self.kernel):
            y = xp.maximum(y, seen(framed, offset, places, self.stride))
        if training:
            self.keep(x, y)
        return y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, C, H, W) for dL/dy (N, C, H', W')."""
        x, y = self.kept()
        xp, places = array_namespace(gradient), gradient.shape[2:]
        framed = pad(x, self.padding, -math.inf)
        image = xp.zeros_like(framed)
        waiting = xp.ones_like(y, dtype=xp.bool)
        for offset in offsets(self.kernel):
            found = waiting & (seen(framed, offset, places, self.stride) == y)
            target = seen(image, offset, places, self.stride)
            target += xp.where(found, gradient, xp.zeros_like(gradient))
            waiting &= ~found
        return crop(image, self.padding)


class AvgPool2d(_Pool2d):
    """y[i, j] = sum over u, v of x[i s + u, j s + v] / (R S); dL/dx adds dL/dy / (R S) to each.

    Padding counts as zeros, so the divisor is the same everywhere.
    """

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, C, H', W') for x (N, C, H, W).

        Raises:
            ValueError: if the shape does not fit.
        """
        places = self._places(x)
        framed = pad(x, self.padding)
        total = array_namespace(x).zeros_like(seen(framed, (0, 0), places, self.stride))
        for offset in offsets(self.kernel):
            total += seen(framed, offset, places, self.stride)
        if training:
            self.keep(x)
        return total / math.prod(self.kernel)

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, C, H, W) for dL/dy (N, C, H', W')."""
        (x,) = self.kept()
        image = array_namespace(x).zeros_like(pad(x, self.padding))
        share = gradient / math.prod(self.kernel)
        for offset in offsets(self.kernel):
            target = seen(image, offset, gradient.shape[2:], self.stride)
            target += share
        return crop(image, self.padding)


class GlobalAvgPool(Layer):
    """y[n, c] = mean over i, j of x[n, c, i, j]; dL/dx is dL/dy / (H W) at each place.

    Maps of any size come out as one value a channel, ready for a linear layer.

    Source:
        Lin, Chen and Yan, arXiv 1312.4400, section 3.2.
    """

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, C) for x (N, C, H, W).

        Raises:
            ValueError: if the shape does not fit.
        """
        check_maps(x)
        if training:
            self.keep(x.shape)
        return array_namespace(x).mean(x, axis=(2, 3))

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, C, H, W) for dL/dy (N, C)."""
        (shape,) = self.kept()
        xp, share = array_namespace(gradient), gradient / math.prod(shape[2:])
        image = xp.zeros(shape, dtype=gradient.dtype, device=device(gradient))
        return image + share[:, :, None, None]


class Flatten(Layer):
    """y[n] = all values of x[n] in a row; dL/dx is dL/dy in the old shape."""

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, F) for x (N, ...), F the product of the other sizes."""
        if training:
            self.keep(x.shape)
        return array_namespace(x).reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, ...) for dL/dy (N, F)."""
        (shape,) = self.kept()
        return array_namespace(gradient).reshape(gradient, shape)
