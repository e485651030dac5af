"""Where the sources and receivers stand, and the grid and time axis they are recorded on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi import openfwi
from fwi.checks import check_number, check_whole

_WHOLE = {
    "nz": (1, 100_000),
    "nx": (1, 100_000),
    "nt": (1, 10_000_000),
    "sponge_width": (2, 10_000),
}
# From what an ultrasonic model has to what a planet's has.
_QUANTITIES = {"dx": (1e-6, 1e6), "dt": (1e-12, 1e3), "frequency": (1e-6, 1e9)}


@dataclass(frozen=True)
class AcquisitionGeometry:
    """One acquisition: a regular grid, a time axis, a line of sources and one of receivers.

    Positions are metres from the map's first column and from its surface; a map is depth first.
    The defaults are those of the OpenFWI data (`fwi.openfwi`).

    Attributes:
        nz: cells in depth.
        nx: cells along the line.
        dx: cell size in both directions, m.
        dt: time step, s.
        nt: time samples.
        source_x: source positions along the line, m, in a tuple, a list or an array.
        source_depth: depth of every source, m.
        receiver_x: receiver positions along the line, m.
        receiver_depth: depth of every receiver, m.
        frequency: peak frequency of the Ricker wavelet, Hz.
        sponge_width: damped cells on every side of the map, which replicate its edge.
    """

    nz: int = openfwi.SIDE
    nx: int = openfwi.SIDE
    dx: float = openfwi.DX
    dt: float = openfwi.DT
    nt: int = openfwi.NT
    source_x: tuple[float, ...] = openfwi.SOURCE_X
    source_depth: float = openfwi.DEPTH
    receiver_x: tuple[float, ...] = openfwi.RECEIVER_X
    receiver_depth: float = openfwi.DEPTH
    frequency: float = openfwi.FREQUENCY
    sponge_width: int = openfwi.SPONGE_WIDTH

    def __post_init__(self) -> None:
        """Refuse a geometry that cannot be simulated.

        Raises:
            ValueError: if a size is not positive, a position lies outside the map, or the time
                axis is too coarse for the frequency.
            TypeError: if a size or a position is no number.
        """
        for name, limits in _WHOLE.items():
            self._set(name, check_whole(name, getattr(self, name), *limits))
        for name, bounds in _QUANTITIES.items():
            self._set(name, check_number(name, getattr(self, name), *bounds))
        if not self.frequency * self.dt < 0.5:
            raise ValueError(
                f"frequency must be below {0.5 / self.dt:g} Hz, half of what dt = {self.dt:g} s "
                f"samples, got {self.frequency:g} Hz; lower it or shorten dt"
            )
        for kind in ("source", "receiver"):
            self._set(f"{kind}_x", _positions(f"{kind}_x", getattr(self, f"{kind}_x")))
            self._check_inside(kind, getattr(self, f"{kind}_x"), getattr(self, f"{kind}_depth"))

    def _set(self, name: str, value: Any) -> None:
        """Keep a field in the one type that it has, whatever was given."""
        object.__setattr__(self, name, value)

    def _check_inside(self, kind: str, positions: tuple[float, ...], depth: float) -> None:
        if not positions:
            raise ValueError(f"{kind}_x must name at least one position, got none")
        depth = check_number(f"{kind}_depth", depth)
        width, height = (self.nx - 0.5) * self.dx, (self.nz - 0.5) * self.dx
        for x in positions:
            if not -0.5 * self.dx <= x < width:
                raise ValueError(
                    f"{kind}_x must lie in the map, 0 to {(self.nx - 1) * self.dx:g} m, got {x:g} m"
                )
        if not -0.5 * self.dx <= depth < height:
            raise ValueError(
                f"{kind}_depth must lie in the map, 0 to {(self.nz - 1) * self.dx:g} m, "
                f"got {depth:g} m"
            )

    def mirrored_shots(self) -> tuple[int, ...]:
        """Say which shot of the mirrored map each shot becomes.

        A source is its own mirror image, or that of another one, to a cell: of OpenFWI's five the
        middle one is a cell from its image.

        Returns:
            The shots in the order in which the mirrored map has them, as `flip_gathers` takes them.

        Raises:
            ValueError: if the line of sources or receivers is not its own mirror image.
        """
        columns = self.source_idx
        order = np.argsort(columns, kind="stable")
        mirrored = np.empty_like(order)
        mirrored[order] = order[::-1]
        last = self.nx - 1
        if (np.abs(last - columns - columns[mirrored]) > 1).any():
            raise _not_a_mirror("sources", columns * self.dx)
        if (last - self.receiver_idx[::-1] != self.receiver_idx).any():
            raise _not_a_mirror("receivers", self.receiver_idx * self.dx)
        return tuple(int(shot) for shot in mirrored)

    @property
    def source_idx(self) -> npt.NDArray[np.int64]:
        """Columns of the sources, (shots,)."""
        return np.rint(np.asarray(self.source_x) / self.dx).astype(np.int64)

    @property
    def receiver_idx(self) -> npt.NDArray[np.int64]:
        """Columns of the receivers, (receivers,)."""
        return np.rint(np.asarray(self.receiver_x) / self.dx).astype(np.int64)

    @property
    def source_depth_idx(self) -> int:
        """Row of the sources."""
        return round(self.source_depth / self.dx)

    @property
    def receiver_depth_idx(self) -> int:
        """Row of the receivers."""
        return round(self.receiver_depth / self.dx)

    @property
    def gather_shape(self) -> tuple[int, int, int]:
        """Shots, time samples, receivers of one sample."""
        return len(self.source_x), self.nt, len(self.receiver_x)


def _positions(name: str, given: Any) -> tuple[float, ...]:
    if (
        isinstance(given, str | bytes)
        or not isinstance(given, Iterable)
        or getattr(given, "ndim", 1) != 1
    ):
        raise TypeError(f"{name} must list positions, m, got {type(given).__name__}")
    return tuple(check_number(name, x) for x in given)


def _not_a_mirror(what: str, positions: Any) -> ValueError:
    line = ", ".join(f"{x:g}" for x in positions[:6]) + (", ..." if len(positions) > 6 else "")
    return ValueError(
        f"the flip needs a line of {what} that is its own mirror image, got those at {line} m; set "
        "flip to 0"
    )


OPENFWI = AcquisitionGeometry()
OPENFWI_SIX_SHOTS = replace(OPENFWI, source_x=(*OPENFWI.source_x, openfwi.SIXTH_SOURCE_X))


def flip_gathers(gathers: Any) -> Any:
    """Mirror gathers of OpenFWI left to right, as the mirrored map would have made them.

    Of another acquisition `AcquisitionGeometry.mirrored_shots` says what its flip is.

    The receivers are reversed, and each shot becomes that of the mirrored source. With six shots
    this is exact. With five, the middle source (column 34) has no mirror image among them
    (column 35): its shot is left out of the swap and keeps its place, with its receivers
    reversed, one cell away from the truth.

    Args:
        gathers: (..., S, T, R), 5 or 6 shots, a NumPy array or torch tensor.

    Returns:
        The mirrored gathers, of the same kind and shape.

    Raises:
        ValueError: if there are neither five nor six shots.
    """
    shots = gathers.shape[-3]
    if shots not in openfwi.FLIPPED_SHOTS:
        raise ValueError(f"gathers must have 5 or 6 shots to be flipped, got {shots}")
    mirrored = gathers[..., list(openfwi.FLIPPED_SHOTS[shots]), :, :]
    # torch has no negative strides, NumPy no flip method.
    return mirrored[..., ::-1] if isinstance(mirrored, np.ndarray) else mirrored.flip(-1)
