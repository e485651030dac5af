"""The marks that a style network leaves in bodies and on the ground between them."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter

from fwi.checks import check_number
from fwi.families.chains import Lobes
from fwi.families.registry import Field
from fwi.families.textures import noise, strokes
from fwi.openfwi import SIDE

_DEPTH = np.arange(float(SIDE))[:, None]
_COLUMN = np.arange(float(SIDE))[None, :]
_STREAKS = 75


@dataclass(frozen=True)
class Marks:
    """Draws grain, stripes and tents in bodies; plateaus, halos and streaks between them.

    Attributes:
        grain: Standard deviation of the grain of a busy body; all are greys, 0 to 1.
        leg: Grey of the legs of tents.
        stripes: Amplitude of the stripes of bodies in the lowest rows.
        plateau: What the bright part of the ground is brighter by.
        halo: Grey of the ground amid bodies.
        streak: What the brightest streak is brighter by.
    """

    grain: float = 0.12
    leg: float = 0.25
    stripes: float = 0.25
    plateau: float = 0.09
    halo: float = 0.28
    streak: float = 0.26

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            TypeError: if one is no number.
            ValueError: if one is not in 0 to 1.
        """
        for field in fields(self):
            check_number(field.name, getattr(self, field.name), 0, 1)

    def __call__(
        self, rng: np.random.Generator, lobes: Lobes, grey: Field, body: Field, busy: Field
    ) -> Field:
        """Draw the marks of what `painting.paint` returns.

        Returns:
            The image (70, 70), about 0 to 1.
        """
        broad, patchy = noise(rng, 13, 11), noise(rng, 9, 8)
        white = rng.standard_normal((SIDE + 1, SIDE))
        inside = grey + 0.03 * patchy + self._grain(white, busy) + self._stripes(rng, patchy)
        self._draw_legs(rng, lobes, inside, busy)
        amid = gaussian_filter(body, 1.8, mode="nearest")
        around = 0.007 * white[1:] + self._ground(rng, broad) + self.halo * amid
        self._draw_streaks(rng, around, patchy)
        image: Field = around + body * (inside - around)
        return image

    def _grain(self, white: Field, busy: Field) -> Field:
        """Return dashes two cells high, the dark ones darker than bright ones are bright."""
        dashes = 0.75 * white[1:] + 0.65 * white[:-1]
        dashes = 0.7 * dashes + np.minimum(dashes, 0)
        grain: Field = (0.018 + self.grain * np.minimum(busy, 1)) * dashes
        return grain

    def _stripes(self, rng: np.random.Generator, patchy: Field) -> Field:
        """Return slanting stripes, 2 to 3.2 columns apart, in patches of the lowest rows."""
        low = np.clip((_DEPTH - SIDE + 1 + rng.uniform(1, 7)) / 3, 0, 1)
        phase = 2 * np.pi * (_COLUMN + 0.4 * _DEPTH) / rng.uniform(2, 3.2)
        stripes: Field = self.stripes * low * np.clip(0.3 + patchy, 0, 1) * np.cos(phase)
        return stripes

    def _draw_legs(self, rng: np.random.Generator, lobes: Lobes, grey: Field, busy: Field) -> None:
        """Draw the dark legs of tents, most of them in pairs, in place; calm bodies hide them."""
        tents = np.repeat(lobes[lobes["tent"] > 0], 2)
        side = np.resize([-1, 1], len(tents))
        kept = rng.random(len(tents)) < 0.85
        tents, side = tents[kept], side[kept]
        top = tents["row"] - 0.8 * tents["across"]
        length = tents["across"] * rng.uniform(1.5, 3.2, len(tents))
        cells, _ = strokes(top, tents["column"], side * tents["tent"], length)
        grey[cells] += 0.85 * np.minimum(1, 0.3 + busy[cells]) * (self.leg - grey[cells])

    def _ground(self, rng: np.random.Generator, broad: Field) -> Field:
        """Return the dark ground: two levels, a slope, faint rows and a brighter lower frame."""
        rows = 0.004 * rng.standard_normal((SIDE, 1))
        rows += rng.normal(0, 0.015) * (2 * _DEPTH / (SIDE - 1) - 1)
        rows += 0.15 * rng.random() * np.exp((_DEPTH - SIDE + 1) / 1.5)
        ground: Field = 0.03 + rows + self.plateau * np.clip(4 * (broad - 0.4), 0, 1)
        return ground

    def _draw_streaks(self, rng: np.random.Generator, ground: Field, patchy: Field) -> None:
        """Draw streaks that rise to the right, in place, more in some places than in others."""
        n = _STREAKS
        top, left = rng.uniform(-3, SIDE, n), rng.uniform(0, SIDE + 4, n)
        cells, stroke = strokes(top, left, rng.uniform(-1, -0.7, n), rng.uniform(3, 10, n))
        bright = self.streak * rng.random(n) ** 2
        ground[cells] += bright[stroke] * np.clip(0.5 + patchy[cells], 0, 1.5)
