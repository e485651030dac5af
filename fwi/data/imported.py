"""Shards of the files that others made: pairs to train on, or gathers whose maps are unknown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fwi.arrays import Array
from fwi.checks import check_amplitude, check_gathers, check_velocity
from fwi.config import PrepareConfig
from fwi.data.augmented import Parents, augmented_shards
from fwi.data.blocks import blocks
from fwi.data.fold_rules import spread
from fwi.data.inputs import Inputs, Part
from fwi.data.layouts import Found
from fwi.data.opened import Samples, open_all
from fwi.data.plausible import compare
from fwi.data.readers import Sampling
from fwi.data.shards import Shard
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS
from fwi.progress import Advance, progress_bar


def training_shards(
    prepare: PrepareConfig, found: Found, threads: int | None = None
) -> Iterator[Shard]:
    """Plan a store of gathers and maps, and of maps augmented and simulated beside them.

    Args:
        prepare: reads how samples are spread over folds, `shard_size`, how the gathers were
            recorded, and how maps are augmented.
        found: the files, which are opened to be counted, and one sample of each to be compared.
        threads: shots simulated at once; one for each processor by default.

    Raises:
        ValueError: if a file is damaged, or does not fit, or the folds do not.
        TypeError: if gathers are not floating.
    """
    opened = open_all(found, Sampling(prepare.dt, prepare.source_x, prepare.receiver_x))
    with progress_bar("compare", len(opened)) as advance:
        for samples in opened:
            compare(f"gathers of {samples.source.gathers[0]}", *_pair(samples, range(1)))
            advance()
    places = [(samples, i) for samples in opened for i in range(samples.n)]
    names = [samples.source.family for samples, _ in places]
    files = [str(samples.source.gathers[0]) for samples, _ in places]
    rows: dict[str, list[Any]] = {
        "sample_id": [f"{s.source.family}/{s.source.name}/{i}" for s, i in places],
        "family": names,
        "fold": spread(prepare, names, files),
        "origin": files,
    }
    first = 0
    for samples in opened:
        for part in blocks(range(samples.n if prepare.plain else 0), prepare.shard_size):
            span = slice(first + part.start, first + part.stop)
            own = {name: column[span] for name, column in rows.items()}
            yield Shard(own, partial(_read_training, samples, part), tuple(samples.source.paths))
        first += samples.n
    if prepare.augment:
        parents = Parents(rows, lambda i: _map(*places[i]), lambda i: _files(*places[i]))
        geometry = OPENFWI if opened[0].gather_shape[0] == 5 else OPENFWI_SIX_SHOTS
        yield from augmented_shards(prepare, parents, geometry, threads)


def test_shards(prepare: PrepareConfig, inputs: Inputs) -> Iterator[Shard]:
    """Plan a store of gathers of no family and no fold: their maps are unknown.

    Args:
        prepare: reads `shard_size`.
        inputs: the gathers.
    """
    for part in blocks(range(len(inputs)), prepare.shard_size):
        make = partial(_read_test, Part(inputs, part))
        yield Shard(inputs.rows_of(part), make, inputs.sources_of(part))


def _read_training(samples: Samples, part: range, advance: Advance) -> dict[str, Array]:
    gathers, maps = _pair(samples, part)
    advance(len(part))
    return {"gathers": gathers, "maps": maps}


def _map(samples: Samples, i: int) -> Array:
    """Read one map, and check its values."""
    assert samples.maps is not None
    maps = samples.maps(slice(i, i + 1))
    name = f"maps, sample {i} of {samples.source.maps},"
    check_velocity(maps, OPENFWI.nz, OPENFWI.nx, name=name)
    return maps[0]


def _files(samples: Samples, _: int) -> tuple[Path, ...]:
    return tuple(samples.source.paths)


def _pair(samples: Samples, part: range) -> tuple[Array, Array]:
    """Read gathers and maps, and check their values."""
    assert samples.maps is not None  # what has none is not a source of these shards
    span = slice(part.start, part.stop)
    gathers, maps = samples.gathers(span), samples.maps(span)
    where = f"samples {part.start} to {part.stop - 1} of"
    _check(gathers, f"gathers, {where} {samples.source.gathers[0]},")
    check_velocity(maps, OPENFWI.nz, OPENFWI.nx, name=f"maps, {where} {samples.source.maps},")
    return gathers, maps


def _read_test(part: Part, advance: Advance) -> dict[str, Array]:
    rows, gathers = part.inputs.rows_of(part.span), part.inputs.read(part.span)
    for sample, name, origin in zip(gathers, rows["sample_id"], rows["origin"], strict=True):
        _check(sample[None], f"gathers of {origin}, sample {name},")
        advance()
    return {"gathers": gathers}


def _check(gathers: Array, name: str) -> None:
    check_gathers(gathers, None, None, None, name=name)
    check_amplitude(gathers, name)
