"""A U-Net whose skips know that depth is not time.

The encoder halves time and offset of the gathers; the decoder grows a map of depth and distance.
Their grids share no axis, so each skip is resampled to the decoder's grid by a learned mixing of
its rows: a matrix from time rows to depth rows, started from the diagonal that a constant velocity
would give. The first skip, at the resolution of the records, is left out: through it, marks of the
recording would reach the map.

Source: physics-informed U-Net, arXiv 2212.02338 (the removed first skip, in a network that
regularises an inversion); the mixing of rows is ours.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, Shape, check_map_shape, grid_of, record_of

_TIME_STRIDES = (4, 2, 2, 2, 2)  # 1000 samples to 250, 125, 63, 32 and 16 rows


class PhysicsUNet(nn.Module):
    """Encoder over (time, receiver), decoder over (depth, distance), resampled skips between.

    Args:
        n_shots: channels of the gathers.
        width: channels at the first level; they double down to the fourth and then stay.
        map_shape: rows and columns that the features have at least.
    """

    def __init__(self, n_shots: int, width: int, map_shape: Shape = MAP) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}; 32 is the narrow variant's")
        widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.first = _convolve(n_shots, width, (7, 3), (_TIME_STRIDES[0], 1))
        self.down = nn.ModuleList(
            _convolve(before, after, (3, 3), (stride, 2))
            for (before, after), stride in zip(pairwise(widths), _TIME_STRIDES[1:], strict=True)
        )
        rows, (depths, columns) = _rows(record_of(map_shape)[0]), grid_of(map_shape)
        turn, *skips = ((depths // part, columns // part) for part in (8, 4, 2, 1))
        self.turn = DepthFromTime(rows[-1], turn)
        self.skips = nn.ModuleList(
            DepthFromTime(n, grid) for n, grid in zip(rows[-2:0:-1], skips, strict=True)
        )
        outputs = [4 * width, 2 * width, width]
        self.up = nn.ModuleList(
            _convolve(before + skip, after, (3, 3), (1, 1))
            for before, skip, after in zip(
                [widths[-1], *outputs[:-1]], widths[-2:0:-1], outputs, strict=True
            )
        )
        self.channels = width

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, width, 72, 72)."""
        image = self.first(gathers.contiguous(memory_format=torch.channels_last))
        maps = []
        for step in self.down:
            image = step(image)
            maps.append(image)
        image = self.turn(maps.pop())
        for step, skip in zip(self.up, self.skips, strict=True):
            beside = skip(maps.pop())
            image = F.interpolate(image, scale_factor=2, mode="nearest")
            image = step(torch.cat([image, beside], 1))
        return image


class DepthFromTime(nn.Module):
    """Mix rows of time into rows of depth, and resample offsets to distance.

    Args:
        n_times: rows that come in.
        grid: rows and columns that go out.
    """

    def __init__(self, n_times: int, grid: Shape) -> None:
        super().__init__()
        straight = F.interpolate(torch.eye(n_times)[None], grid[0], mode="linear")[0]
        self.weight = nn.Parameter(straight.T.contiguous())  # (depths, n_times)
        self.columns = grid[1]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(B, C, n_times, X) -> (B, C, depths, columns)."""
        image = F.interpolate(image, (image.shape[-2], self.columns), mode="bilinear")
        return self.weight @ image


def _convolve(
    before: int, after: int, kernel: tuple[int, int], stride: tuple[int, int]
) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def _rows(n: int) -> list[int]:
    """Count the rows after each step."""
    rows = []
    for stride in _TIME_STRIDES:
        n = -(-n // stride)
        rows.append(n)
    return rows


@register_model(
    "physics_unet",
    {"narrow": {"width": 32}, "wide": {"width": 64}},
    source="arXiv 2212.02338",
)
def physics_unet(width: int, n_shots: int = 5, map_shape: Shape = MAP, **heads: Any) -> Network:
    """Build a `PhysicsUNet` in a `Network`, whose options `heads` are."""
    body = PhysicsUNet(n_shots, width, check_map_shape(map_shape))
    return Network(body, body.channels, n_shots=n_shots, map_shape=map_shape, **heads)
