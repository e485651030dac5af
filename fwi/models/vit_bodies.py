"""Two bodies over gathers made of plain transformers, as the competition's 1st and 3rd had them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.sizes import MAP, Shape
from fwi.models.tokens import ToImage, Trunk

ROWS = 350  # of the image layout: as many as five shots have receivers
TIME_FOLD = 4  # time samples of the shots layout that stand side by side


class ImageBody(nn.Module):
    """Two transformers, one after the other, over all shots as one image.

    1000 samples a second become 350, filtered against aliasing. The wavelet of 15 Hz leaves some
    1e-8 of a record's energy above the new Nyquist frequency of 175 Hz, so nothing is lost; what
    compressed amplitudes have there, 0.2 %, are corners that compression makes of the same signal.

    Args:
        first: transformer over (B, 1, 350, 70 n_shots).
        to_image: from its tokens to the second's image.
        second: transformer over that image.
        channels: of the features.
        map_shape: rows and columns of the features.
    """

    def __init__(
        self,
        first: Trunk,
        to_image: ToImage,
        second: Trunk,
        channels: int,
        map_shape: Shape = MAP,
    ) -> None:
        super().__init__()
        self.first, self.to_image, self.second = first, to_image, second
        self.to_map = ToImage(second.width, channels, second.grid, map_shape)
        self.map_shape = map_shape

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, C, 70, 70)."""
        image = self.to_image(self.first(side_by_side(gathers)))
        features = self.to_map(self.second(image))
        return F.interpolate(features, self.map_shape, mode="bilinear")


class ShotsBody(nn.Module):
    """One transformer whose first blocks see each shot alone and whose last see their mean.

    The mean forgets which shot is which; an embedding, learned for each shot, tells.

    Args:
        trunk: transformer over (B, 1, 250, 280).
        n_shots: shots.
        per_shot: blocks before the mean.
        channels: of the features.
        map_shape: rows and columns that the features have at least.

    Raises:
        ValueError: if the trunk has fewer blocks than that.
    """

    def __init__(
        self, trunk: Trunk, n_shots: int, per_shot: int, channels: int, map_shape: Shape = MAP
    ) -> None:
        super().__init__()
        if not 1 <= per_shot <= trunk.depth:
            raise ValueError(f"per_shot must be 1 to {trunk.depth} blocks, got {per_shot}")
        self.trunk, self.per_shot = trunk, per_shot
        self.shots = nn.Parameter(0.02 * torch.randn(n_shots, 1, trunk.width))
        self.to_map = ToImage(trunk.width, channels, trunk.grid, map_shape)

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, C, 70 or more, 70 or more)."""
        shots = gathers.shape[:2]
        tokens, ropes = self.trunk.embed(fold_time(gathers).flatten(0, 1)[:, None])
        tokens = (tokens.unflatten(0, shots) + self.shots).flatten(0, 1)
        tokens = self.trunk.run(tokens, ropes, 0, self.per_shot)
        tokens = tokens.unflatten(0, shots).mean(1)
        tokens = self.trunk.run(tokens, ropes, self.per_shot, self.trunk.depth)
        return self.to_map(self.trunk.finish(tokens))


def side_by_side(gathers: torch.Tensor) -> torch.Tensor:
    """(B, S, T, R) to (B, 1, 350, S R): time resampled without aliasing, shots in a row."""
    size = (ROWS, gathers.shape[-1])
    rows = F.interpolate(gathers, size, mode="bicubic", antialias=True)
    return rows.transpose(1, 2).flatten(2)[:, None]


def fold_time(gathers: torch.Tensor) -> torch.Tensor:
    """(B, S, T, R) to (B, S, T / 4, 4 R): sample 4 i + k of receiver r at row i, column 4 r + k."""
    return gathers.unflatten(2, (-1, TIME_FOLD)).transpose(-2, -1).flatten(-2)
