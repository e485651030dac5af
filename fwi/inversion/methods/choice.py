"""Which method a problem's size leaves."""

from __future__ import annotations

from fwi.geometry import AcquisitionGeometry
from fwi.inversion.green import time_axis
from fwi.inversion.methods.base import METHODS
from fwi.inversion.padding import edges
from fwi.inversion.problem import BOUNDS
from fwi.inversion.stations import find_stations
from fwi.registry import nearest

CELLS = 10_000  # of which matrices of cells by cells have room: 800 MB each in float64
_HIGHEST = 3.0  # times the wavelet's peak: what the last band's rows hold, two a period
_ROOM = 6.0  # GB
_SQUARES = 4  # matrices of cells by cells at once: Gram, its sum with the prior, factor, copy


def choose(geometry: AcquisitionGeometry, method: str = "auto") -> str:
    """Name the method for a geometry.

    Args:
        geometry: sources, receivers, grid and time axis.
        method: a name of `METHODS`, given back; "auto" for "dense" where its matrices fit 6 GB,
            "cg" where not.

    Raises:
        KeyError: if there is no such method.
    """
    if method == "auto":
        return "dense" if dense_memory(geometry) < _ROOM else "cg"
    if method not in METHODS:
        raise KeyError(f"unknown method {method!r}; {nearest(method, [*METHODS, 'auto'])}")
    return method


def takes_processes(geometry: AcquisitionGeometry, method: str) -> bool:
    """Say whether a method (of `choose`) can draw maps to processes, whose matrices are dense."""
    return method != "cg" and geometry.nz * geometry.nx <= CELLS


def dense_memory(geometry: AcquisitionGeometry) -> float:
    """What the dense Jacobian of the whole record, its fields and its Gram matrix take, GB."""
    g = geometry
    cells, highest = g.nz * g.nx, _HIGHEST * g.frequency
    padded = sum(edge.pads[0].size for edge in edges(g, BOUNDS[0] / highest, whole=True))
    stations = sum(len(run.source_x) for run in find_stations(g).runs)
    fields = (cells + padded) * stations * len(time_axis(g).steps)
    times = min(g.nt, 2 * highest * g.nt * g.dt)
    rows = cells * len(g.source_x) * len(g.receiver_x) * times
    return 4e-9 * (fields + rows + _SQUARES * cells**2)
