"""How well images are classified: as they are, and moved by a pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_shape
from fwi.core.batches import check_samples

Classify = Callable[[Array], Array]

_MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # rows, columns


def accuracy(classes: Classify, images: Array, labels: Array) -> float:
    """Give the part of images (N, C, H, W) that are given their labels (N,).

    Raises:
        TypeError: if images or labels are no arrays.
        ValueError: if they differ in number, or there are none.
    """
    check_samples(images, labels, 1)
    return float((classes(images) == labels).mean())


def robust_accuracy(classes: Classify, images: Array, labels: Array) -> float:
    """Give the part of images that are right as they are and moved by a pixel in any direction.

    Args:
        classes: from images (N, C, H, W) to classes (N,).
        images: (N, C, H, W); what moves in at an edge repeats it.
        labels: (N,).

    Raises:
        TypeError: if images or labels are no arrays.
        ValueError: if they differ in number, there are none, or images lack an axis.
    """
    check_samples(images, labels, 1)
    check_shape("images", images, (None, None, None, None))
    right = classes(images) == labels
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
    height, width = images.shape[2:]
    for down, across in _MOVES:
        rows, columns = slice(1 - down, 1 - down + height), slice(1 - across, 1 - across + width)
        right &= classes(np.ascontiguousarray(padded[:, :, rows, columns])) == labels
    return float(right.mean())
