"""Samples of files of any format and layout: read by number, in the house's shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_float
from fwi.data.layouts import Found
from fwi.data.pairing import Source
from fwi.data.readers import UNSAID, Content, FileArray, Sampling, read_file
from fwi.data.resampling import conversion
from fwi.data.roles import Role, role_of
from fwi.data.walking import warn_of_left_out
from fwi.geometry import OPENFWI, AcquisitionGeometry


@dataclass(frozen=True)
class Samples:
    """The samples of a source, none of which is read before it is asked for.

    Attributes:
        source: the files.
        n: how many.
        gather_shape: shots, time samples, receivers.
        gathers: from a slice to gathers (n, S, T, R), floating.
        maps: from a slice to maps (n, Z, X), m/s; none where they are not known.
    """

    source: Source
    n: int
    gather_shape: tuple[int, ...]
    gathers: Callable[[slice], Array]
    maps: Callable[[slice], Array] | None

    def name_of(self, row: int) -> str:
        """Name a sample by its source, and by its number where there are several."""
        return self.source.name if self.n == 1 else f"{self.source.name}-{row}"


def open_all(
    found: Found, said: Sampling = UNSAID, wanted: AcquisitionGeometry = OPENFWI
) -> list[Samples]:
    """Open all sources of a folder, and name what is left out.

    Args:
        found: the sources.
        said: see `open_samples`.
        wanted: likewise.

    Raises:
        ValueError: as `open_samples` does, or if gathers differ in their shape.
        TypeError: likewise.
    """
    warn_of_left_out(found.left_out)
    opened = [open_samples(source, said, wanted) for source in found.sources]
    first = opened[0]
    for samples in opened:
        if samples.gather_shape != first.gather_shape:
            raise ValueError(
                f"gathers of {samples.source.gathers[0]} must be {first.gather_shape} as those of "
                f"{first.source.gathers[0]}, got {samples.gather_shape}; take one kind at a time"
            )
    return opened


def open_samples(
    source: Source, said: Sampling = UNSAID, wanted: AcquisitionGeometry = OPENFWI
) -> Samples:
    """Open the files of a source.

    Args:
        source: the files.
        said: how the gathers were recorded, over what the files say.
        wanted: how they are wanted, see `fwi.data.resampling`.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, its arrays have other ranks or sizes, or its gathers
            cannot be brought to those wanted.
        TypeError: if gathers are not floating.
    """
    contents = [read_file(path) for path in source.gathers]
    recorded = [
        _array(path, content, "gathers")
        for path, content in zip(source.gathers, contents, strict=True)
    ]
    first = recorded[0]
    per_shot = len(recorded) > 1
    for array in recorded:
        check_float(f"gathers of {array.name}", array.dtype)
        _check_alike(array, first)
    axes = ("time", "receivers") if per_shot else ("shots", "time", "receivers")
    one = _has_one(first, "gathers", axes)
    nt, receivers = first.shape[-2:]
    shape = (len(recorded) if per_shot else first.shape[-3], nt, receivers)
    name = f"gathers of {first.name}"
    convert = conversion(name, shape, said.over(_sampling(source, contents)), wanted)

    def gathers(span: slice) -> Array:
        parts = [_native(a.read(slice(None) if one else span)) for a in recorded]
        parts = [part[None][span] if one else part for part in parts]
        whole = np.stack(parts, 1) if per_shot else parts[0]
        return whole if convert is None else convert(whole, name)

    n = 1 if one else first.shape[0]
    final = shape if convert is None else convert.shape(shape)
    return Samples(source, n, final, gathers, _maps(source, n))


def open_map_file(path: Path) -> tuple[int, tuple[int, int], Callable[[slice], Array]]:
    """Open a file of velocity maps: how many, their size, and from a slice to them, (n, Z, X).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, or its maps have another rank.
        TypeError: if its values are no numbers.
    """
    array = _array(path, read_file(path), "maps")
    if array.dtype.kind not in "fiu":
        raise TypeError(f"maps of {array.name} must hold numbers, got {array.dtype}; convert them")
    channel = array.ndim == 4 and array.shape[1] == 1  # OpenFWI's (n, 1, Z, X)
    one = not channel and _has_one(array, "maps", ("depth", "line"))

    def read(span: slice) -> Array:
        maps = _native(array.read(slice(None) if one else span))
        maps = maps[None][span] if one else maps
        maps = maps[:, 0] if channel else maps
        return maps if maps.dtype.kind == "f" else maps.astype(np.float32)

    nz, nx = array.shape[-2:]
    return 1 if one else array.shape[0], (nz, nx), read


def _sampling(source: Source, contents: list[Content]) -> Sampling:
    """Say how a sample was recorded: as its file says, or its shots' files one by one."""
    first, *others = (content.sampling for content in contents)
    for path, other in zip(source.gathers[1:], others, strict=True):
        if (other.dt, other.receiver_x) != (first.dt, first.receiver_x):
            raise ValueError(
                f"{path} must be recorded as {source.gathers[0]}, got another time step or line of "
                "receivers; bring the shots of a sample to one"
            )
    sources = [first.source_x, *(other.source_x for other in others)]
    joined = tuple(x for each in sources if each for x in each)
    return replace(first, source_x=joined if all(sources) else None)


def _maps(source: Source, n: int) -> Callable[[slice], Array] | None:
    if source.maps is None:
        return None
    count, _, read = open_map_file(source.maps)
    if count != n:
        raise ValueError(
            f"maps of {source.maps} must be as many as the {n} gathers of {source.gathers[0]}, "
            f"got {count}; give each sample its map"
        )
    return read


def _array(path: Path, content: Content, role: Role) -> FileArray:
    """Choose the array of a file that is its gathers, or its maps."""
    arrays = content.arrays
    named = [name for name in arrays if role_of(name.rpartition("/")[2]) == role]
    if len(named) == 1:
        return arrays[named[0]]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    found = ", ".join(f"{name!r} {a.shape}" for name, a in list(arrays.items())[:6]) or "none"
    raise ValueError(
        f"{path} must hold one array named {role}, got {found}; name or remove the others"
    )


def _has_one(array: FileArray, what: str, axes: tuple[str, ...]) -> bool:
    """Tell whether an array is one sample's, which has no axis of samples."""
    if array.ndim not in (len(axes), len(axes) + 1):
        one = ", ".join(axes)
        raise ValueError(
            f"{what} of {array.name} must be ({one}) or (n, {one}), got {array.shape}; reshape them"
        )
    if 0 in array.shape:
        raise ValueError(
            f"{what} of {array.name} hold no sample, got {array.shape}; remove the file"
        )
    return array.ndim == len(axes)


def _check_alike(array: FileArray, first: FileArray) -> None:
    if array.shape != first.shape:
        raise ValueError(
            f"shots of one sample must be alike, got {array.shape} in {array.name} and "
            f"{first.shape} in {first.name}; give all their traces"
        )


def _native(array: Array) -> Array:
    """Give values in the byte order of the processor, which torch needs."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)
