"""models: the networks that can be trained, and what they cost."""

from __future__ import annotations

from fwi.analysis.cost import Costs, cost_table
from fwi.config import Config


def run(config: Config, *, force: bool = False) -> Costs:
    """List networks.

    Args:
        config: reads `models` and `machine`.
        force: taken for the stages' common signature; nothing is written.

    Returns:
        What every variant costs.

    Raises:
        KeyError: if a model is unknown; it names the nearest.
    """
    section = config.models
    return cost_table(section.names, section.speed, config.machine.device)
