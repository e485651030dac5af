"""Large arrays that are made again and again in one place of memory."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array


class Room:
    """Memory by name, handed out uncleared: fresh memory costs as much as filling it."""

    def __init__(self) -> None:
        self._kept: dict[str, Array] = {}

    def array(self, name: str, shape: tuple[int, ...]) -> Array:
        """Give a float32 array of a shape; what an earlier one of the name held is lost."""
        size = int(np.prod(shape))
        if name not in self._kept or self._kept[name].size < size:
            self._kept[name] = np.empty(size, np.float32)
        return self._kept[name][:size].reshape(shape)
