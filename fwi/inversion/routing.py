"""Which prior suits a sample whose family is not known."""

from __future__ import annotations

from typing import get_args

import numpy as np
from torch import Tensor

from fwi.inversion.ladder import KINDS, Kind
from fwi.inversion.problem import Problem
from fwi.registry import nearest

# What traces of one offset may differ by: the sponge, which is not the same from everywhere, makes
# 0.001 to 0.050 on flat maps, and the least of others were 0.052 and 0.054 (two slight faults).
_FLAT = 0.06
_LEVELLED = 20.0  # m/s of deviation in a row: two flat maps had 0.2 and 0.3, two faulted 44, 149
_LEVEL = 3.0  # m/s between neighbours in depth: a plateau
# Share of such neighbours after the first sharpening step: 0.06 to 0.11 in four maps of the styles,
# 0.20 to 0.86 in six layered ones.
_PLATEAUS = 0.14


def kind_of(family: str) -> Kind | None:
    """Give the kind of maps of an OpenFWI family, or of that name; None for "auto" and "unknown".

    Raises:
        KeyError: if there is no such family or kind.
    """
    if family in ("auto", "unknown"):
        return None
    names = KINDS | {kind: kind for kind in get_args(Kind)}
    if family not in names:
        raise KeyError(f"unknown family {family!r}; {nearest(family, [*names, 'auto'])}")
    return names[family]


def may_be_flat(problem: Problem) -> bool:
    """Say whether the gathers may be those of flat layers: traces of one offset are nearly equal.

    Such a map is repeated beyond its edges, so that but for the sponge nothing tells its columns
    apart. Every shot is compared with the first one at equal offsets, on either side. A slight
    fault passes too: a flat map that does not explain the gathers was the wrong guess.
    """
    g, r = problem.geometry, problem.observed
    columns, sources = g.receiver_idx, g.source_idx
    place = {int(column): i for i, column in enumerate(columns)}
    first = {
        k * side: place[int(sources[0]) + k * side]
        for k in range(1, g.nx)
        for side in (1, -1)
        if int(sources[0]) + k * side in place
    }
    pairs = [
        ((i, place[int(source) + side * offset]), (0, column))
        for i, source in enumerate(sources)
        for offset, column in first.items()
        for side in (1, -1)
        if int(source) + side * offset in place and (i > 0 or side < 0)
    ]
    used = problem.sigma.isfinite().any(1).cpu()
    pairs = [pair for pair in pairs if all(bool(used[trace]) for trace in pair)]
    if not pairs:
        return False
    (s, c), (s0, c0) = (np.array(side).T for side in zip(*pairs, strict=True))
    here, there = r[s, :, c], r[s0, :, c0]
    return float((here - there).norm() / there.norm()) < _FLAT


def looks_layered(velocity: Tensor) -> bool:
    """Say whether a map consists of plateaus."""
    return float((velocity.diff(dim=0).abs() < _LEVEL).double().mean()) > _PLATEAUS


def looks_flat(velocity: Tensor) -> bool:
    """Say whether every row of a map is one velocity."""
    return float(velocity.std(dim=1).max()) < _LEVELLED
