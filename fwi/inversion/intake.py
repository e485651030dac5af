"""What refinement is given, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.checks import check_finite, check_float, check_shape, check_velocity
from fwi.geometry import AcquisitionGeometry
from fwi.inference.predictor import load
from fwi.inversion.ladder import Kind
from fwi.inversion.noise import Errors
from fwi.inversion.routing import kind_of
from fwi.inversion.valley import trend


def check_gathers(gathers: Array, geometry: AcquisitionGeometry) -> None:
    """Check gathers (B, S, T, R).

    Raises:
        ValueError: if shapes or values do not fit, or a sample is silent.
        TypeError: if they are not floating.
    """
    check_float("gathers", gathers)
    check_shape("gathers", gathers, (None, *geometry.gather_shape))
    check_finite("gathers", gathers)
    for i, sample in enumerate(gathers):
        if not sample.any():
            raise ValueError(
                f"gathers of sample {i} must hold a wave, got zeros alone; remove the sample"
            )


def check_errors(sample: int, errors: Errors) -> None:
    """Check that something is left to be explained.

    Raises:
        ValueError: if every trace is left out.
    """
    if not np.isfinite(errors.sigma).any():
        raise ValueError(
            f"gathers of sample {sample} must hold traces that are whole, got none "
            f"({'; '.join(errors.notes)}); give the gathers before they were clipped"
        )


def kinds_of(family: str | Sequence[str], n: int) -> list[Kind | None]:
    """Give the kinds of n samples; None where they are to be found out.

    Raises:
        ValueError: if there are not as many names as samples.
        KeyError: if a name is neither a family nor a kind.
    """
    names = [family] * n if isinstance(family, str) else list(family)
    if len(names) != n:
        raise ValueError(f"family must name one family or {n}, one a sample, got {len(names)}")
    return [kind_of(name) for name in names]


def starts_of(
    start: Array | str | None, gathers: Array, geometry: AcquisitionGeometry, device: str = "auto"
) -> list[Tensor]:
    """Give the first maps of every sample, (n, nz, nx) float64 each, m/s.

    Args:
        start: (B, nz, nx) or several a sample (B, n, nz, nx), m/s; None for those of the network
            that ships with the package; "trend".
        gathers: (B, S, T, R).
        geometry: the grid.
        device: where the network runs.

    Raises:
        ValueError: if shapes or values do not fit.
    """
    grid = geometry.nz, geometry.nx
    if isinstance(start, str):
        if start != "trend":
            raise ValueError(f"start must be maps, None or 'trend', got {start!r}")
        return [trend(geometry)[None]] * len(gathers)
    maps = load("default", device=device).predict(gathers) if start is None else start
    maps = maps[None] if maps.ndim == 2 else maps
    several = maps if maps.ndim == 4 else maps[:, None]
    check_velocity(several.reshape(-1, *several.shape[-2:]), *grid, "start")
    check_shape("start", several, (len(gathers), None, *grid))
    return list(torch.from_numpy(several.astype(np.float64)))
