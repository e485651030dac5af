"""The ten families of OpenFWI's maps, and the labels that networks know them by."""

from __future__ import annotations

# In the order of the OpenFWI paper (arXiv 2111.02926).
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
UNKNOWN = -100  # the label that torch's cross-entropy passes over


def family_label(name: str) -> int:
    """Give a family's place among `FAMILIES`, or `UNKNOWN` for any other."""
    return FAMILIES.index(name) if name in FAMILIES else UNKNOWN
