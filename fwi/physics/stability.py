"""How large a time step the scheme stands."""

from __future__ import annotations

import math

# The fourth-order second difference has the spectral bound 16/3 on each of two axes, and the
# leapfrog step is stable up to 4: (v dt / dx)^2 * 32/3 <= 4.
COURANT_LIMIT = math.sqrt(3 / 8)


def max_stable_dt(vmax: float, dx: float) -> float:
    """Largest stable time step of the scheme, sqrt(3/8) dx / vmax.

    Args:
        vmax: largest velocity, m/s.
        dx: cell size, m.

    Returns:
        The time step, s.
    """
    return COURANT_LIMIT * dx / vmax


def check_stable(vmax: float, dx: float, dt: float) -> None:
    """Refuse a time step that would blow up.

    Raises:
        ValueError: if dt exceeds the limit; it names the largest stable one.
    """
    limit = max_stable_dt(vmax, dx)
    if dt > limit:
        raise ValueError(
            f"dt must be at most {limit:.6g} s for {vmax:g} m/s on {dx:g} m cells, got {dt:g} s; "
            "shorten dt or coarsen dx"
        )
