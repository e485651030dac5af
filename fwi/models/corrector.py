"""A network that is told what its last map leaves unexplained, and mends it.

It reads the observed gathers, the residual predicted - observed of a first map, and that map, and
adds a correction to it. The first map may be another network's or its own: without one it starts
from a uniform map and no residual, so one network makes the first guess and mends it, several times
in a row.

Source: residual feedback as the 14th of the competition applied it to data; the same network fed
with its own output is the recycling of Jumper et al., AlphaFold, doi 10.1038/s41586-021-03819-2.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.heads import MEAN, SPREAD, MapHead
from fwi.models.network import Prediction, middle
from fwi.models.preprocess import Preprocess
from fwi.models.registry import register_model
from fwi.models.sizes import GRID, MAP, Shape
from fwi.models.stem import GatherStem, check_channels
from fwi.models.unet import SMALL, SegmentationBody
from fwi.openfwi import FASTEST, SLOWEST
from fwi.physics.misfit import residual

_MARGIN = (GRID[0] - MAP[0]) // 2  # cells that the grid has beside a map


class Corrector(nn.Module):
    """Gathers, residual and map to a better map.

    Args:
        body: from an image of `stem_channels[1] + 1` channels to features.
        stem_channels: of the stem's two convolutions, over the gathers and the residual.
        n_shots: shots that the network takes, 5 or 6, as the simulator fires them.
        gain: amplitude compression of gathers and residual, see `Preprocess`.
        passes: maps that it makes in a row when it is trained and when it predicts, at least 1.
    """

    objective = "feedback"
    map_shape = MAP

    def __init__(
        self,
        body: SegmentationBody,
        stem_channels: tuple[int, int],
        n_shots: int,
        gain: float,
        passes: int,
    ) -> None:
        super().__init__()
        if passes < 1:
            raise ValueError(f"passes must be at least 1, got {passes}")
        if n_shots not in (5, 6):
            raise ValueError(
                f"n_shots must be 5 or 6 for a corrector, got {n_shots}; its residuals come from "
                "the simulator, which fires so many"
            )
        self.n_shots, self.passes = n_shots, passes
        self.preprocess = Preprocess(n_shots, gain)
        self.stem = GatherStem(2 * n_shots, stem_channels)
        self.body = body
        self.head = MapHead(body.channels)

    def forward(
        self,
        gathers: torch.Tensor,
        residual: torch.Tensor | None = None,
        velocity: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Mend a map, or make the first one.

        Args:
            gathers: observed, raw, (B, S, T, R).
            residual: predicted - observed of the map, raw, as the gathers; zero where none.
            velocity: the map (B, 1, 70, 70), m/s; uniform where none.

        Returns:
            Velocity (B, 1, 70, 70), m/s.
        """
        observed = self.preprocess(gathers)
        left = torch.zeros_like(observed) if residual is None else self.preprocess(residual)
        if velocity is None:
            velocity = observed.new_full((observed.shape[0], 1, *MAP), MEAN)
        image = self.stem(torch.cat([observed, left], 1))
        scaled = F.pad((velocity.float() - MEAN) / SPREAD, [_MARGIN] * 4, "replicate")
        features = self.body(torch.cat([image, scaled.to(image.dtype)], 1))
        return velocity.float() + middle(self.head(features)) - MEAN

    def predict_all(self, gathers: torch.Tensor) -> Prediction:
        """Make a first map of gathers (B, S, 1000, 70), and mend it in the passes that are left."""
        velocity = self(gathers)
        for _ in range(self.passes - 1):
            velocity = self.mend(gathers, velocity)
        return Prediction(velocity)

    def mend(self, gathers: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
        """Run one pass over a map, its own or another network's.

        The map is simulated as it stands; no gradient flows through the simulator.

        Args:
            gathers: observed, (B, S, 1000, 70), OpenFWI's shots.
            velocity: (B, 1, 70, 70), m/s; outside 1500 to 4500 it is taken to be at the bound.

        Returns:
            A better map (B, 1, 70, 70), m/s.

        Raises:
            ValueError: if the gathers are not OpenFWI's.
        """
        observed = gathers[:, : self.n_shots].float()
        with torch.no_grad():
            # What a diverged fit makes of a map is the trainer's to report, not the simulator's.
            velocity = torch.nan_to_num(velocity.float(), SLOWEST).clamp(SLOWEST, FASTEST)
            left = residual(velocity[:, 0], observed)
        return self(observed, left, velocity)


@register_model(
    "corrector",
    {
        "resnet10t": {"encoder": "tu-resnet10t", **SMALL},
        "resnet34": {"encoder": "tu-resnet34", **SMALL},
    },
    source="doi 10.1038/s41586-021-03819-2",
)
def corrector(
    encoder: str,
    depth: int,
    decoder_channels: tuple[int, ...],
    stem_channels: tuple[int, int] = (32, 64),
    n_shots: int = 5,
    gain: float = 10.0,
    passes: int = 2,
    map_shape: Shape = MAP,
    **options: Any,
) -> Corrector:
    """Build a `Corrector` over a `SegmentationBody`, whose further options are taken too.

    Raises:
        ValueError: if the maps are not the simulator's 70 x 70.
    """
    if tuple(map_shape) != MAP:
        raise ValueError(
            f"map_shape of a corrector must be {MAP}, got {tuple(map_shape)}; its residuals come "
            "from OpenFWI's simulator, so choose another network"
        )
    channels = check_channels(stem_channels)[1] + 1  # those of the stem, and the map
    body = SegmentationBody(channels, encoder, depth, decoder_channels, **options)
    return Corrector(body, stem_channels, n_shots, gain, passes)
