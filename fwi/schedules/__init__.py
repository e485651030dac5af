"""Learning-rate schedules: pure functions of the step, so that a resumed run needs no state.

Each takes the step t = 0, 1, ... and, where it needs them, the steps of the whole run and the
peak, the run's highest rate. Its further settings are parts of the run or of the peak, so that
they fit a run of any length.
"""

from fwi.schedules.choice import Schedule, create_schedule
from fwi.schedules.cycles import (
    one_cycle,
    one_cycle_linear,
    one_cycle_linear_momentum,
    one_cycle_momentum,
)
from fwi.schedules.decays import (
    constant,
    constant_then_cosine,
    cosine,
    exponential,
    inverse_time,
    staircase,
    warm_up,
)
from fwi.schedules.registry import SCHEDULES, register_schedule

__all__ = [
    "SCHEDULES",
    "Schedule",
    "constant",
    "constant_then_cosine",
    "cosine",
    "create_schedule",
    "exponential",
    "inverse_time",
    "one_cycle",
    "one_cycle_linear",
    "one_cycle_linear_momentum",
    "one_cycle_momentum",
    "register_schedule",
    "staircase",
    "warm_up",
]
