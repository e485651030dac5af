"""Sources and receivers as one list of stations: by reciprocity each is run as a source."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fwi.arrays import Array
from fwi.geometry import AcquisitionGeometry


@dataclass(frozen=True)
class Stations:
    """Runs from which the field of every source and of every receiver is taken.

    Attributes:
        runs: geometries whose sources are the stations: one where sources and receivers stand at
            one depth, else one of the sources and one of the receivers.
        sources: number of each source's run, (S,), counted through all runs.
        receivers: likewise, (R,).
    """

    runs: tuple[AcquisitionGeometry, ...]
    sources: Array
    receivers: Array


def find_stations(geometry: AcquisitionGeometry) -> Stations:
    """Find what has to be run; a source at a receiver's place needs no run of its own.

    A field is run as long as a wave can still reach a station before the record's end.
    """
    g = geometry
    sources, receivers = g.source_idx, g.receiver_idx
    if g.source_depth_idx == g.receiver_depth_idx:
        columns = np.union1d(sources, receivers)
        x = tuple(float(c * g.dx) for c in columns)
        run = replace(g, source_x=x, receiver_x=x)
        return Stations(
            (run,), np.searchsorted(columns, sources), np.searchsorted(columns, receivers)
        )
    back = replace(
        g,
        source_x=g.receiver_x, source_depth=g.receiver_depth,
        receiver_x=g.source_x, receiver_depth=g.source_depth,
    )  # fmt: skip
    n = len(sources)
    return Stations((g, back), np.arange(n), n + np.arange(len(receivers)))
