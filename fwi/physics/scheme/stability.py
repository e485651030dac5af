"""How large a time step the scheme stands."""

from __future__ import annotations

import math

# Spectral bound of the negative Laplacian: 16/3 for the fourth-order second difference, two axes.
_LAPLACIAN_BOUND = 32 / 3


def max_stable_dt(vmax: float, dx: float, damping: float = 0.0) -> float:
    """Largest stable time step of the scheme.

    The roots of z^2 - (2 - k - a L) z + (1 - k) stay in the unit circle where a L <= 4 - 2 k:
    the damping k = D dt, which the scheme takes backward in time, costs a little of the step.
    With a = (v dt / dx)^2 that is 32/3 (v / dx)^2 dt^2 + 2 D dt <= 4; undamped, the Courant
    number's limit is sqrt(3/8) = 0.61.

    Args:
        vmax: largest velocity, m/s.
        dx: cell size, m.
        damping: largest damping rate D of the sponge, 1/s.

    Returns:
        The time step, s.
    """
    b = _LAPLACIAN_BOUND * (vmax / dx) ** 2
    return (math.sqrt(damping**2 + 4 * b) - damping) / b


def max_stable_velocity(dx: float, dt: float, damped: float = 0.0) -> float:
    """Largest velocity, m/s, at which a time step is stable.

    Args:
        dx: cell size, m.
        dt: time step, s.
        damped: the sponge's largest damping a time step, D dt.
    """
    return dx / dt * math.sqrt((4 - 2 * damped) / _LAPLACIAN_BOUND)


def check_stable(vmax: float, dx: float, dt: float, damping: float = 0.0) -> None:
    """Refuse a time step that would blow up.

    Raises:
        ValueError: if dt exceeds the limit; it names the largest stable one.
    """
    limit = max_stable_dt(vmax, dx, damping)
    if dt > limit:
        raise ValueError(
            f"dt must be at most {limit:.6g} s for {vmax:g} m/s on {dx:g} m cells, got {dt:g} s; "
            "shorten dt or coarsen dx"
        )
