"""Correctors: maps that are simulated, compared with the observed gathers, and mended."""

from __future__ import annotations

import torch
from torch import nn

from fwi.models.corrector import Corrector
from fwi.openfwi import FASTEST, SLOWEST
from fwi.physics.misfit import residual
from fwi.training.objectives.base import Objective, register_objective


@register_objective("feedback")
class Feedback(Objective):
    """Mean absolute error of every map that a corrector makes in a row, each counted alike.

    A map is simulated as it stands; no gradient flows through the simulator, so that a pass learns
    to mend what it is given.

    Args:
        model: a `Corrector`.
    """

    model: Corrector

    def forward(
        self, gathers: torch.Tensor, velocity: torch.Tensor, family: torch.Tensor
    ) -> torch.Tensor:
        """See `Objective.forward`."""
        predicted = self.model(gathers)
        loss = (predicted[:, 0] - velocity).abs().mean()
        for _ in range(self.model.passes - 1):
            predicted = mend(self.model, gathers, predicted)
            loss = loss + (predicted[:, 0] - velocity).abs().mean()
        return loss / self.model.passes


def mend(model: Corrector, gathers: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
    """Run one pass of a corrector over a map, its own or another network's.

    Args:
        model: the corrector.
        gathers: observed, (B, S, 1000, 70), OpenFWI's shots.
        velocity: (B, 1, 70, 70), m/s; outside 1500 to 4500 it is taken to be at the bound.

    Returns:
        A better map (B, 1, 70, 70), m/s.

    Raises:
        ValueError: if the gathers are not OpenFWI's.
    """
    observed = gathers[:, : model.n_shots].float()
    with torch.no_grad():
        # What a diverged fit makes of a map is the trainer's to report, not the simulator's.
        velocity = torch.nan_to_num(velocity.float(), SLOWEST).clamp(SLOWEST, FASTEST)
        left = residual(velocity[:, 0], observed)
    return model(observed, left, velocity)


def predict_in_passes(model: nn.Module, gathers: torch.Tensor) -> torch.Tensor:
    """Predict maps (B, 1, Z, X), in as many passes as a network wants: correctors several."""
    velocity = model(gathers)
    if isinstance(model, Corrector):
        for _ in range(model.passes - 1):
            velocity = mend(model, gathers, velocity)
    return velocity
