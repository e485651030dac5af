"""Values of maps: their distribution, the layers they make, their trend and correlation."""

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.families.registry import Field
from fwi.families.statistics.intake import as_maps

LAYER = 0.025  # of a map's cells; a value that covers more is a layer
LAGS = (1, 3, 6, 10)  # cells
_NOTHING = 1e-9  # m2/s2; the power of a constant map's rounding is less


def layers(maps: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Count the layers of every map: values that 2.5 % of its cells or more hold.

    It counts four in 499 of the 500 real FlatFault_A of four layers at hand.

    Args:
        maps: velocity (n, nz, nx), m/s.

    Returns:
        Counts (n,).

    Raises:
        TypeError: if maps hold no numbers.
        ValueError: if they are not (n, nz, nx), or not finite.
    """
    return np.array([_main_values(velocity).size for velocity in as_maps(maps)])


def describe_values(maps: Field) -> pl.DataFrame:
    """Describe the values of every map (n, nz, nx), a row a map."""
    cells = maps.reshape(len(maps), -1)
    quarter, median, three_quarters = np.quantile(cells, (0.25, 0.5, 0.75), axis=1)
    rest, slope = _detrended(maps)
    return pl.DataFrame(
        {
            "mean": cells.mean(axis=1),
            "std": cells.std(axis=1),
            "min": cells.min(axis=1),
            "max": cells.max(axis=1),
            "lower quartile": quarter,
            "median": median,
            "upper quartile": three_quarters,
            "whole": (cells == np.rint(cells)).mean(axis=1),
            "slope": slope,
            "residual": rest.std(axis=(1, 2)),
        }
        | {f"across {lag}": _correlation(rest, lag, axis=2) for lag in LAGS}
        | {f"down {lag}": _correlation(rest, lag, axis=1) for lag in LAGS}
    ).hstack(pl.DataFrame([_layering(velocity) for velocity in maps]))


def _layering(velocity: Field) -> dict[str, float]:
    """Count values and layers of a map, and measure how they differ."""
    main = _main_values(velocity)
    gaps = np.diff(main)
    return {
        "distinct": float(np.unique(velocity).size),
        "layers": float(main.size),
        "in layers": float(np.isin(velocity, main).mean()),
        "smallest gap": float(gaps.min()) if gaps.size else np.nan,
        "largest gap": float(gaps.max()) if gaps.size else np.nan,
    }


def _main_values(velocity: Field) -> Field:
    """Give the values that make layers, m/s, ascending."""
    values, counts = np.unique(velocity, return_counts=True)
    return values[counts >= LAYER * velocity.size]


def _detrended(maps: Field) -> tuple[Field, Field]:
    """Take mean and slope with depth from maps; the slopes (n,), m/s a row, too."""
    depth = np.arange(maps.shape[1]) - (maps.shape[1] - 1) / 2
    slope = maps.mean(axis=2) @ depth / (depth @ depth)
    mean = maps.mean(axis=(1, 2), keepdims=True)
    return maps - mean - slope[:, None, None] * depth[:, None], slope


def _correlation(rest: Field, lag: int, axis: int) -> Field:
    """Correlate every detrended map with itself at a lag along an axis, (n,) in [-1, 1].

    A sum over pairs over the sum over all cells, each by its number; NaN for a constant map or one
    that is no longer than the lag.
    """
    power = (rest**2).mean(axis=(1, 2))
    if lag >= rest.shape[axis]:
        return np.full(len(rest), np.nan)
    near, far = (np.take(rest, place, axis) for place in _pair(rest.shape[axis], lag))
    correlation = (near * far).mean(axis=(1, 2)) / np.maximum(power, _NOTHING)
    # Flat layers correlate to 1 up to their rounding, which must not tell maps apart.
    return np.where(power > _NOTHING, correlation.round(9), np.nan)


def _pair(length: int, lag: int) -> tuple[range, range]:
    return range(length - lag), range(lag, length)
