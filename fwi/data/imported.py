"""Shards of the files that others made: pairs to train on, or gathers whose maps are unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_amplitude, check_gathers, check_velocity, warn_unusual
from fwi.config import PrepareConfig
from fwi.data.blocks import blocks
from fwi.data.folds import assign_folds
from fwi.data.layouts import Found
from fwi.data.opened import Samples, open_samples
from fwi.data.plausible import compare
from fwi.data.readers import Sampling
from fwi.data.shards import Shard
from fwi.geometry import OPENFWI
from fwi.progress import Advance

_NAMED = 10  # files that a warning names


def training_shards(prepare: PrepareConfig, found: Found) -> Iterator[Shard]:
    """Plan a store of gathers and maps.

    Args:
        prepare: reads `n_folds`, `shard_size`, `seed` and how the gathers were recorded.
        found: the files, which are opened to be counted, and one sample of each to be compared.

    Raises:
        ValueError: if a file is damaged, or does not fit.
        TypeError: if gathers are not floating.
    """
    opened = _all_open(found, prepare)
    for samples in opened:
        compare(f"gathers of {samples.source.gathers[0]}", *_pair(samples, range(1)))
    names = [samples.source.family for samples in opened for _ in range(samples.n)]
    folds = assign_folds(names, prepare.n_folds, prepare.seed)
    first = 0
    for samples in opened:
        source = samples.source
        for part in blocks(range(samples.n), prepare.shard_size):
            rows: dict[str, list[Any]] = {
                "sample_id": [f"{source.family}/{source.name}/{i}" for i in part],
                "family": [source.family] * len(part),
                "fold": [int(folds[first + i]) for i in part],
                "origin": [str(source.gathers[0])] * len(part),
            }
            yield Shard(rows, partial(_read_training, samples, part), tuple(source.paths))
        first += samples.n


def test_shards(prepare: PrepareConfig, found: Found) -> Iterator[Shard]:
    """Plan a store of gathers of no family and no fold: their maps are unknown.

    Args:
        prepare: reads `shard_size`, and how the gathers were recorded.
        found: the files, which are opened to be counted.

    Raises:
        ValueError: if a file is damaged, or does not fit.
        TypeError: if gathers are not floating.
    """
    places = [(s, row) for s in _all_open(found, prepare) for row in range(s.n)]
    for part in blocks(range(len(places)), prepare.shard_size):
        chosen = places[part.start : part.stop]
        n = len(chosen)
        rows: dict[str, list[Any]] = {
            "sample_id": [name_of(samples, row) for samples, row in chosen],
            "family": ["unknown"] * n,
            "fold": [-1] * n,
            "origin": [str(samples.source.gathers[0]) for samples, _ in chosen],
        }
        files = dict.fromkeys(file for samples, _ in chosen for file in samples.source.paths)
        yield Shard(rows, partial(_read_test, chosen), tuple(files))


def name_of(samples: Samples, row: int) -> str:
    """Name a sample of a source by the source, and by its number where there are several."""
    name = samples.source.name
    return name if samples.n == 1 else f"{name}-{row}"


def warn_of_left_out(left_out: Mapping[Path, str]) -> None:
    """Name the files that are not read, and why; those of no known format by their number."""
    other = [path for path, why in left_out.items() if why == "no format that is read"]
    named = [f"{p} ({why})" for p, why in left_out.items() if p not in set(other)]
    if not named:
        return
    more = [f"{len(named) - _NAMED} more"] if len(named) > _NAMED else []
    ends = sorted({path.suffix or path.name for path in other})
    more += [f"{len(other)} of other formats ({', '.join(ends[:_NAMED])})"] if other else []
    warn_unusual(f"left out: {', '.join(named[:_NAMED] + more)}; rename or remove them")


def _all_open(found: Found, prepare: PrepareConfig) -> list[Samples]:
    """Open every source, whose samples must be alike."""
    warn_of_left_out(found.left_out)
    said = Sampling(prepare.dt, prepare.source_x, prepare.receiver_x)
    opened = [open_samples(source, said) for source in found.sources]
    for samples in opened:
        check_alike(samples, opened[0])
    return opened


def check_alike(samples: Samples, first: Samples) -> None:
    """Refuse a source whose gathers have another shape than the first one's.

    Raises:
        ValueError: if they do; it names both.
    """
    if samples.gather_shape != first.gather_shape:
        raise ValueError(
            f"gathers of {samples.source.gathers[0]} must be {first.gather_shape} as those of "
            f"{first.source.gathers[0]}, got {samples.gather_shape}; take one kind at a time"
        )


def _read_training(samples: Samples, part: range, advance: Advance) -> dict[str, Array]:
    gathers, maps = _pair(samples, part)
    advance(len(part))
    return {"gathers": gathers, "maps": maps}


def _pair(samples: Samples, part: range) -> tuple[Array, Array]:
    """Read gathers and maps, and check their values."""
    assert samples.maps is not None  # what has none is not a source of these shards
    span = slice(part.start, part.stop)
    gathers, maps = samples.gathers(span), samples.maps(span)
    where = f"samples {part.start} to {part.stop - 1} of"
    _check(gathers, f"gathers, {where} {samples.source.gathers[0]},")
    check_velocity(maps, OPENFWI.nz, OPENFWI.nx, name=f"maps, {where} {samples.source.maps},")
    return gathers, maps


def _read_test(places: Sequence[tuple[Samples, int]], advance: Advance) -> dict[str, Array]:
    gathers = np.empty((len(places), *places[0][0].gather_shape), np.float32)
    for i, (samples, row) in enumerate(places):
        one = samples.gathers(slice(row, row + 1))
        _check(one, f"gathers of {samples.source.gathers[0]}, sample {row},")
        gathers[i] = one[0]
        advance()
    return {"gathers": gathers}


def _check(gathers: Array, name: str) -> None:
    check_gathers(gathers, None, None, None, name=name)
    check_amplitude(gathers, name)
