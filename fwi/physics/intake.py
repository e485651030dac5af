"""What the simulator is given, brought to one form before any engine sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fwi.checks import FASTEST, KILOMETRES, check_number, check_whole, floating, warn_unusual
from fwi.geometry import AcquisitionGeometry

_SLOWEST, _FASTEST = 300.0, 10_000.0  # m/s: below dry sand, above the mantle's top
_POINTS = 4  # of a grid in a wavelength, of which this scheme's fourth order needs as many
_THREADS = 4096


def is_tensor(values: Any) -> bool:
    """Say whether values are a torch tensor, without importing torch."""
    return not isinstance(values, np.ndarray) and hasattr(values, "detach")


def numbers(name: str, values: Any) -> Any:
    """Give a tensor, or an array of what anything else holds, of floats that engines compute with.

    Whole numbers become float32, and so do a tensor's narrower floats than NumPy's.

    Raises:
        TypeError: if they are truths, complex, texts or objects.
        ValueError: if some are masked.
    """
    if not is_tensor(values):
        return floating(name, values)
    kind = str(values.dtype).removeprefix("torch.")
    if kind == "bool" or values.is_complex():
        raise TypeError(f"{name} must hold float16, float32 or float64, got {kind}; convert it")
    return values if kind in ("float16", "float32", "float64") else values.float()


def maps_of(velocity: Any, name: str = "velocity") -> Any:
    """Give maps (B, Z, X), also of (B, 1, Z, X), which OpenFWI's files and networks have.

    Raises:
        TypeError: as `numbers` does.
        ValueError: likewise.
    """
    maps = numbers(name, velocity)
    return maps[:, 0] if maps.ndim == 4 and maps.shape[1] == 1 else maps


def check_settings(
    geometry: Any, threads: Any, memory: Any, on_sample: Callable[[int], None] | None
) -> None:
    """Check what else `linearize` is given.

    Raises:
        TypeError: if one is of another type.
        ValueError: if one is out of range.
    """
    if not isinstance(geometry, AcquisitionGeometry):
        raise TypeError(f"geometry must be an AcquisitionGeometry, got {type(geometry).__name__}")
    if threads is not None:
        check_whole("threads", threads, 1, _THREADS)
    if memory is not None:
        check_number("memory", memory, 0, 1e9)
    if on_sample is not None and not callable(on_sample):
        raise TypeError(f"on_sample must be a function, got {type(on_sample).__name__}")


def warn_of_maps(velocity: Any, geometry: AcquisitionGeometry) -> None:
    """Say what is unusual about maps (B, Z, X): their unit, and a grid that is coarse for them."""
    if 0 in velocity.shape or getattr(velocity, "is_meta", False):
        return
    values = velocity.detach() if is_tensor(velocity) else velocity
    slowest, fastest = float(values.min()), float(values.max())
    if not (slowest > 0 and KILOMETRES <= fastest <= FASTEST):
        return  # check_velocity refuses them
    if slowest < _SLOWEST or fastest > _FASTEST:
        warn_unusual(
            f"velocity is mostly {_SLOWEST:g} to {_FASTEST:g} m/s, got {slowest:.2g} to "
            f"{fastest:.2g}; see its unit"
        )
    points = slowest / (geometry.frequency * geometry.dx)
    if points < _POINTS:
        warn_unusual(
            f"dx is mostly a {_POINTS}th of the shortest wavelength or less, got {points:.2g} "
            f"cells of {geometry.dx:g} m in one at {geometry.frequency:g} Hz; waves lag behind "
            "true ones: refine the grid or lower the frequency"
        )
