"""A small convolutional network that tells real maps from generated ones."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from fwi.arrays import Array
from fwi.families.statistics import as_maps

_CENTRE, _SPREAD = 3000.0, 850.0  # m/s, of all families
_STEP = 30.0  # m/s; steps are shown by the logarithm of their size in it
_CHANNELS, _WIDTHS = 5, (16, 32, 64, 64)
_BATCH = 32


class MapsJudge:
    """A convolutional network on maps.

    It sees velocity, its steps down and across on a logarithmic scale, so that a faint interface is
    as plain as a strong one, depth and column. Four convolutions, all but the first of stride 2,
    are followed by the mean and the maximum over the map. An epoch shows every real map and as many
    generated ones.

    Args:
        seed: of weights and order.
        epochs: over the real maps.
    """

    def __init__(self, seed: int = 0, epochs: int = 30) -> None:
        self.seed, self.epochs = seed, epochs

    def fit(self, real: Array, generated: Array) -> Self:
        """Learn from maps (n, nz, nx), m/s, and at least as many generated ones.

        Raises:
            TypeError: if maps hold no numbers.
            ValueError: if they are no finite stacks of one size, or generated ones are fewer.
        """
        real, generated = as_maps(real), as_maps(generated)
        if real.shape[1:] != generated.shape[1:] or len(real) > len(generated):
            raise ValueError(
                "generated maps must be as large as real ones and as many or more, got "
                f"{generated.shape} for {real.shape}; draw more"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.network = _network()
            self._train(_prepared(real), _prepared(generated))
        return self

    def predict(self, samples: Array) -> Array:
        """Say which maps (n, nz, nx), m/s, are real, (n,) bool."""
        self.network.eval()
        with torch.no_grad():
            batches = _prepared(as_maps(samples)).split(_BATCH)
            logits = [self.network(batch) for batch in batches]
        return (torch.cat(logits)[:, 0] > 0).numpy()

    def _train(self, real: Tensor, generated: Tensor) -> None:
        optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=0.05)
        steps = self.epochs * -(-2 * len(real) // _BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
        label = torch.cat([torch.ones(len(real)), torch.zeros(len(real))])
        self.network.train()
        for _ in range(self.epochs):
            samples = torch.cat([real, generated[torch.randperm(len(generated))[: len(real)]]])
            for batch in torch.randperm(len(samples)).split(_BATCH):
                logits = self.network(samples[batch])[:, 0]
                loss = nn.functional.binary_cross_entropy_with_logits(logits, label[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()


class _MeanAndMaximum(nn.Module):
    """Mean and maximum of features over a map, (B, C, Z, X) -> (B, 2 C)."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)


def _network() -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (narrow, wide) in enumerate(zip((_CHANNELS, *_WIDTHS), _WIDTHS, strict=False)):
        stride = min(i, 1) + 1
        layers += [nn.Conv2d(narrow, wide, 3, stride, 1), nn.BatchNorm2d(wide), nn.ReLU()]
    return nn.Sequential(*layers, _MeanAndMaximum(), nn.Dropout(0.2), nn.Linear(2 * _WIDTHS[-1], 1))


def _prepared(maps: Array) -> Tensor:
    """Scale maps, and add the channels that tell steps and places, (n, 5, nz, nx)."""
    velocity = torch.from_numpy(maps.astype(np.float32))
    steps = [velocity.diff(dim=axis, prepend=velocity.narrow(axis, 0, 1)) for axis in (1, 2)]
    depth, column = (torch.linspace(-1, 1, n) for n in velocity.shape[1:])
    places = torch.meshgrid(depth, column, indexing="ij")
    return torch.stack(
        [
            (velocity - _CENTRE) / _SPREAD,
            *(step.sign() * (step.abs() / _STEP).log1p() for step in steps),
            *(place.expand_as(velocity) for place in places),
        ],
        dim=1,
    )
