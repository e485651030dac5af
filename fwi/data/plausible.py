"""Whether gathers are those of their maps: one sample of a file, simulated and compared.

The simulator explains real gathers to 5e-5 (docs/physics.md), so what differs was recorded
otherwise, or means something else: units, sign, scale, order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fwi.arrays import Array
from fwi.checks import warn_unusual
from fwi.physics.misfit import geometry_of
from fwi.physics.simulator import simulate

_RESIDUAL = 0.05  # of the waves: two hundred times what rounding to float16 leaves
_ALIKE = 0.99  # correlation of what differs in scale alone


def compare(name: str, gathers: Array, maps: Array) -> None:
    """Warn if gathers are not those of their map.

    Args:
        name: of the gathers, for the warning.
        gathers: (1, S, 1000, 70), S 5 or 6, as OpenFWI records them.
        maps: (1, 70, 70), m/s.
    """
    observed, velocity = gathers.astype(np.float64), maps.astype(np.float64)
    try:
        predicted = simulate(velocity, geometry_of(observed))
    except ValueError as error:  # faster than OpenFWI's time step can follow
        warn_unusual(f"{name} cannot be compared with their maps: {error}")
        return
    residual = np.linalg.norm(observed - predicted) / np.linalg.norm(predicted)
    if not residual <= _RESIDUAL:
        warn_unusual(
            f"{name} must be those of their maps in OpenFWI's "
            f"recording, got a residual of {100 * residual:.3g} % in the first sample: "
            f"{_reason(observed, velocity, predicted)}"
        )


def _reason(observed: Array, velocity: Array, predicted: Array) -> str:
    """Find what was done to the gathers, or to the map."""
    alike = _correlation(observed, predicted)
    if alike < -_ALIKE:
        return "the sign is the opposite; multiply them by -1"
    if alike > _ALIKE:
        scale = np.linalg.norm(observed) / np.linalg.norm(predicted)
        return f"they are {scale:.3g} times as large; divide them by that"
    for fault, other in _others(observed, velocity, predicted):
        if _correlation(observed, other) > _ALIKE:
            return fault
    return "another wavelet, time step, order or map; check them"


def _others(observed: Array, velocity: Array, predicted: Array) -> Iterator[tuple[str, Array]]:
    """Give what gathers would be if they, or their maps, were written otherwise."""
    yield "the shots stand in the opposite order; reverse them", predicted[:, ::-1]
    yield "the receivers stand in the opposite order; reverse them", predicted[..., ::-1]
    for fault, maps in (
        ("the line of the maps runs the other way; mirror them", velocity[..., ::-1]),
        ("the maps are transposed; give them depth first", velocity.swapaxes(1, 2)),
        ("the maps are upside down; give the surface first", velocity[:, ::-1]),
    ):
        yield fault, simulate(np.ascontiguousarray(maps), geometry_of(observed))


def _correlation(first: Array, second: Array) -> float:
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.sum(first * second) / norms) if norms else 0.0
