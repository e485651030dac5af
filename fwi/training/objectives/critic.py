"""A network fitted against a critic of its maps.

In units in which 1500 to 4500 m/s are -1 to 1, the network minimises

    50 mean |predicted - true| + 100 mean (predicted - true)^2 - mean c(predicted)

and before each of its steps the critic c takes five of its own on the same maps. The loss is given
times 30 m/s, which makes its first term the mean absolute error.

Source: Zhang and Lin, VelocityGAN, arXiv 1809.10262; Gulrajani et al., arXiv 1704.00028, whose
algorithm 1 names the critic's steps, penalty and optimizer. The published network has the three
terms of the loss too; 50 and 100 are chosen here so that they pull about equally on a map: by a
gradient of length 50 / 70, 200 / 70 times the root mean square error (0.6 at 300 m/s), and about 1,
to which the penalty holds the critic.
"""

from __future__ import annotations

import torch
from torch import nn

from fwi.data.batch import Batch
from fwi.models import map_shape_of
from fwi.models.heads import full_precision
from fwi.models.network import predict_all
from fwi.models.velocitygan import Critic, gradient_penalty
from fwi.openfwi import FASTEST, SLOWEST
from fwi.training.objectives.base import Objective, register_objective, weighted
from fwi.training.objectives.supervised import heads_loss
from fwi.training.statistics import still_statistics

_MIDDLE, _HALF = (FASTEST + SLOWEST) / 2, (FASTEST - SLOWEST) / 2  # of the maps' range, m/s
_ABSOLUTE, _SQUARED = 50.0, 100.0
_PENALTY = 10.0


@register_objective("critic")
class AgainstCritic(Objective):
    """The network's side of the game as the loss; the critic's side is played before each step.

    Args:
        model: see `Objective`.
        critic_steps: of the critic before each of the network's.
        critic_lr: the critic's rate, which stays while the network's follows its schedule.

    Attributes:
        critic: from maps (B, 1, 70, 70) in [-1, 1] to scores (B,).
    """

    def __init__(self, model: nn.Module, critic_steps: int = 5, critic_lr: float = 1e-4) -> None:
        super().__init__(model)
        self.critic = Critic(map_shape_of(model))
        self.critic_steps = critic_steps
        self.optimizers = [
            torch.optim.Adam(self.critic.parameters(), lr=critic_lr, betas=(0.0, 0.9))
        ]

    def before_step(self, batch: Batch) -> None:
        """Let the critic learn from the maps that the network makes of a batch now."""
        with torch.no_grad(), still_statistics(self.model):
            fake = _scaled(self.model(batch.gathers).float())
        real = _scaled(batch.velocity[:, None])
        for _ in range(self.critic_steps):
            self._teach_critic(real, fake)

    def forward(self, batch: Batch) -> torch.Tensor:
        """See `Objective.forward`."""
        said = predict_all(self.model, batch.gathers)
        fake = _scaled(said.velocity.float())
        error = fake - _scaled(batch.velocity[:, None])
        # The loss's gradients through the critic are the network's alone; its own come from its
        # own steps.
        self.critic.requires_grad_(False)
        score = self.critic(fake)[:, None]
        self.critic.requires_grad_(True)
        per_cell = _ABSOLUTE * error.abs() + _SQUARED * error.square()
        loss = weighted(per_cell, batch) - weighted(score, batch)
        return loss * (_HALF / _ABSOLUTE) + heads_loss(said, batch)

    def _teach_critic(self, real: torch.Tensor, fake: torch.Tensor) -> None:
        """Take one step of the critic on maps (B, 1, 70, 70)."""
        [optimizer] = self.optimizers
        # The penalty's second derivatives are convolutions, which autocast would reach in backward.
        with full_precision(real):
            distance = self.critic(fake).mean() - self.critic(real).mean()
            loss = distance + _PENALTY * gradient_penalty(self.critic, real, fake)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


def _scaled(velocity: torch.Tensor) -> torch.Tensor:
    return (velocity - _MIDDLE) / _HALF
