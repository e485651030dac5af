"""What refinement is given, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.checks import (
    check_finite,
    check_float,
    check_number,
    check_shape,
    check_velocity,
    check_whole,
)
from fwi.geometry import AcquisitionGeometry
from fwi.inference.predictor import load
from fwi.inversion.ladder import Kind
from fwi.inversion.noise import Errors
from fwi.inversion.routing import kind_of
from fwi.inversion.valley import trend
from fwi.physics.adapters import to_array
from fwi.physics.intake import numbers


def gathers_of(gathers: Any) -> Array:
    """Give gathers (B, S, T, R) as an array, of one sample too; their dtype is kept.

    Raises:
        ValueError: if they have another rank.
        TypeError: if they are not floating.
    """
    if "int" in str(getattr(gathers, "dtype", "")):  # whose rounding no float's dtype would say
        raise TypeError(f"gathers must be floats that were not rounded, got {gathers.dtype}")
    array = to_array(numbers("gathers", gathers))
    array = array[None] if array.ndim == 3 else array
    check_shape("gathers", array, (None, None, None, None))
    return array


def check_settings(
    noise: Any, bounds: Any, draws: Any, seconds: Any, threads: Any
) -> tuple[float, float]:
    """Check how samples are refined (`fwi.inversion.refinement.refine`), and give the bounds.

    Raises:
        ValueError: if a number is out of range.
        TypeError: if one is none.
    """
    if noise is not None:
        check_number("noise", noise, 0, 1e9)
    check_whole("draws", draws, 0, 10_000)
    if check_number("seconds", seconds, 0, 1e7) == 0:
        raise ValueError("seconds must be more than 0, got 0; leave it out for the usual time")
    if threads is not None:
        check_whole("threads", threads, 1, 4096)
    if isinstance(bounds, str) or np.shape(bounds) != (2,):
        raise ValueError(f"bounds must be two velocities, m/s, got {bounds!r:.60}")
    low, high = (check_number("bounds", bound, 20, 100_000) for bound in bounds)
    if low >= high:
        raise ValueError(f"bounds must be (smallest, largest), m/s, got ({low:g}, {high:g})")
    return low, high


def check_gathers(gathers: Array, geometry: AcquisitionGeometry) -> None:
    """Check gathers (B, S, T, R).

    Raises:
        ValueError: if shapes or values do not fit, or a sample is silent.
        TypeError: if they are not floating.
    """
    check_float("gathers", gathers.dtype)
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
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"family must be a name, got {type(name).__name__}")
    if len(names) != n:
        raise ValueError(f"family must name one family or {n}, one a sample, got {len(names)}")
    return [kind_of(name) for name in names]


def starts_of(
    start: Any, gathers: Array, geometry: AcquisitionGeometry, device: str = "auto"
) -> list[Tensor]:
    """Give the first maps of every sample, (n, nz, nx) float64 each, m/s.

    Args:
        start: (B, nz, nx) or several a sample (B, n, nz, nx), m/s, an array, a tensor or lists;
            None for those of the network that ships with the package; "trend".
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
    maps = to_array(numbers("start", maps))
    maps = maps[None] if maps.ndim == 2 else maps
    if maps.ndim not in (3, 4):
        check_shape("start", maps, (len(gathers), *grid))
    several = maps if maps.ndim == 4 else maps[:, None]
    check_velocity(several.reshape(-1, *several.shape[-2:]), *grid, "start")
    check_shape("start", several, (len(gathers), None, *grid))
    return list(torch.from_numpy(several.astype(np.float64)))
