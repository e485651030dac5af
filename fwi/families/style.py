"""Style: natural-image-like content over a velocity that rises with depth.

The data set was made from photographs (arXiv 2103.04007). These maps take
their place by fields with the same measured statistics: Gaussian noise of
several lengths, and leaves that hide one another for the edges.
"""

import numpy as np

from fwi.families.registry import Field, register_family
from fwi.families.textures import blur, dead_leaves, noise, standardise
from fwi.openfwi import SIDE


@register_family("Style_A")
def smooth(rng: np.random.Generator) -> Field:
    """Draw a smooth map: content blurred by 2 to 2.5 cells, (70, 70) m/s."""
    content = standardise(blur(_content(rng, 1.3), rng.uniform(2, 2.5)))
    spread = rng.lognormal(np.log(405), 0.25)
    velocity = _background(rng, 2729, 440, 15, 10) + spread * content
    return _within(velocity, 1515, 4446)


@register_family("Style_B")
def rough(rng: np.random.Generator) -> Field:
    """Draw a rough map: the content with its edges and grain, (70, 70) m/s."""
    content = standardise(_content(rng, 0.22))
    spread = rng.lognormal(np.log(225), 0.25)
    velocity = _background(rng, 2838, 415, 22, 9) + spread * content
    return _within(velocity, 1522, 4429)


def _content(rng: np.random.Generator, broad: float) -> Field:
    """Draw what A and B share: broad shapes and strata, leaves and texture, (70, 70).

    Photographs are calm in places and busy in others, so the texture's strength
    varies over the map: half of the real steps between columns are below 22 m/s,
    one in a hundred is above 450. Strata span the width: without its row means the
    real residual of A falls from 402 to 293 m/s.

    Args:
        rng: Source of randomness.
        broad: Variance of shapes and strata, beside texture and leaves of about 0.8.

    Returns:
        Content of no unit and a spread of about 1.
    """
    stretch, large = rng.uniform(1, 2), rng.uniform(7, 14)
    strata = (0.45 * broad, 60, rng.uniform(4, 9))
    shapes = noise(rng, (strata, (0.55 * broad, large * stretch, large)))
    leaves = dead_leaves(rng, int(rng.integers(15, 60)), (2, 30))
    length = rng.uniform(0.6, 2.6)
    texture = noise(rng, ((1, length * stretch, length),))
    strength = np.clip(0.6 + 0.8 * noise(rng, ((1, 9, 9),)), 0, 2)
    return shapes + rng.uniform(0.5, 0.9) * leaves + 0.65 * strength * texture


def _background(
    rng: np.random.Generator, mean: float, mean_spread: float, slope: float, slope_spread: float
) -> Field:
    """Draw a velocity linear in depth, (70, 1) m/s: means in m/s, slopes in m/s a row."""
    depth = np.arange(float(SIDE))[:, None] - (SIDE - 1) / 2
    return rng.normal(mean, mean_spread) + rng.normal(slope, slope_spread) * depth


def _within(velocity: Field, slowest: float, fastest: float) -> Field:
    """Bend velocities into the limits; those in its inner 70 % move by less than 2 %.

    A hard clip would leave flat patches at the limits, which real maps lack.
    """
    middle, half = (slowest + fastest) / 2, (fastest - slowest) / 2
    ratio = (velocity - middle) / half
    return middle + half * ratio / (1 + ratio**6) ** (1 / 6)
