"""Style: pictures in the style of a velocity model over a velocity that rises with depth."""

from dataclasses import dataclass, replace

import numpy as np

from fwi.families.lobes import Chains, Lobes, paint
from fwi.families.registry import Field, register_family
from fwi.families.textures import blur, noise, strokes
from fwi.openfwi import SIDE

_DEPTH = np.arange(float(SIDE))[:, None]
_COLUMN = np.arange(float(SIDE))[None, :]

Range = tuple[float, float]


@dataclass(frozen=True)
class StyleTransfer:
    """Draws maps that look like natural images in the style of a velocity model.

    The data set's authors (arXiv 2103.04007) gave photographs the style of Marmousi by a network
    and laid them over a linear background. What the real maps show is the style: bright bodies on
    dark ground, with the same share of bright cells in every map, lobed outlines, and the marks
    that such a network leaves, which are tents, hatching and slanting streaks. So the content here
    is drawn, mark by mark:

    1. Bodies: chains of lobes, single lobes and slabs (`Chains`) are painted over one another,
       with outlines warped by a cell, until they cover their share of the map.
    2. In the bodies: dark legs of tents and grain where they are busy, stripes in the lowest rows
       where the ground is.
    3. Around them: dark ground with two plateaus, a halo near bodies, and streaks that rise to the
       right.
    4. The image t: A's is blurred, then stretched to 0 to 1; B's is as painted, in 0 to 1.
    5. The velocity: v = slowest + (fastest - slowest) ((1 - w) z + w t), with z the relative depth.
       It stays between its two limits, which lie within those of the full set.

    Shapes cut out of the three photographs that matplotlib and scikit-learn bring were tried in
    place of the bodies. They do not help: with none, a quarter, half and all of the maps of Style_A
    made from them, patches of 16 x 16 cells are told from real ones with an area under the curve of
    0.54, 0.60, 0.73 and 0.95 (0.5 is a coin's), and the nearest of 1,500 maps comes closer.

    Attributes:
        chains: What the bodies are made of.
        weight: Least and largest share w of the image, of no unit.
        cover: Least and largest share of cells that bodies cover.
        smooth: Least and largest standard deviation of the blur, cells; None: no blur.
        slowest: Least and largest velocity of black at the top, m/s.
        fastest: Least and largest velocity of white at the bottom, m/s.
        warp: Standard deviation of what outlines are warped by, cells.
        rim: Width over which a body fades, cells.
        seam: What the rim of a lobe is darker by; greys go from 0 to 1.
        grain: Grey of the grain of a busy body.
        halo: Grey of a halo beside a body.
        streak: Grey of the brightest streak.

    The fields were fitted to the even ones of seven and four real maps (rows of the residual,
    shares of greys, steps between cells, autocorrelation), means and limits to those of the full
    set.
    """

    chains: Chains
    weight: Range
    cover: Range
    smooth: Range | None
    slowest: Range
    fastest: Range
    warp: float = 0.8
    rim: float = 1.2
    seam: float = 0.1
    grain: float = 0.11
    halo: float = 0.24
    streak: float = 0.25

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw one map, (70, 70) m/s."""
        image = self.image(rng)
        weight = rng.uniform(*self.weight)
        slowest, fastest = rng.uniform(*self.slowest), rng.uniform(*self.fastest)
        blend = (1 - weight) * _DEPTH / (SIDE - 1) + weight * image
        velocity: Field = slowest + (fastest - slowest) * blend
        return velocity

    def image(self, rng: np.random.Generator) -> Field:
        """Draw the image that is laid over the background, (70, 70), 0 to 1."""
        warp = self.warp * np.stack([noise(rng, 4, 4), noise(rng, 4, 4)])
        cover = rng.uniform(*self.cover)
        lobes, grey, body, busy = paint(self.chains(rng), warp, self.rim, self.seam, cover)
        broad, patchy = noise(rng, 13, 11), noise(rng, 9, 8)
        inside = self._inside(rng, lobes, grey, busy, broad, patchy)
        around = self._around(rng, body, broad, patchy)
        image = around + body * (inside - around)
        if self.smooth is None:
            return np.clip(image, 0, 1)
        image = blur(image, rng.uniform(*self.smooth))
        stretched: Field = (image - image.min()) / np.ptp(image)
        return stretched

    def _inside(
        self,
        rng: np.random.Generator,
        lobes: Lobes,
        grey: Field,
        busy: Field,
        broad: Field,
        patchy: Field,
    ) -> Field:
        """Return the grey of bodies: what was painted, with grain, legs of tents and stripes."""
        grain = rng.standard_normal((SIDE + 1, SIDE))
        dashes = 0.75 * grain[1:] + 0.65 * grain[:-1]  # two cells high, as in the real maps
        dashes += 0.4 * np.minimum(dashes, 0)  # dark ones are darker than bright ones are bright
        grey = grey + 0.03 * patchy + (0.015 + self.grain * np.minimum(busy, 1)) * dashes
        _draw_legs(rng, lobes, grey, busy)
        ground = np.clip((_DEPTH - SIDE + 1 + rng.uniform(1, 9)) / 3, 0, 1)
        stripes = np.cos(2 * np.pi * (_COLUMN + 0.4 * _DEPTH) / rng.uniform(2, 3.2))
        return grey + 0.25 * ground * np.clip(0.5 + broad, 0, 1) * stripes

    def _around(self, rng: np.random.Generator, body: Field, broad: Field, patchy: Field) -> Field:
        """Return the grey of the ground between bodies."""
        grey = 0.03 + 0.05 * np.clip(4 * (broad - 0.4), 0, 1) + self.halo * blur(body, 2.2)
        grey += 0.006 * rng.standard_normal((SIDE, SIDE)) + 0.006 * rng.standard_normal((SIDE, 1))
        grey += rng.normal(0, 0.015) * (2 * _DEPTH / (SIDE - 1) - 1)
        grey += 0.15 * rng.random() * np.exp((_DEPTH - SIDE + 1) / 1.5)  # a network's lower frame
        n = 80
        top, left = rng.uniform(-3, SIDE, n), rng.uniform(0, SIDE + 4, n)
        cells, stroke = strokes(top, left, rng.uniform(-1, -0.7, n), rng.uniform(3, 10, n))
        bright = self.streak * rng.random(n) ** 2
        grey[cells] += bright[stroke] * np.clip(0.5 + patchy[cells], 0, 1.5)
        return grey


def _draw_legs(rng: np.random.Generator, lobes: Lobes, grey: Field, busy: Field) -> None:
    """Draw the dark legs of tents, most of them pairs, in place; a calm body hardly shows them."""
    for side in (-1, 1):
        tents = lobes[lobes["tent"] > 0]
        tents = tents[rng.random(len(tents)) < 0.85]
        top = tents["row"] - 0.8 * tents["across"]
        length = rng.uniform(1.5, 3.2, len(tents)) * tents["across"]
        cells, _ = strokes(top, tents["column"], side * tents["tent"], length)
        grey[cells] += 0.85 * np.minimum(1, 0.3 + busy[cells]) * (0.38 - grey[cells])


rough = StyleTransfer(
    chains=Chains(),
    weight=(0.24, 0.26),
    cover=(0.43, 0.5),
    smooth=None,
    slowest=(1522, 1600),
    fastest=(4220, 4429),
)
smooth = replace(
    rough,
    chains=replace(rough.chains, size=(2.6, 6.5)),
    weight=(0.3, 0.55),
    cover=(0.32, 0.4),
    smooth=(2, 3.2),
    slowest=(1515, 1565),
    fastest=(4330, 4446),
)
register_family("Style_A")(smooth)
register_family("Style_B")(rough)
