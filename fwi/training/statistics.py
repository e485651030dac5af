"""What batch normalisation remembers of the batches that it sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def still_statistics(model: nn.Module) -> Iterator[None]:
    """Let a network in training normalise by its batch without remembering it.

    A batch that is shown more than once for one step, to a critic or at other weights, then counts
    once.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
