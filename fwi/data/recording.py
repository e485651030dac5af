"""How the gathers of a store were recorded, as far as it says, and what two recordings share."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi.data.decimation import MOST, decimated
from fwi.data.store import Store
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.openfwi import FLIPPED_SHOTS

_COMPARED = {
    "dx": "m of cells",
    "dt": "s of time step",
    "frequency": "Hz",
    "source_depth": "m of source depth",
    "receiver_depth": "m of receiver depth",
    "source_x": "m of source positions",
    "receiver_x": "m of receiver positions",
}


def recording_of(store: Store) -> AcquisitionGeometry | None:
    """Read how a store was recorded: what it was simulated with, or OpenFWI's own; None unknown."""
    found = recorded_of(store)
    return None if found is None else decimated(*found)


def recorded_of(store: Store) -> tuple[AcquisitionGeometry, int] | None:
    """Read how a store was recorded before it was decimated, and by what factor it was."""
    recipe = store.recipe
    found, factor = _read(recipe, store.gather_shape[0]), recipe.get("decimate", 1)
    if found is None or type(factor) is not int or not 1 <= factor <= MOST:
        return None
    try:
        fits = decimated(found, factor).gather_shape == store.gather_shape
    except ValueError:  # a description is trusted no more than other files
        return None
    return (found, factor) if fits else None


def differences(ours: AcquisitionGeometry, theirs: AcquisitionGeometry, n_shots: int) -> list[str]:
    """Say in which quantities two recordings differ, of so many first shots.

    Returns:
        Such as "15 Hz, got 25 Hz", one a quantity.
    """
    said = []
    for name, unit in _COMPARED.items():
        here, there = (np.atleast_1d(getattr(g, name)).astype(float) for g in (ours, theirs))
        if name == "source_x":
            here, there = here[:n_shots], there[:n_shots]
        # Positions count to a thousandth of a cell, the others to rounding.
        slack = 1e-3 * ours.dx if name.endswith("_x") else 1e-6 * np.abs(here).max()
        if here.shape != there.shape or np.abs(here - there).max() > slack:
            said.append(f"{_spelt(here)} {unit}, got {_spelt(there)}")
    return said


def is_mirror_image(recording: AcquisitionGeometry) -> bool:
    """Tell whether the mirror image of a line is the line: whether `flip_gathers` may be used.

    A source may stand one cell from its mirror image, as the middle one of OpenFWI's five does.
    """
    try:
        return recording.mirrored_shots() == FLIPPED_SHOTS.get(len(recording.source_x))
    except ValueError:
        return False


def read_geometry(values: dict[str, Any], decimate: int = 1) -> AcquisitionGeometry | None:
    """Read a geometry from JSON, and decimate it; None where it is none."""
    lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return decimated(AcquisitionGeometry(**lists), decimate)
    except (TypeError, ValueError):
        return None


def _read(recipe: dict[str, Any], shots: int) -> AcquisitionGeometry | None:
    if isinstance(recipe.get("geometry"), dict):
        return read_geometry(recipe["geometry"])
    if {"folder", "n_samples"} <= recipe.keys():  # of prepare
        return OPENFWI_SIX_SHOTS if shots == 6 else OPENFWI
    return None


def _spelt(values: np.ndarray) -> str:
    few = [f"{v:g}" for v in values[:3]]
    return ", ".join(few) + (f", ... ({len(values)})" if len(values) > 3 else "")
