"""The one-cycle recipe of the networks of small images."""

from __future__ import annotations

from functools import partial

from fwi.arrays import Array
from fwi.core import Adam, Network
from fwi.core.batches import steps_in_epoch
from fwi.core.recipe import Loss
from fwi.schedules import one_cycle

WARMUP = 0.3  # part of the steps in which the rate rises


def fit_in_one_cycle(
    network: Network,
    x: Array,
    y: Array,
    loss: Loss,
    epochs: int,
    lr: float,
    batch_size: int,
    seed: int,
    validation: tuple[Array, Array] | None = None,
) -> Network:
    """Fit a network by Adam, its rate up to a peak and back.

    Args:
        network: one that has not been fitted yet.
        x: samples (N, ...).
        y: their targets (N, ...).
        loss: of `Network.fit`.
        epochs: passes over the samples.
        lr: peak of the rate.
        batch_size: samples a step.
        seed: of the order.
        validation: samples and targets on which every epoch is judged.

    Returns:
        The network.

    Raises:
        KeyboardInterrupt: if Ctrl-C ended the fit early.
    """
    total = epochs * steps_in_epoch(len(x), batch_size)
    schedule = partial(one_cycle, total=total, peak=lr, warmup=WARMUP)
    network.fit(
        x, y, loss, Adam(), epochs, batch_size, validation=validation, schedule=schedule, rng=seed
    )
    if len(network.rows) < epochs:
        raise KeyboardInterrupt  # half a fit must not be taken for a whole one
    return network
