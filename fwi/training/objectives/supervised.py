"""The mean absolute error of maps, and what further heads are judged by."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fwi.data.batch import Batch
from fwi.models.network import Prediction, predict_all
from fwi.openfwi import UNKNOWN
from fwi.training.objectives.base import Objective, register_objective, weighted


@register_objective("supervised")
class Supervised(Objective):
    """Mean absolute error of the maps, and what the other heads are judged by, where there are any.

    Args:
        model: see `Objective`.
        family_weight: see `heads_loss`.
    """

    def __init__(self, model: nn.Module, family_weight: float = 20.0) -> None:
        super().__init__(model)
        self.family_weight = family_weight

    def forward(self, batch: Batch) -> torch.Tensor:
        """See `Objective.forward`."""
        said = predict_all(self.model, batch.gathers)
        errors = (said.velocity[:, 0].float() - batch.velocity).abs()
        return weighted(errors, batch) + heads_loss(said, batch, self.family_weight)


def heads_loss(said: Prediction, batch: Batch, family_weight: float = 20.0) -> torch.Tensor:
    """Judge what a network says beside its map.

        mean |error - |predicted - true|| + family_weight * cross-entropy

    The first term is least at the median of a cell's absolute error.

    Args:
        said: what the network says.
        batch: what is true; samples of an unknown family do not count.
        family_weight: m/s a nat. Guessing among ten families costs 2.3 nats, so 46 m/s by the
            default: enough to be learned, and less than the maps of a young network cost.

    Returns:
        A scalar, m/s; 0 where the network has no such head.
    """
    loss = torch.zeros((), device=batch.velocity.device)
    if said.error is not None:
        residual = (said.velocity.detach()[:, 0].float() - batch.velocity).abs()
        loss = loss + weighted((said.error[:, 0] - residual).abs(), batch)
    if said.family is not None:
        known = batch.family != UNKNOWN
        nats = F.cross_entropy(said.family, batch.family, ignore_index=UNKNOWN, reduction="none")
        loss = loss + family_weight * (nats * batch.weight).sum() / known.sum().clamp(min=1)
    return loss
