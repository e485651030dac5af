"""How far a whole Marmousi2 is inverted in some minutes, from a smoothed one.

    python benchmarks/marmousi.py marmousi2_vp_221x601_12.5m.bin results/
    python benchmarks/marmousi.py marmousi2_vp_221x601_12.5m.bin results/ --method lbfgs
    python benchmarks/marmousi.py marmousi2_vp_221x601_12.5m.bin results/ --every 4 --shots 12

The file holds float32 velocities, m/s, little endian, one column of 221 after the other, as
seismic models are written. Gathers are simulated by the scheme that inverts them, without noise:
what is measured is the descent. Results are a row a step (.parquet) and a picture, by the
method's name.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

import fwi
from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.geometry import AcquisitionGeometry
from fwi.inversion.methods import METHODS, choose
from fwi.inversion.methods.choice import dense_memory
from fwi.inversion.noise import rounding_noise
from fwi.inversion.priors import Variation
from fwi.inversion.problem import Problem, as_tensor
from fwi.inversion.rung import Progress, Rung, State
from fwi.physics.scheme.sponge import damping
from fwi.physics.scheme.stability import max_stable_dt

_SHAPE, _DX = (221, 601), 12.5  # cells in depth and along the line; m
_POINTS, _HIGHEST = 4, 3.0  # a wavelength at the frequency, in peaks, above which little is sent
_WITHIN = 0.9, 1.05  # of the model's extremes: bounds
_RECORD = 1.2  # times the slowest way to the bottom and back
_SPONGE = 40  # cells
_SMOOTHED = 250.0  # m, standard deviation of the Gaussian that makes the start
_PEAKS = 0.35, 0.6, 1.0  # of the wavelet's, the bands'


def read(path: Path, every: int) -> Array:
    """Read a model, (nz, nx) float32, m/s; each so-manieth cell of it."""
    columns = np.fromfile(path, "<f4").reshape(_SHAPE[::-1])
    return np.ascontiguousarray(columns.T[::every, ::every])


def acquisition(model: Array, dx: float, shots: int) -> AcquisitionGeometry:
    """Sources and receivers, every second cell, along the whole surface, a row below it."""
    (nz, nx), slowest, fastest = model.shape, float(model.min()), float(model.max()) * _WITHIN[1]
    most = float(damping(fastest, dx, _SPONGE)[-1])
    dt = np.floor(1e5 * max_stable_dt(fastest, dx, most)) / 1e5
    record = _RECORD * 2 * dx * float((1 / model).sum(0).max())
    line = (nx - 1) * dx
    return AcquisitionGeometry(
        nz=nz, nx=nx, dx=dx, dt=float(dt), nt=int(record / dt),
        source_x=tuple(np.linspace(0, line, shots).tolist()), source_depth=dx,
        receiver_x=tuple(np.arange(0, line + 1, 2 * dx).tolist()), receiver_depth=dx,
        frequency=slowest / (_POINTS * dx * _HIGHEST), sponge_width=_SPONGE,
    )  # fmt: skip


def smoothed(model: Array, dx: float) -> Array:
    """Average a model's slowness over a Gaussian, (nz, nx) float64: travel times stay."""
    return 1 / gaussian_filter(1 / model.astype(np.float64), _SMOOTHED / dx, mode="nearest")


def ladder(frequency: float) -> Iterator[Rung]:
    """Bands from low to high, all drawn to few steps."""
    for share in _PEAKS:
        prior = Variation(eps=30.0)
        yield Rung(share * frequency, (prior, prior), iterations=2)


class Record:
    """A row a step: seconds since the beginning, of the wall and of processors, and the error."""

    def __init__(self, model: Array) -> None:
        self.rows, self._model = list[dict[str, float]](), torch.from_numpy(model)
        self._begun, self._spent = time.monotonic(), time.process_time()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    def add(self, step: Progress) -> None:
        """Note a step, and print it."""
        row = {
            "seconds": self.seconds,
            "processor_seconds": time.process_time() - self._spent,
            "band": step.peak,
            "before": step.before,
            "residual": step.after,
            "ratio": step.ratio,
            "mae": float((step.state.velocity - self._model).abs().mean()),
        }
        self.rows.append(row)
        print({key: round(value, 4) for key, value in row.items()}, flush=True)


def invert(
    problem: Problem, start: Array, method: str, record: Record, is_over: Callable[[], bool]
) -> Array:
    """Climb the bands, (nz, nx)."""
    state = State(torch.from_numpy(start), float(start.min()))
    for rung in ladder(problem.geometry.frequency):
        if not is_over():
            state = METHODS[method](problem, state, rung, record.add, is_over)
    return state.velocity.numpy()


def draw(path: Path, maps: dict[str, Array], dx: float) -> None:
    """Draw maps of one scale, one below the other."""
    model = next(iter(maps.values()))
    extent = 0, model.shape[1] * dx / 1e3, model.shape[0] * dx / 1e3, 0
    figure = Figure((9, 3.2 * len(maps)), layout="constrained")
    for axes, (title, values) in zip(figure.subplots(len(maps)), maps.items(), strict=True):
        image = axes.imshow(values, vmin=model.min(), vmax=model.max(), extent=extent)
        axes.set(title=title, xlabel="line, km", ylabel="depth, km")
        figure.colorbar(image, ax=axes, label="m/s")
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def main() -> None:
    """Simulate, invert, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="file of float32 velocities, column by column")
    parser.add_argument("results", type=Path, help="folder of the rows and the picture")
    parser.add_argument("--method", default="auto", choices=["auto", *METHODS])
    parser.add_argument("--seconds", type=float, default=300.0, help="no step begins after them")
    parser.add_argument("--shots", type=int, default=20)
    parser.add_argument("--every", type=int, default=1, help="take each so-manieth cell")
    parser.add_argument("--threads", type=int, help="of the simulator; default a processor each")
    asked = parser.parse_args()
    if asked.threads is not None:
        torch.set_num_threads(asked.threads)

    model, dx = read(asked.model, asked.every), _DX * asked.every
    geometry, start = acquisition(model, dx, asked.shots), smoothed(model, dx)
    method = choose(geometry, asked.method)
    print(f"{model.shape} cells, gathers {geometry.gather_shape}, dt {1e3 * geometry.dt:g} ms")
    print(f"{geometry.frequency:g} Hz, {method}; dense takes {dense_memory(geometry):.1f} GB")
    gathers = fwi.simulate(model[None], geometry, threads=asked.threads)[0]
    bounds = float(_WITHIN[0] * model.min()), float(_WITHIN[1] * model.max())
    sigma = as_tensor(rounding_noise(gathers))
    problem = Problem(as_tensor(gathers), sigma, geometry, asked.threads, bounds=bounds)
    record = Record(model)
    found = invert(problem, start, method, record, lambda: record.seconds > asked.seconds)

    asked.results.mkdir(parents=True, exist_ok=True)
    with atomic_file(asked.results / f"marmousi_{method}.parquet") as temporary:
        pl.DataFrame(record.rows).write_parquet(temporary)
    before, after = (float(np.abs(values - model).mean()) for values in (start, found))
    title = f"{method}, {record.seconds:.0f} s, MAE {after:.0f} m/s"
    maps = {"Marmousi2": model, f"start, MAE {before:.0f} m/s": start, title: found}
    draw(asked.results / f"marmousi_{method}.png", maps, dx)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"MAE {before:.1f} -> {after:.1f} m/s in {record.seconds:.0f} s, {peak:.1f} GB")


if __name__ == "__main__":
    main()
