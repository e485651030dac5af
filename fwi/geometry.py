"""Where the sources and receivers stand, and the grid and time axis they are recorded on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fwi import openfwi


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
        source_x: source positions along the line, m.
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
            ValueError: if a size is not positive or a position lies outside the map.
        """
        for name in ("nz", "nx", "dx", "dt", "nt", "frequency"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.sponge_width < 2:
            raise ValueError(f"sponge_width must be at least 2 cells, got {self.sponge_width}")
        for kind in ("source", "receiver"):
            self._check_inside(kind, getattr(self, f"{kind}_x"), getattr(self, f"{kind}_depth"))

    def _check_inside(self, kind: str, positions: tuple[float, ...], depth: float) -> None:
        if not positions:
            raise ValueError(f"{kind}_x must name at least one position, got none")
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


OPENFWI = AcquisitionGeometry()
OPENFWI_SIX_SHOTS = replace(OPENFWI, source_x=(*OPENFWI.source_x, openfwi.SIXTH_SOURCE_X))


def flip_gathers(gathers: Any) -> Any:
    """Mirror gathers left to right, as the mirrored map would have made them.

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
