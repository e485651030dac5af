"""From how a file was recorded to how samples are: the same times, receivers and shots.

Only what is known is changed: a record is thinned or cut where its samples are those wanted, and
interpolated where that is exact to the rounding of float16; receivers and shots are chosen by
position. Everything else is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwi.arrays import Array
from fwi.data.readers import UNSAID, Sampling
from fwi.geometry import OPENFWI, OPENFWI_SIX_SHOTS, AcquisitionGeometry
from fwi.openfwi import SIXTH_SOURCE_X

_NEAR = 0.5  # m, and of a time step: positions and times that are one
_ORDER = 5  # of the spline: from samples of 2 ms it errs by 1.8e-7 of a real gather's waves
# Rounding to float16 errs by 2.1e-4 of the waves (2-norm, a real gather): a tenth is lost in that.
_EXACT = 2e-5


@dataclass(frozen=True)
class Conversion:
    """What brings recorded gathers to those wanted.

    Attributes:
        shots: which, of those recorded, in order.
        receivers: likewise.
        times: wanted, in steps of the record; none where they are its own.
    """

    shots: list[int]
    receivers: list[int]
    times: Array | None

    def shape(self, recorded: tuple[int, ...]) -> tuple[int, ...]:
        """Give shots, time samples and receivers after the conversion of those recorded."""
        nt = recorded[1] if self.times is None else len(self.times)
        return len(self.shots), nt, len(self.receivers)

    def __call__(self, gathers: Array, name: str) -> Array:
        """Convert gathers (n, S, T, R).

        Raises:
            ValueError: if interpolation would show in float16; it names them.
        """
        shape = gathers.shape
        if self.shots != list(range(shape[1])):
            gathers = gathers[:, self.shots]
        if self.receivers != list(range(shape[3])):
            gathers = gathers[..., self.receivers]
        return gathers if self.times is None else _at(gathers, self.times, name)


def conversion(
    name: str, shape: tuple[int, int, int], said: Sampling, wanted: AcquisitionGeometry = OPENFWI
) -> Conversion | None:
    """Plan how recorded gathers become those wanted.

    Args:
        name: of the gathers, for errors.
        shape: shots, time samples and receivers recorded.
        said: how, as far as it is known.
        wanted: the recording of the samples.

    Returns:
        What converts them; none where they are as wanted already.

    Raises:
        ValueError: if they cannot be brought there, or it is not known how.
    """
    shots, nt, receivers = shape
    target = _with_shots(shots, said, wanted)
    expected = target.gather_shape
    if shape == expected and said == UNSAID:
        return None
    if nt == expected[2] and receivers == expected[1]:
        raise ValueError(
            f"{name} must be (shots, time, receivers), got {shape}; swap the last two axes"
        )
    return Conversion(
        _chosen(name, "source_x", shots, said.source_x, target.source_x),
        _chosen(name, "receiver_x", receivers, said.receiver_x, target.receiver_x),
        _times(name, nt, said.dt, target),
    )


def _with_shots(shots: int, said: Sampling, wanted: AcquisitionGeometry) -> AcquisitionGeometry:
    """Take the sixth shot too where there is one."""
    if said.source_x is None:
        six = shots == 6
    else:
        six = min(abs(x - SIXTH_SOURCE_X) for x in said.source_x) <= _NEAR
    lines = OPENFWI.source_x, OPENFWI_SIX_SHOTS.source_x
    return replace(wanted, source_x=lines[six]) if wanted.source_x in lines else wanted


def _chosen(
    name: str, key: str, count: int, said: Sequence[float] | None, wanted: Sequence[float]
) -> list[int]:
    """Choose shots or receivers by position, m."""
    what = "shots" if key == "source_x" else "receivers"
    if said is None:
        if count != len(wanted):
            raise ValueError(
                f"{name} must have {len(wanted)} {what}, got {count}; say where they stood with "
                f"--{key.replace('_', '-')}, m, once for each"
            )
        return list(range(count))
    if len(said) != count:
        raise ValueError(f"{key} must name the {count} {what} of {name}, got {len(said)} positions")
    off = np.abs(np.subtract.outer(np.asarray(wanted), np.asarray(said)))
    nearest = off.argmin(1)
    missing = [x for x, gap in zip(wanted, off.min(1), strict=True) if gap > _NEAR]
    if missing:
        raise ValueError(
            f"{name} must have {what} at {_listed(wanted)} m, got none at {_listed(missing)} m; "
            "they cannot be made up"
        )
    return [int(i) for i in nearest]


def _listed(positions: Sequence[float]) -> str:
    if len(positions) > 6:
        return f"{positions[0]:g}, {positions[1]:g}, ..., {positions[-1]:g}"
    return ", ".join(f"{x:g}" for x in positions)


def _times(name: str, nt: int, dt: float | None, wanted: AcquisitionGeometry) -> Array | None:
    """Give the wanted times in steps of the record; none where they are its own."""
    if dt is None:
        if nt == wanted.nt:
            return None
        raise ValueError(
            f"{name} must have {wanted.nt} time samples of {wanted.dt * 1e3:g} ms, got {nt}; say "
            "their time step with --dt, s"
        )
    times: Array = np.arange(wanted.nt) * (wanted.dt / dt)
    whole = np.abs(times - np.rint(times)).max() < 1e-6 * wanted.nt
    times = np.rint(times) if whole else times
    if times[-1] > nt - 1 + _NEAR:
        raise ValueError(
            f"{name} must last {(wanted.nt - 1) * wanted.dt:g} s, got {(nt - 1) * dt:g} s "
            f"({nt} samples of {dt * 1e3:g} ms); what was not recorded cannot be made up"
        )
    return None if whole and nt == wanted.nt and times[-1] == nt - 1 else times


def _at(gathers: Array, times: Array, name: str) -> Array:
    """Give the values at times, in steps of the record."""
    if (times == np.rint(times)).all() and times[-1] < gathers.shape[2]:
        return gathers[:, :, times.astype(np.int64)]
    _check_exact(gathers, name)
    return _interpolated(gathers.astype(np.float64), np.arange(gathers.shape[2]), times)


def _check_exact(gathers: Array, name: str) -> None:
    """Refuse what interpolation would alter, by leaving every second sample out.

    A spline's error falls with the power `_ORDER` + 1 of the step.
    """
    values = gathers.astype(np.float64)
    steps = np.arange(values.shape[2])
    left_out = slice(1, (len(steps) - 1) // 2 * 2, 2)  # with a neighbour on either side
    again = _interpolated(values[:, :, ::2], steps[::2], steps[left_out])
    off = np.linalg.norm(again - values[:, :, left_out]) / np.linalg.norm(values[:, :, left_out])
    error = float(off) / 2 ** (_ORDER + 1)
    if not error <= _EXACT:
        raise ValueError(
            f"{name} must be sampled finely enough to be interpolated to the rounding of float16, "
            f"got an error of {error:.1e} of the waves; give them as recorded"
        )


def _interpolated(values: Array, known: Array, wanted: Array) -> Array:
    from scipy.interpolate import make_interp_spline

    result: Array = make_interp_spline(known, values, k=_ORDER, axis=2)(wanted)
    return result
