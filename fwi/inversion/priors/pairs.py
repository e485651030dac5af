"""Squares of differences between cells that are joined in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Sum over pairs of weight (v_first - v_second)^2 / 2; no two join the same cells.

    Attributes:
        first: numbers of cells, (pairs,).
        second: of those that they are joined with, (pairs,).
        weights: (pairs,).
    """

    first: Tensor
    second: Tensor
    weights: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place."""
        first, second = self.first.to(matrix.device), self.second.to(matrix.device)
        weights = self.weights.to(matrix)
        matrix[first, second] -= weights
        matrix[second, first] -= weights
        own = torch.zeros(len(matrix), dtype=self.weights.dtype)
        own.index_add_(0, self.first, self.weights).index_add_(0, self.second, self.weights)
        matrix.diagonal().add_(own.to(matrix))

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""
        flux = self.weights * (values[self.first] - values[self.second])
        result = torch.zeros_like(values)
        return result.index_add_(0, self.first, flux).index_add_(0, self.second, -flux)
