"""FlatVel and CurveVel: layers of whole velocities and about the same thickness."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fwi import checks
from fwi.families.curves import KNOTS, spline
from fwi.families.ranges import check_whole_range
from fwi.families.registry import Field, register_family
from fwi.openfwi import FASTEST, SIDE, SLOWEST

_FINE = 10  # rows of the grid on which interfaces are drawn, in a row of the map


@dataclass(frozen=True)
class Layers:
    """Draws maps of flat or curved layers.

    1. The number N of interfaces is uniform in `interfaces`; their spacing is T = 70 / N rows.
    2. The first interface lies at T, give or take `swing` T, uniformly.
    3. Each further one lies T below the one before, give or take `jitter`, uniformly. So
       thicknesses vary about as much in every map, and depths more the deeper they are.
    4. Curved interfaces follow 2. and 3. independently at each knot of a spline (`curves.spline`)
       and are alike therefore, though not parallel.
    5. Depths are whole rows of a grid ten times finer, of which the map keeps one row in ten.
    6. N + 1 velocities are uniform whole numbers, sorted where they increase with depth. What lies
       above or below the map is cut off: 56 % of real FlatVel_A maps lack their deepest layer.

    Attributes:
        increasing: whether velocity increases with depth (A) or comes in any order (B).
        curved: whether interfaces are curved (CurveVel) or flat (FlatVel).
        interfaces: fewest and most interfaces.
        swing: part of the spacing by which the first interface lies higher or deeper.
        jitter: rows by which a spacing is smaller or larger.
        velocities: slowest and fastest velocity, m/s.

    Source:
        The first halves of 1,000 real maps each of FlatVel_A and CurveVel_A.
    """

    increasing: bool
    curved: bool
    interfaces: tuple[int, int] = (3, 7)
    swing: float = 0.5
    jitter: float = 1.0
    velocities: tuple[int, int] = (SLOWEST, FASTEST)

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            TypeError: if one is of another type.
            ValueError: if one is outside its range, or a range ends before it begins.
        """
        check_whole_range("interfaces", self.interfaces, 1, SIDE)
        check_whole_range("velocities", self.velocities, checks.KILOMETRES, checks.FASTEST)
        checks.check_number("swing", self.swing, 0, 1)
        checks.check_number("jitter", self.jitter, 0, SIDE)

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw one map (70, 70), m/s."""
        n = int(rng.integers(*self.interfaces, endpoint=True))
        knots = self._interfaces(rng, n, len(KNOTS) if self.curved else 1)
        tops = spline(knots) if self.curved else np.repeat(knots, SIDE, axis=1)
        values = rng.integers(*self.velocities, n + 1, endpoint=True)
        return _filled(np.sort(values) if self.increasing else values, tops)

    def _interfaces(self, rng: np.random.Generator, n: int, knots: int) -> Field:
        """Draw the depths (n, knots) of interfaces at each knot, fine rows."""
        spacing = _FINE * SIDE / n
        swing, jitter = round(self.swing * spacing), round(self.jitter * _FINE)
        first = rng.integers(-swing, swing, (1, knots), endpoint=True)
        further = rng.integers(-jitter, jitter, (n - 1, knots), endpoint=True)
        moved = np.cumsum(np.concatenate([first, further]), axis=0)
        return moved + spacing * np.arange(1, n + 1)[:, None]


def _filled(values: npt.NDArray[np.int64], tops: Field) -> Field:
    """Fill the layers between interfaces (n, 70), fine rows, with n + 1 velocities."""
    rows = _FINE * np.arange(SIDE)[:, None] + 1  # columns begin 0.1 later, too: curves.FIRST
    number = (np.floor(tops)[:, None] <= rows).sum(axis=0)
    return values[number].astype(float)


register_family("FlatVel_A")(Layers(increasing=True, curved=False))
register_family("FlatVel_B")(Layers(increasing=False, curved=False))
register_family("CurveVel_A")(Layers(increasing=True, curved=True))
register_family("CurveVel_B")(Layers(increasing=False, curved=True))
