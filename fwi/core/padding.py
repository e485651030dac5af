"""Zeros around maps and their channels, where a layer's own padding is not what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, check_maps, count
from fwi.core.layer import Layer


class ZeroPad(Layer):
    """y is x with zeros before and after its channels, rows and columns; dL/dx, dL/dy cut back.

    Args:
        before: number of zeros in front of (channels, rows, columns).
        after: number of zeros behind them, likewise.

    Raises:
        TypeError: if a number is not whole.
        ValueError: if there are not three, or one is negative.
    """

    def __init__(self, before: Sequence[int] = (0, 0, 0), after: Sequence[int] = (0, 0, 0)) -> None:
        super().__init__()
        self.before, self.after = _three("before", before), _three("after", after)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, C', H', W') for x (N, C, H, W).

        Raises:
            ValueError: if the shape differs.
        """
        check_maps(x)
        batch, *sizes = x.shape
        frame = zip(self.before, sizes, self.after, strict=True)
        shape = (batch, *(before + size + after for before, size, after in frame))
        starts = zip(self.before, sizes, strict=True)
        inside = (slice(None), *(slice(start, start + size) for start, size in starts))
        y = array_namespace(x).zeros(shape, dtype=x.dtype, device=device(x))
        y[inside] = x
        if training:
            self.keep(inside)
        return y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, C, H, W) for dL/dy (N, C', H', W')."""
        (inside,) = self.kept()
        return gradient[inside]


def _three(name: str, numbers: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(numbers, Sequence) or len(numbers) != 3:
        raise ValueError(
            f"{name} must be three numbers, got {numbers}; give (channels, rows, columns)"
        )
    return tuple(count(name, number, 0) for number in numbers)
