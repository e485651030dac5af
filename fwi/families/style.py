"""Style: pictures in the style of a velocity model over a velocity that rises with depth."""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from fwi.checks import check_number
from fwi.families.chains import Chains
from fwi.families.marks import Marks
from fwi.families.painting import paint
from fwi.families.ranges import Range, check_range
from fwi.families.registry import Field, register_family
from fwi.families.textures import noise
from fwi.openfwi import SIDE

_DEPTH = np.linspace(0, 1, SIDE)[:, None]


@dataclass(frozen=True)
class StyleTransfer:
    """Draws maps that look like photographs in the style of a velocity model.

    The data set's authors (arXiv 2103.04007) gave photographs the style of Marmousi by a network
    and laid them over a background linear in depth. What the real maps show is the style: bright
    bodies with lobed outlines on dark ground, about the same share of bright cells in every map,
    and the marks that such a network leaves. So the image is drawn, mark by mark:

    1. Bodies: `Chains` draws lobes and slabs, `painting.paint` paints them over one another, with
       outlines warped by a cell, until they cover their share of the map.
    2. `Marks` adds grain, tents and stripes in the bodies; plateaus, halos and streaks around.
    3. The image t of Style_A is blurred and stretched to 0-1, that of Style_B clipped to it.
    4. Velocity: v = slowest + (fastest - slowest) ((1 - w) z + w t), z the relative depth, 0 to 1.

    No photograph is used. Shapes cut from the three that scikit-learn and matplotlib bring were
    tried in place of the lobes: with none, a quarter, half and all of Style_A's maps made of them,
    a forest tells patches of 16 x 16 cells from those of real maps kept apart with an area under
    the curve of 0.44, 0.59, 0.70 and 0.95 (0.5: not at all), and maps come to repeat each other.

    Attributes:
        chains: Where bodies lie.
        marks: What they and the ground are marked with.
        weight: Least and largest share w of the image.
        cover: Least and largest share of cells that bodies cover.
        smooth: Least and largest standard deviation of the blur, cells; None: no blur.
        slowest: Least and largest velocity of black at the top, m/s.
        fastest: Least and largest velocity of white at the bottom, m/s.
        warp: Standard deviation of what outlines are warped by, cells.
        rim: Width over which a body fades, cells.
        seam: What the rim of a lobe is darker by, as a grey from 0 to 1.

    Parameters are fitted to every second one of eleven real maps (greys, steps from cell to cell,
    autocorrelation, spectra), and to mean, spread and limits of the full sets.
    """

    weight: Range
    cover: Range
    smooth: Range | None
    slowest: Range
    fastest: Range
    chains: Chains = field(default_factory=Chains)
    marks: Marks = field(default_factory=Marks)
    warp: float = 0.8
    rim: float = 0.7
    seam: float = 0.08

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            TypeError: if one is of another type.
            ValueError: if one is outside its range, or a range ends before it begins.
        """
        check_range("weight", self.weight, 0, 1)
        check_range("cover", self.cover, 0, 1)
        if self.smooth is not None:
            check_range("smooth", self.smooth, 0.1, SIDE)
        check_range("slowest", self.slowest, 1, 100_000)
        check_range("fastest", self.fastest, self.slowest[1], 100_000)
        check_number("warp", self.warp, 0, 10)
        check_number("rim", self.rim, 0.01, SIDE)
        check_number("seam", self.seam, 0, 1)

    def __call__(self, rng: np.random.Generator) -> Field:
        """Draw one map, (70, 70) m/s, depth first."""
        image, weight = self.image(rng), rng.uniform(*self.weight)
        slowest, fastest = rng.uniform(*self.slowest), rng.uniform(*self.fastest)
        blend = (1 - weight) * _DEPTH + weight * image
        velocity: Field = slowest + (fastest - slowest) * blend
        return velocity

    def image(self, rng: np.random.Generator) -> Field:
        """Draw the image that is laid over the background, (70, 70), 0 to 1."""
        warp = self.warp * np.stack([noise(rng, 4, 4), noise(rng, 4, 4)])
        cover = rng.uniform(*self.cover)
        image = self.marks(rng, *paint(self.chains(rng), warp, self.rim, self.seam, cover))
        if self.smooth is None:
            return np.clip(image, 0, 1)
        image = gaussian_filter(image, rng.uniform(*self.smooth), mode="nearest")
        stretched: Field = (image - image.min()) / np.ptp(image)
        return stretched


register_family("Style_A")(
    StyleTransfer(
        weight=(0.3, 0.55),
        cover=(0.285, 0.365),
        smooth=(1.7, 3.4),
        slowest=(1515, 1590),
        fastest=(4290, 4446),
        chains=Chains(n=34, size=(2.6, 6.5), flat=(0.0, 0.9), deep=(0.2, 0.3)),
    )
)
register_family("Style_B")(
    StyleTransfer(
        weight=(0.24, 0.26),
        cover=(0.43, 0.49),
        smooth=None,
        slowest=(1522, 1600),
        fastest=(4130, 4429),
    )
)
