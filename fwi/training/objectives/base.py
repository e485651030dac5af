"""What a fit minimises: from a network and a batch to one number.

A network names its objective in its attribute `objective`; one without it is supervised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.network import Network, Prediction
from fwi.openfwi import UNKNOWN
from fwi.registry import nearest


class Objective(nn.Module, ABC):
    """A loss around the network that it fits.

    The trainer optimises the parameters of `model`. Whatever else an objective learns is its own
    business, in its forward pass in training, with its own `optimizers`; a checkpoint keeps both.

    Args:
        model: raw gathers (B, S, T, R) to velocity (B, 1, Z, X), m/s.

    Attributes:
        optimizers: of the objective's own parameters, none where it has none.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.optimizers: list[torch.optim.Optimizer] = []

    @abstractmethod
    def forward(
        self, gathers: torch.Tensor, velocity: torch.Tensor, family: torch.Tensor
    ) -> torch.Tensor:
        """Give the loss of a batch.

        Args:
            gathers: raw (B, S, T, R), any floating dtype.
            velocity: true maps (B, Z, X) float32, m/s.
            family: labels (B,) int64, `fwi.labels.UNKNOWN` where there is none.

        Returns:
            A scalar, m/s, whose gradients reach the parameters of `model` alone.
        """


_objectives: dict[str, Callable[[nn.Module], Objective]] = {}
Kind = TypeVar("Kind", bound=type[Objective])


def register_objective(name: str) -> Callable[[Kind], Kind]:
    """Return a decorator that files an objective under a name; it is built from a network.

    Raises:
        ValueError: if the name is taken.
    """
    if name in _objectives:
        raise ValueError(f"objective {name!r} is registered already; choose another name")

    def register(kind: Kind) -> Kind:
        _objectives[name] = kind
        return kind

    return register


def objective_of(model: nn.Module) -> Objective:
    """Build the objective that a network asks for.

    Raises:
        KeyError: if it is unknown; it names the nearest.
    """
    name = str(getattr(model, "objective", "supervised"))
    if name not in _objectives:
        raise KeyError(f"unknown objective {name!r}; {nearest(name, _objectives)}")
    return _objectives[name](model)


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

    def forward(
        self, gathers: torch.Tensor, velocity: torch.Tensor, family: torch.Tensor
    ) -> torch.Tensor:
        """See `Objective.forward`."""
        said = predict(self.model, gathers)
        error = (said.velocity[:, 0].float() - velocity).abs().mean()
        return error + heads_loss(said, velocity, family, self.family_weight)


def predict(model: nn.Module, gathers: torch.Tensor) -> Prediction:
    """Run every head that a network has."""
    return model.predict_all(gathers) if isinstance(model, Network) else Prediction(model(gathers))


def heads_loss(
    said: Prediction, velocity: torch.Tensor, family: torch.Tensor, family_weight: float = 20.0
) -> torch.Tensor:
    """Judge what a network says beside its map.

        mean |error - |predicted - true|| + family_weight * cross-entropy

    The first term is least at the median of a cell's absolute error.

    Args:
        said: what the network says.
        velocity: true maps (B, Z, X), m/s.
        family: labels (B,); samples of an unknown family do not count.
        family_weight: m/s a nat. Guessing among ten families costs 2.3 nats, so 46 m/s by the
            default: enough to be learned, and less than the maps of a young network cost.

    Returns:
        A scalar, m/s; 0 where the network has no such head.
    """
    loss = torch.zeros((), device=velocity.device)
    if said.error is not None:
        residual = (said.velocity.detach()[:, 0].float() - velocity).abs()
        loss = loss + (said.error[:, 0] - residual).abs().mean()
    if said.family is not None:
        nats = F.cross_entropy(said.family, family, ignore_index=UNKNOWN, reduction="sum")
        loss = loss + family_weight * nats / (family != UNKNOWN).sum().clamp(min=1)
    return loss
