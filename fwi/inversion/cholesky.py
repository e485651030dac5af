"""Cholesky factors of matrices that are positive but for rounding."""

from __future__ import annotations

import torch
from torch import Tensor

_ADDED = 0.0, *(10.0**power for power in range(-6, 0))  # of the diagonal


def factorize(matrix: Tensor) -> Tensor:
    """Lower factor; where rounding has made a weak direction negative, of a little more.

    Args:
        matrix: symmetric, (cells, cells); its diagonal is changed in place.

    Raises:
        FloatingPointError: if the matrix is not positive, however much is added to its diagonal.
    """
    diagonal = matrix.diagonal().clone()
    for share in _ADDED:
        matrix.diagonal().copy_((1 + share) * diagonal)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not int(failed):
            return factor
    raise FloatingPointError("the matrix must be positive; give a stronger prior")
