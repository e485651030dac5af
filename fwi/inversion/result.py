"""What became of refined samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fwi.arrays import Array
from fwi.inversion.ladder import Kind
from fwi.inversion.rung import Progress

EXPLAINED = 3.0  # standard deviations of the known errors: more is not converged


@dataclass(frozen=True)
class Refined:
    """What became of one sample.

    Attributes:
        velocity: (nz, nx) float32, m/s.
        residual: root mean square of what it leaves unexplained, in standard deviations of the
            gathers' known errors: 1 or a little less explains them.
        start_residual: that of the start.
        kind: what the map was drawn to: "flat", "layered", "smooth", "noisy", "near" the start,
            or "free" of any prior.
        exact: the map's gathers, rounded as the observed ones are, equal them in every sample.
        reverted: refinement made it worse, and the start is given back.
        seconds: it took.
        std: standard deviation of each cell's error, (nz, nx) float32, m/s; 0 of an exact map, and
            None where the grid is too large, the method holds no matrices, or the kind has no law.
        draws: maps that explain the gathers as well, by the same distribution, (n, nz, nx)
            float32, m/s; None without `std`, or where none were asked for.
        notes: what was unusual about the gathers or the start, a sentence each.
        steps: what was done.
        start: the map that refinement began from, (nz, nx) float32, m/s.
    """

    velocity: Array
    residual: float
    start_residual: float
    kind: Kind
    exact: bool
    reverted: bool
    seconds: float
    std: Array | None = field(repr=False)
    draws: Array | None = field(repr=False)
    notes: tuple[str, ...]
    steps: list[Progress] = field(repr=False)
    start: Array = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether the gathers are explained: where not, the map is no result like any other."""
        return self.residual < EXPLAINED

    def __str__(self) -> str:
        """Say how it went."""
        state = "exact" if self.exact else "converged" if self.converged else "NOT converged"
        if self.reverted:
            state += ", start kept"
        return "; ".join(
            [
                f"{state}, {self.kind}: residual {self.start_residual:.1f} -> {self.residual:.2f} "
                f"noise deviations in {self.seconds:.0f} s",
                *self.notes,
            ]
        )


@dataclass(frozen=True)
class Refinement:
    """What became of several samples.

    Attributes:
        samples: one each.
    """

    samples: list[Refined]

    @property
    def velocity(self) -> Array:
        """Maps (B, nz, nx) float32, m/s."""
        return np.stack([sample.velocity for sample in self.samples])

    @property
    def converged(self) -> Array:
        """Which explain their gathers, (B,) bool."""
        return np.array([sample.converged for sample in self.samples])

    @property
    def exact(self) -> Array:
        """Which do so to the last bit, (B,) bool."""
        return np.array([sample.exact for sample in self.samples])

    def __str__(self) -> str:
        """Say how they went, a line each."""
        return "\n".join(map(str, self.samples))
