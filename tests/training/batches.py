"""Batches for objectives and trainers."""

import torch

from fwi.data.batch import Batch
from fwi.openfwi import UNKNOWN


def batch_of(
    gathers: torch.Tensor,
    velocity: torch.Tensor,
    family: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
) -> Batch:
    """Make a batch; of no known family and ordinary weights where none are given."""
    n = len(gathers)
    return Batch(
        gathers,
        velocity,
        torch.full((n,), UNKNOWN) if family is None else family,
        torch.ones(n) if weight is None else weight,
    )
