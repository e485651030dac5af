"""Fit the Gaussian processes of the two Style families, and judge them on real maps kept apart.

    python benchmarks/priors.py openfwi_maps

Real maps (`pictures.npz` and `Style_A.npy` or `Style_B.npy` of the folder) with even numbers are
fitted, those with odd ones judge; generated maps are fitted beside them. What is maximised is the
exact likelihood of the left and the right half of a map; what is printed is that of whole maps kept
apart under the covariance that refinement uses, in nats a cell. Trends stay as they are: a few maps
do not tell them.

A covariance of lags alone does not change when a grid is mirrored: in sums and differences of
mirrored cells it falls into four blocks, which makes a likelihood sixteen times cheaper.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.distributions import MultivariateNormal

import fwi
from fwi.arrays import Array
from fwi.inversion.priors.gaussian import CORRELATIONS, PROCESSES, Part, Process, covariance

SEED, GENERATED = 5000, 8
WIDTH = 36  # columns of a window
PICTURE = 3.1  # m/s: rounding to one of 256 colours of some 2,750 m/s, beside a map's own white
NAMES = {"Style_A": "style_a", "Style_B": "style_b"}
# m/s, and m/s, cells down and cells along of every part.
STARTS = {
    "Style_A": (3.0, (150.0, 3.0, 3.0), (300.0, 6.0, 7.0)),
    "Style_B": (5.0, (80.0, 0.8, 0.8), (170.0, 2.5, 3.3)),
}
BOUNDS = (0.3, 300.0), (3.0, 3000.0), (0.4, 200.0), (0.4, 200.0)


def mirrored(maps: Tensor) -> Tensor:
    """Sums and differences of mirrored cells, (n, nz, nx) -> (n, 4, nz nx / 4)."""
    for axis in (1, 2):
        first, last = maps.chunk(2, axis)
        both = first + last.flip(axis), first - last.flip(axis)
        maps = torch.stack(both, 1).flatten(0, 1) / math.sqrt(2)
    return maps.flatten(1).unflatten(0, (-1, 4))


def blocks(by_lag: Tensor) -> Tensor:
    """Covariance of mirrored cells, (nz, nx) of every two lags -> (4, cells, cells)."""
    down, along = (_folded(n) for n in by_lag.shape)
    cells = by_lag.numel() // 4
    return torch.einsum("aijz,zx,bklx->abikjl", down, by_lag, along).reshape(4, cells, cells)


def _folded(n: int) -> Tensor:
    """Lag of two cells plus or less that of one and the other's image, (2, n / 2, n / 2, n)."""
    i, lags = torch.arange(n // 2), torch.eye(n, dtype=torch.float64)
    near, far = lags[(i[:, None] - i).abs()], lags[n - 1 - i[:, None] - i]
    return torch.stack([near + far, near - far])


class Likelihood:
    """Of windows of maps, by the white and the parts of a process.

    Args:
        trend: a process with the trend.
        correlations: of the parts, by name.
        maps: (n, nz, nx) float64, m/s.
        error: of the maps, m/s: white noise that is not the process's.
    """

    def __init__(
        self, trend: Process, correlations: tuple[str, ...], maps: Tensor, error: float
    ) -> None:
        self.correlations, self.error = correlations, error
        windows = torch.cat([maps[..., :WIDTH], maps[..., -WIDTH:]])
        self.shape = windows.shape[1:]
        ones = torch.ones(1, *self.shape, dtype=torch.float64)
        row = torch.arange(float(self.shape[0]), dtype=torch.float64)[:, None] * ones
        self.values = mirrored(windows - trend.surface - trend.slope * row)
        level = mirrored(trend.surface_std * ones)[0]
        rise = mirrored(trend.slope_std * (row - row.mean()))[0]
        self.trend = level[:, :, None] * level[:, None] + rise[:, :, None] * rise[:, None]

    def minus(self, logs: Array) -> tuple[float, Array]:
        """Minus the likelihood, nats a cell, and its derivative by the figures' logarithms."""
        x = torch.tensor(logs, requires_grad=True)
        matrix = self._covariance(x)
        normal = MultivariateNormal(torch.zeros_like(matrix[:, 0]), matrix)
        value = -normal.log_prob(self.values).sum() / self.values.numel()
        value.backward()
        assert x.grad is not None
        return float(value.detach()), x.grad.numpy()

    def _covariance(self, logs: Tensor) -> Tensor:
        down, along = (torch.arange(n, dtype=torch.float64) ** 2 for n in self.shape)
        by_lag = torch.zeros(self.shape, dtype=torch.float64)
        for (std, z, x), name in zip(logs[1:].exp().view(-1, 3), self.correlations, strict=True):
            square = down[:, None] / z**2 + along / x**2
            by_lag = by_lag + std**2 * CORRELATIONS[name](
                square + 1e-12
            )  # roots have no slope at 0
        white = logs[0].exp() ** 2 + self.error**2
        return blocks(by_lag) + self.trend + white * torch.eye(by_lag.numel() // 4)


def fit(
    trend: Process, start: tuple, correlations: tuple[str, ...], maps: Tensor, error: float
) -> Process:
    """Find the white and the parts that make maps (n, nz, nx) most likely."""
    white, *parts = start
    figures = np.log([white, *np.ravel(parts)])
    bounds = np.log([BOUNDS[0], *BOUNDS[1:] * len(parts)])
    likelihood = Likelihood(trend, correlations, maps, error)
    found = minimize(
        likelihood.minus, figures, jac=True, method="L-BFGS-B", bounds=bounds.tolist(),
        options={"ftol": 1e-7, "gtol": 1e-4, "maxiter": 120},
    )  # fmt: skip
    white, *rest = (float(f"{figure:.3g}") for figure in np.exp(found.x))
    made = zip(rest[::3], rest[1::3], rest[2::3], correlations, strict=True)
    return replace(trend, white=white, parts=tuple(Part(*figures) for figures in made))


def judge(process: Process, maps: Tensor, error: float) -> list[float]:
    """Give the likelihood of whole maps (n, nz, nx), nats a cell, under refinement's covariance."""
    nz, nx = maps.shape[1:]
    matrix = covariance(replace(process, white=math.hypot(process.white, error)), (nz, nx))
    rows = torch.arange(nz, dtype=torch.float64).repeat_interleave(nx)
    normal = MultivariateNormal(process.surface + process.slope * rows, matrix)
    return (normal.log_prob(maps.flatten(1)) / (nz * nx)).tolist()


def real(folder: Path, family: str) -> Tensor:
    """Read the real maps of a family, (n, 70, 70) float64, m/s."""
    with np.load(folder / "pictures.npz", allow_pickle=False) as pictures:
        maps = [*pictures[family], np.load(folder / f"{family}.npy", allow_pickle=False)]
    return torch.from_numpy(np.stack(maps).astype(np.float64))


def main() -> None:
    """Print a line for every fit: likelihood of the real maps kept apart, and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with pictures.npz, Style_A.npy, Style_B.npy")
    parser.add_argument("--families", nargs="*", default=list(NAMES), choices=list(NAMES))
    asked = parser.parse_args()
    for family in asked.families:
        maps, old = real(asked.folder, family), PROCESSES[NAMES[family]]
        generated = torch.from_numpy(fwi.families.sample(family, GENERATED, SEED)).double()
        sources = {"real": (maps[::2], PICTURE), "generated": (generated, 0.0)}
        show(family, "as it is", old, maps[1::2])
        for correlations in product(CORRELATIONS, repeat=2):
            for name, (fitted, error) in sources.items():
                process = fit(old, STARTS[family], correlations, fitted, error)
                show(family, name, process, maps[1::2])


def show(family: str, fitted: str, process: Process, maps: Tensor) -> None:
    """Print a line of a fit."""
    each = judge(process, maps, PICTURE)
    parts = "; ".join(f"{p.std:g} {p.down:g} {p.along:g} {p.correlation}" for p in process.parts)
    print(
        f"{family}, {fitted}: {np.mean(each):.4f} ({', '.join(f'{x:.4f}' for x in each)}); "
        f"white {process.white:g}; {parts}",
        flush=True,
    )


if __name__ == "__main__":
    main()
