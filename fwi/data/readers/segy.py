"""SEG-Y by segyio: shots of traces whose headers say where and when they were recorded.

Source: SEG Technical Standards Committee, SEG-Y revision 1 (2002); the trace headers read are
FieldRecord (bytes 9-12), SourceGroupScalar (71-72), SourceX (73-76) and GroupX (81-84).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fwi.arrays import Array
from fwi.data.readers.base import Content, FileArray, Sampling
from fwi.data.readers.extra import required
from fwi.files import check_regular

_FLOATS = (1, 5, 6)  # formats of samples: IBM's floats, IEEE's single and double
_CENTIMETRES = -100  # the scalar that makes integers of positions to the centimetre


def read(path: Path) -> Content:
    """Read the shots of a line, (shots, time, receivers), or the one section that there is.

    Traces of one FieldRecord are a shot; where all have one, those of one source. All shots have
    the same receivers.

    Raises:
        ModuleNotFoundError: if segyio is not installed.
        ValueError: if it is not a readable SEG-Y file, or its shots differ in their receivers.
    """
    with _open(path) as file:
        fields = required("segyio").TraceField
        record, source, group, scalar = (
            np.asarray(file.attributes(field)[:], np.int64)
            for field in (
                fields.FieldRecord, fields.SourceX, fields.GroupX, fields.SourceGroupScalar,
            )
        )  # fmt: skip
        n_samples, interval = len(file.samples), _interval(path, file)
    by = record if len(np.unique(record)) > 1 else source
    _, first, counts = np.unique(by, return_index=True, return_counts=True)
    order = np.argsort(first)
    shots, per_shot = len(first), counts[order]
    if len(set(per_shot.tolist())) > 1 or (np.diff(by) != 0).sum() != shots - 1:
        raise ValueError(
            f"{path} must hold shots of equally many traces, one after another, got "
            f"{per_shot.tolist()!s:.80} traces; sort it by shot, or cut it to the common receivers"
        )
    traces = int(per_shot[0])
    scale = np.where(scalar < 0, 1 / np.maximum(-scalar, 1), np.maximum(scalar, 1))
    lines = (group * scale).reshape(shots, traces)
    if not (lines == lines[0]).all():
        raise ValueError(
            f"{path} must hold shots recorded by the same receivers, got a spread that moves; "
            "cut it to receivers that stand"
        )
    sources = (source * scale).reshape(shots, traces)[:, 0]
    shape = (shots, n_samples, traces)
    array = FileArray(str(path), shape, np.dtype(np.float32), partial(_load, path, shape))
    return Content({"": array}, _sampling(interval, sources, lines[0]))


def write(path: Path, arrays: Mapping[str, Array], sampling: Sampling | None = None) -> None:
    """Write one array: gathers (shots, time, receivers), or a map (depth, line).

    Args:
        path: the file.
        arrays: one, by its name.
        sampling: time step and positions of gathers.
    """
    segyio = required("segyio")
    (array,) = arrays.values()
    sections = np.asarray(array, np.float32).reshape(-1, *np.shape(array)[-2:])
    shots, n_samples, traces = sections.shape
    said = sampling or Sampling()
    spec = segyio.spec()
    spec.format, spec.sorting = 5, 1  # IEEE float32, as recorded
    spec.samples, spec.tracecount = np.arange(n_samples), shots * traces
    source_x, receiver_x = said.source_x or (0.0,) * shots, said.receiver_x or range(traces)
    with segyio.create(str(path), spec) as file:
        file.trace = np.ascontiguousarray(sections.transpose(0, 2, 1)).reshape(-1, n_samples)
        interval = round((said.dt or 1e-3) * 1e6)
        file.bin.update(hdt=interval, hns=n_samples)
        for shot in range(shots):
            for trace in range(traces):
                file.header[shot * traces + trace] = _header(
                    segyio.TraceField, shot, trace, interval, n_samples,
                    source_x[shot], receiver_x[trace],
                )  # fmt: skip


def _header(
    fields: Any, shot: int, trace: int, interval: int, n_samples: int, source: float, group: float
) -> dict[Any, int]:
    return {
        fields.FieldRecord: shot + 1,
        fields.TraceNumber: trace + 1,
        fields.EnergySourcePoint: shot + 1,
        fields.SourceGroupScalar: _CENTIMETRES,
        fields.SourceX: round(source * -_CENTIMETRES),
        fields.GroupX: round(group * -_CENTIMETRES),
        fields.TRACE_SAMPLE_INTERVAL: interval,
        fields.TRACE_SAMPLE_COUNT: n_samples,
    }


def _sampling(interval: int, sources: Array, receivers: Array) -> Sampling:
    """Say what the headers do; positions that are all alike were never filled in."""
    said = len(receivers) > 1 and len(np.unique(receivers)) == len(receivers)
    return Sampling(
        interval * 1e-6 if interval > 0 else None,
        tuple(map(float, sources)) if said else None,
        tuple(map(float, receivers)) if said else None,
    )


def _interval(path: Path, file: Any) -> int:
    """Give the time between samples in microseconds; 0 where the file does not say."""
    said = {int(file.bin[3217]), int(file.header[0][117])} - {0}
    if len(said) > 1:
        raise ValueError(
            f"{path} must have one sampling interval, got {sorted(said)} microseconds in its "
            "headers; mend them"
        )
    return said.pop() if said else 0


def _load(path: Path, shape: tuple[int, int, int], span: slice) -> Array:
    shots, n_samples, traces = shape
    first, last, _ = span.indices(shots)
    with _open(path) as file:
        raw = file.trace.raw[first * traces : last * traces]
    return np.asarray(raw).reshape(-1, traces, n_samples).transpose(0, 2, 1)


def _open(path: Path) -> Any:
    """Open a file of either byte order, of which the sample format tells."""
    segyio = required("segyio")
    check_regular(path)
    with path.open("rb") as raw:
        code = raw.read(3226)[3224:]
    endian: Literal["little", "big"] = (
        "little" if len(code) == 2 and not code[1] and code[0] else "big"
    )
    if int.from_bytes(code, endian) not in _FLOATS:
        raise ValueError(
            f"{path} must be SEG-Y of floating-point samples (format 1, 5 or 6), got format "
            f"{int.from_bytes(code, endian)}; convert it"
        )
    try:
        return segyio.open(str(path), ignore_geometry=True, endian=endian)
    except Exception as error:  # a damaged file lets segyio raise almost anything
        raise ValueError(
            f"{path} is not a readable SEG-Y file ({' '.join(str(error).split())}); copy it again"
        ) from None
