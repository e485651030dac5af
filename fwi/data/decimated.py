"""Shards whose gathers are decimated when they are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from fwi.arrays import Array
from fwi.config import StoreSection
from fwi.data.decimation import check_decimation, decimate
from fwi.data.shards import Shard
from fwi.geometry import AcquisitionGeometry
from fwi.progress import Advance


def decimated_shards(
    shards: Iterable[Shard], section: StoreSection, geometry: AcquisitionGeometry
) -> list[Shard]:
    """Plan to decimate the gathers of shards, if that is asked for.

    Args:
        shards: of gathers as recorded.
        section: reads `decimate` and `lossy`.
        geometry: the recording.

    Raises:
        ValueError: if the factor is too large for it.
    """
    factor = section.decimate
    if factor == 1:
        return list(shards)
    check_decimation(geometry, factor)
    return [replace(s, make=partial(_make, s, factor, section.lossy)) for s in shards]


def _make(shard: Shard, factor: int, lossy: bool, advance: Advance) -> dict[str, Array]:
    arrays = shard.make(advance)
    name = f"gathers from sample {shard.rows['sample_id'][0]} on"
    return {**arrays, "gathers": decimate(arrays["gathers"], factor, lossy=lossy, name=name)}
