"""What all networks share: gathers -> preprocessing -> body -> heads."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from fwi.models.heads import ErrorHead, FamilyHead, MapHead, Output
from fwi.models.preprocess import Preprocess
from fwi.models.sizes import MAP, Shape, check_map_shape, record_of
from fwi.openfwi import FAMILIES


class Prediction(NamedTuple):
    """What a network says of gathers: tensors, or NumPy arrays without the channel axis.

    Attributes:
        velocity: (B, 1, 70, 70), m/s.
        error: judged absolute error (B, 1, 70, 70), m/s; none without a confidence head.
        family: logits (B, n_families), of arrays probabilities; none without a family head.
    """

    velocity: Any
    error: Any = None
    family: Any = None


class Network(nn.Module):
    """A body between the common preprocessing and the common heads.

    Args:
        body: from (B, n_shots, 1000, 70) float32 to features (B, channels, >= 70, >= 70), of which
            the middle 70 x 70 are the map's cells; of the sizes that `record` and `map_shape` say.
        channels: of the body's features.
        n_shots: shots that the network takes; further ones are ignored.
        gain: amplitude compression, see `Preprocess`; none keeps raw amplitudes.
        output: "linear" or "sigmoid", see `MapHead`.
        norm: batch normalisation of the map before its scale, see `MapHead`.
        confidence: add a head that predicts the absolute error of each cell.
        n_families: add a head that tells families apart, where not 0; at least OpenFWI's ten.
        map_shape: rows and columns of the map.
        record: time samples and receivers that the body takes; those of the map's grid.

    Attributes:
        objective: name of what fits it unless the experiment names another, see
            `fwi.training.objectives`.

    Raises:
        ValueError: if there are fewer families than labels.
    """

    objective: str = "supervised"

    def __init__(
        self,
        body: nn.Module,
        channels: int,
        *,
        n_shots: int = 5,
        gain: float | None = 10.0,
        output: Output = "linear",
        norm: bool = False,
        confidence: bool = False,
        n_families: int = 0,
        map_shape: Shape = MAP,
        record: Shape | None = None,
    ) -> None:
        super().__init__()
        if n_families != 0 and n_families < len(FAMILIES):
            raise ValueError(
                f"n_families must be 0 or at least {len(FAMILIES)}, OpenFWI's families, got "
                f"{n_families}; leave it out or give {len(FAMILIES)}"
            )
        self.n_shots, self.map_shape = n_shots, check_map_shape(map_shape)
        self.preprocess = Preprocess(n_shots, gain, record or record_of(self.map_shape))
        self.body = body
        self.head = MapHead(channels, output, norm)
        self.error_head = ErrorHead(channels) if confidence else None
        self.family_head = FamilyHead(channels, n_families) if n_families else None

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Raw gathers (B, S, T, R), any floating dtype, to velocity (B, 1, 70, 70), m/s."""
        return middle(self.head(self.features(gathers)), self.map_shape)

    def predict_all(self, gathers: torch.Tensor) -> Prediction:
        """Run every head on the same features."""
        features = self.features(gathers)
        # The error of a map must not shape the map: it reads features, and leaves them alone.
        cut = partial(middle, shape=self.map_shape)
        error = cut(self.error_head(features.detach())) if self.error_head else None
        family = self.family_head(cut(features)) if self.family_head else None
        return Prediction(cut(self.head(features)), error, family)

    def features(self, gathers: torch.Tensor) -> torch.Tensor:
        """Run everything before the heads: (B, channels, >= 70, >= 70)."""
        return self.body(self.preprocess(gathers))


def predict_all(model: nn.Module, gathers: torch.Tensor) -> Prediction:
    """Hear all that a network says: more than its map where it has a `predict_all` of its own."""
    ask = getattr(model, "predict_all", None)
    return Prediction(model(gathers)) if ask is None else ask(gathers)


def middle(image: torch.Tensor, shape: Shape = MAP) -> torch.Tensor:
    """Cut the middle cells of a map's shape out of (B, C, H, W)."""
    (rows, columns), (height, width) = shape, image.shape[-2:]
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[..., top : top + rows, left : left + columns]
