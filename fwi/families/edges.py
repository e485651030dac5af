"""Edges of the A families: a fine picture blurred, halved and cleaned of specks."""

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from fwi.families.registry import Field
from fwi.openfwi import SIDE

FINE = 2 * SIDE
"""Rows and columns of the picture that the maps are made from."""

_BLUR = gaussian_filter1d(np.eye(FINE), 0.5, axis=0).reshape(SIDE, 2, FINE).mean(axis=1)


def halved(picture: Field) -> Field:
    """Blur a fine picture (140, 140), average cells by twos, and take medians over 3 x 3 cells.

    The blur is Gaussian of 0.5 fine cells, cut at 4 standard deviations: of a step between cells
    of a map 0.0535 is on its upper side, and 0.9465 below, as in real FlatFault_A maps to four
    digits. The medians keep straight edges and take out single cells.

    Returns:
        Velocity (70, 70), m/s.
    """
    smooth: Field = median_filter(_BLUR @ picture @ _BLUR.T, 3, mode="nearest")
    return smooth
