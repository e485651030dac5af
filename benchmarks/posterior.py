"""How often the truth is within the standard deviations of refined maps, and the laws behind them.

    python benchmarks/posterior.py refined/ kept/

The first folder holds refined maps, an .npz file each: `true` and `velocity` (nz, nx), `kind`,
`gathers` (S, T, R) as they were rounded. The second keeps what each posterior says before a law.
In the order of their names every second map of a kind fits its law, and the others judge it. Maps
that are right in every cell need none; those that do not explain their gathers are shown apart.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from fwi.arrays import Array
from fwi.files import atomic_file
from fwi.geometry import OPENFWI
from fwi.inversion.noise import rounding_noise
from fwi.inversion.posterior import LAWS, Law, calibrated, coverage, posterior
from fwi.inversion.problem import Problem, as_tensor
from fwi.inversion.result import EXPLAINED

SCALES, POWERS, AROUND = np.geomspace(0.1, 10, 201), (1.0, 1.25, 1.5, 1.75, 2.0), (1, 3, 5)
NORMAL = 0.683, 0.954


@dataclass(frozen=True)
class Case:
    """A refined map of known truth.

    Attributes:
        name: of its file.
        kind: what it was drawn to.
        true: (nz, nx), m/s.
        velocity: likewise.
        raw: standard deviation before a law, with the step that is left, likewise.
        residual: in standard deviations of the known errors.
    """

    name: str
    kind: str
    true: Array
    velocity: Array
    raw: Array
    residual: float

    def coverage(self, law: Law) -> tuple[float, float]:
        """Shares of cells within one and two standard deviations."""
        return coverage(self.true, self.velocity, law.std(self.raw**2))


def read(path: Path, kept: Path) -> Case:
    """Read a refined map, and what its posterior says, which takes a matrix of all cells once."""
    with np.load(path, allow_pickle=False) as file:
        values = {key: file[key] for key in ("true", "velocity", "kind", "gathers")}
    kind, velocity = str(values["kind"]), values["velocity"].astype(np.float64)
    target = kept / path.name
    if not target.exists():
        gathers = values["gathers"]
        problem = Problem(as_tensor(gathers), as_tensor(rounding_noise(gathers)), OPENFWI)
        map_ = torch.from_numpy(velocity)
        prior, _ = calibrated(kind, map_)
        found = posterior(problem, map_, float(map_.min()), prior, Law(1.0))
        residual = problem.relative(problem.noise_band(), map_)
        with atomic_file(target) as temporary, temporary.open("wb") as file:
            np.savez(file, raw=found.std, residual=residual)
    with np.load(target, allow_pickle=False) as file:
        raw, residual = file["raw"].astype(np.float64), float(file["residual"])
    return Case(path.stem, kind, values["true"].astype(np.float64), velocity, raw, residual)


def fit(cases: list[Case], laws: list[Law]) -> Law:
    """Choose the law whose mean coverage of maps is nearest to a normal distribution's."""

    def off(law: Law) -> float:
        one, two = np.mean([case.coverage(law) for case in cases], axis=0)
        return abs(one - NORMAL[0]) + abs(two - NORMAL[1])

    return min(laws, key=off)


def show(title: str, cases: list[Case], law: Law) -> None:
    """Print a line for every case, and their mean."""
    print(f"{title}, {law}")
    for case in cases:
        one, two = case.coverage(law)
        std, error = law.std(case.raw**2), np.abs(case.velocity - case.true)
        together = np.corrcoef(std.ravel(), error.ravel())[0, 1]
        print(
            f"  {case.name}: residual {case.residual:.2f}, mean error {error.mean():.2f}, mean "
            f"deviation {std.mean():.2f} m/s, within one {one:.3f}, two {two:.3f}, "
            f"correlation {together:.2f}"
        )
    if cases:
        one, two = np.mean([case.coverage(law) for case in cases], axis=0)
        print(f"  mean: within one {one:.3f}, two {two:.3f}")


def main() -> None:
    """Fit a law for each group of kinds, and judge it and the one in use."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("refined", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.kept.mkdir(parents=True, exist_ok=True)
    cases = [read(path, asked.kept) for path in sorted(asked.refined.glob("*.npz"))]
    wrong = [case for case in cases if (case.velocity != case.true).any()]
    plain = [Law(scale) for scale in SCALES]
    stretched = [Law(*figures) for figures in product(SCALES, POWERS, AROUND)]
    for kinds, laws in (
        (("flat", "layered"), stretched),
        (("smooth",), plain),
        (("noisy",), plain),
    ):
        of_kind = [case for case in wrong if case.kind in kinds]
        explained = [case for case in of_kind if case.residual < EXPLAINED]
        if explained[::2]:
            law = fit(explained[::2], laws)
            show(f"{kinds[-1]}, fitted", explained[::2], law)
            show(f"{kinds[-1]}, judged", explained[1::2], law)
            show(f"{kinds[-1]}, judged, as it is", explained[1::2], LAWS[kinds[-1]])
            apart = [case for case in of_kind if case.residual >= EXPLAINED]
            show(f"{kinds[-1]}, not converged", apart, law)


if __name__ == "__main__":
    main()
