"""What every engine gives: the gathers of maps, and their Jacobian from both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from fwi.checks import check_shape
from fwi.geometry import AcquisitionGeometry

MEMORY = 200.0  # MB that a sample may hold between its gathers and their gradient

OnSample = Callable[[int], None]


@runtime_checkable
class Operator(Protocol):
    """The scheme, linearised about a batch of maps.

    With gathers F(v, vmin), J = dF/dv and K = dF/dvmin. An operator takes and gives NumPy arrays
    or, if it was made of them, torch tensors on the maps' device. What belongs to gathers has the
    dtype of the run: float64 for float64 maps, float32 otherwise. Gradients are sums over the
    record, and float64 wherever the device has it.
    """

    @property
    def gathers(self) -> Any:
        """F, (B, S, T, R)."""

    def jvp(self, direction: Any, vmin_direction: Any = None) -> Any:
        """Jacobian-vector product, J dv + K dvmin: the gathers' change along a change of the maps.

        Args:
            direction: dv, (B, nz, nx), m/s.
            vmin_direction: dvmin, the change of the sponges' velocities, (B,), m/s; none by
                default.

        Returns:
            (B, S, T, R).

        Raises:
            ValueError: if a shape does not fit.
        """

    def vjp(self, residual: Any) -> Any:
        """Vector-Jacobian product, J^T r: a misfit's gradient with respect to the maps.

        Args:
            residual: r, the misfit's gradient with respect to the gathers, (B, S, T, R).

        Returns:
            (B, nz, nx).

        Raises:
            ValueError: if the shape does not fit, or nothing was kept for it (`memory=None`).
        """

    def vmin_vjp(self, residual: Any) -> Any:
        """K^T r: a misfit's gradient with respect to the sponges' velocities.

        Args:
            residual: as in `vjp`.

        Returns:
            (B,).

        Raises:
            ValueError: if the shape does not fit.
        """


def check_directions(
    direction: Any, vmin_direction: Any, batch: int, geometry: AcquisitionGeometry
) -> None:
    """Check what a Jacobian is multiplied with from the right.

    Raises:
        ValueError: if a shape does not fit.
    """
    check_shape("direction", direction, (batch, geometry.nz, geometry.nx))
    if vmin_direction is not None:
        check_shape("vmin_direction", vmin_direction, (batch,))


def check_residual(residual: Any, batch: int, geometry: AcquisitionGeometry) -> None:
    """Check what a Jacobian is multiplied with from the left.

    Raises:
        ValueError: if the shape does not fit.
    """
    check_shape("residual", residual, (batch, *geometry.gather_shape))


def nothing_kept() -> ValueError:
    """The error of a `vjp` without what it needs."""
    return ValueError("memory must be given for vjp, got None; pass the MB for a sample")
