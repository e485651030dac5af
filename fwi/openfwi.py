"""The facts of the OpenFWI data, each in this one place.

Source: Deng et al., OpenFWI, arXiv 2111.02926; the wavelet's frequency and the sponge are those
with which the scheme of docs/physics.md reproduces the data.
"""

from __future__ import annotations

SIDE = 70  # cells of a map, down and across
DX = 10.0  # m, a cell's side
SLOWEST, FASTEST = 1500, 4500  # m/s, the range of the maps

DT = 1e-3  # s
NT = 1000  # time samples
FREQUENCY = 15.0  # Hz, the peak of the Ricker wavelet
DEPTH = 10.0  # m, of sources and receivers
SPONGE_WIDTH = 120  # damped cells on every side of a map

SOURCE_X = tuple(DX * column for column in (0, 17, 34, 52, 69))  # m
RECEIVER_X = tuple(DX * column for column in range(SIDE))  # m
# The middle source stands at column 34, its mirror image at 35: only a sixth shot there makes
# a left-right flip exact.
SIXTH_SOURCE_X = 350.0  # m
# Shots of the mirrored map, by the shots of the map: a source at column c becomes one at 69 - c.
FLIPPED_SHOTS = {5: (4, 3, 2, 1, 0), 6: (4, 3, 5, 1, 0, 2)}

# In the order of the paper, which is that of the labels that networks know them by.
FAMILIES = (
    "FlatVel_A",
    "FlatVel_B",
    "CurveVel_A",
    "CurveVel_B",
    "FlatFault_A",
    "FlatFault_B",
    "CurveFault_A",
    "CurveFault_B",
    "Style_A",
    "Style_B",
)
# Mean, standard deviation, least and greatest velocity of every family, m/s, over all of its maps.
FULL_SET = {
    "FlatVel_A": (2782, 786, 1500, 4500),
    "FlatVel_B": (3001, 867, 1500, 4500),
    "CurveVel_A": (2788, 794, 1500, 4500),
    "CurveVel_B": (3000, 866, 1500, 4500),
    "FlatFault_A": (3089, 855, 1500, 4500),
    "FlatFault_B": (3056, 876, 1500, 4499),
    "CurveFault_A": (3083, 852, 1500, 4500),
    "CurveFault_B": (3036, 890, 1500, 4499),
    "Style_A": (2729, 666, 1515, 4446),
    "Style_B": (2838, 638, 1522, 4429),
}
# OpenFWI's own split: the number that ends the name of each family's last file of training.
LAST_TRAINING = {
    **dict.fromkeys(FAMILIES[:4], 48),
    **dict.fromkeys(FAMILIES[4:8], 31),
    **dict.fromkeys(FAMILIES[8:], 120),
}
UNKNOWN = -100  # the label that torch's cross-entropy passes over


def family_label(name: str) -> int:
    """Give a family's place among `FAMILIES`, or `UNKNOWN` for any other."""
    return FAMILIES.index(name) if name in FAMILIES else UNKNOWN
