"""Statistics of maps: what families differ by, and generated maps from real ones.

    describe(maps)     # a row a map, a column a statistic
    interfaces(maps)   # a row wherever a column of a map crosses an interface

They need no alignment of maps and no knowledge of how a map was made, so that real and generated
ones are compared by the same rule.
"""

from fwi.families.statistics.description import describe
from fwi.families.statistics.intake import as_maps
from fwi.families.statistics.interfaces import interfaces
from fwi.families.statistics.values import layers

__all__ = ["as_maps", "describe", "interfaces", "layers"]
