"""All statistics of maps in one table."""

import numpy as np
import numpy.typing as npt
import polars as pl

from fwi.families.statistics.intake import as_maps
from fwi.families.statistics.interfaces import describe_interfaces
from fwi.families.statistics.regions import describe_regions, describe_steps
from fwi.families.statistics.values import describe_values

_AT_ONCE = 500  # maps; 20 MB each array of 70 x 70


def describe(maps: npt.ArrayLike) -> pl.DataFrame:
    """Sum every map up in the statistics by which maps of OpenFWI differ.

    Velocities and steps are in m/s, depths, throws and thicknesses in cells, shares in [0, 1]:

    - values: mean, std, min, max, quartiles, the share of `whole` numbers, `distinct` values,
      `layers` (values of 2.5 % of the cells or more), the share of cells `in layers`, smallest and
      largest gap between layers' values;
    - trend: `slope` with depth (m/s a row), the spread that it leaves (`residual`), and the
      residual's autocorrelation `across` and `down` at 1, 3, 6 and 10 cells;
    - interfaces (see `interfaces`): how many in a column, the share of them that are `rising` with
      depth, jumps, edges, thicknesses, the deepest one;
    - the line of the first interface: mean depth, `relief` (highest to lowest), `net step` from
      side to side, `breaks` (3 rows or more from one column to the next), `roughness` (mean size
      of second differences), `turns` between falling and rising;
    - along rows: the share of `steps` of 30 m/s or more and of fainter ones, the median and the
      99th percentile of all, `throws` (one step that goes on for 4 rows or more), `last row` (the
      share of columns with an interface above it);
    - connected `regions` of one value, `slivers` of fewer than 10 cells, `blocks` (rectangles of
      16 to 120 cells), the largest one's share of the map.

    Args:
        maps: velocity (n, nz, nx), m/s.

    Returns:
        A row a map, a column a statistic, float64; NaN where it has no meaning, such as the jump
        of a map without an interface.

    Raises:
        TypeError: if maps hold no numbers.
        ValueError: if they are not (n, nz, nx), or not finite.
    """
    array = as_maps(maps)
    parts = (describe_values, describe_interfaces, describe_steps, describe_regions)
    chunks = np.split(array, range(_AT_ONCE, len(array), _AT_ONCE))
    tables = [pl.concat([part(chunk) for part in parts], how="horizontal") for chunk in chunks]
    return pl.concat([table.cast(pl.Float64) for table in tables]).fill_null(np.nan)
