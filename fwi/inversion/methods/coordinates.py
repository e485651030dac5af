"""A map's unknown and its sponge's velocity as one vector, for methods that know slopes alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from fwi.inversion.objective import Objective, Point, look
from fwi.inversion.problem import Problem
from fwi.inversion.rung import State
from fwi.inversion.unknowns import Unknown


@dataclass(frozen=True)
class Coordinates:
    """x, (cells + 1,) float64, 0 at a state: steps of the unknown and of vmin over a scale.

    Attributes:
        problem: the sample.
        objective: what is minimised.
        unknown: what is solved for.
        origin: the state at 0.
        scale: of each, m/s, (cells + 1,).
    """

    problem: Problem
    objective: Objective
    unknown: Unknown
    origin: State
    scale: Tensor

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Least and most of x, (cells + 1,) each."""
        start, ends = self.origin, []
        for bound in self.problem.bounds:
            to = torch.full_like(start.velocity, bound)
            step = self.unknown.step(start.velocity, to).flatten()
            ends.append(torch.cat([step, step.new_tensor([bound - start.vmin])]) / self.scale)
        return ends[0], ends[1]

    def state(self, x: Tensor) -> State:
        """The state at x, within bounds."""
        start, (low, high) = self.origin, self.problem.bounds
        step = (self.scale * x)[:-1].view_as(start.velocity)
        velocity = self.unknown.move(start.velocity, step, (low, high))
        vmin = start.vmin + float(self.scale[-1] * x[-1])
        return replace(start, velocity=velocity, vmin=min(max(vmin, low), high))

    def evaluate(self, x: Tensor) -> Evaluation:
        """The objective at x, and its slope."""
        return self.evaluation(look(self.problem, self.objective.band, self.state(x)))

    def evaluation(self, at: Point) -> Evaluation:
        """The objective at a point, and its slope."""
        o, state = self.objective, at.state
        by_unknown = self.unknown.slope(state.velocity) * o.by_velocity(at)
        of_misfit = float(at.linear.vmin_vjp(o.band.adjoint(at.residual)[None])[0])
        by_vmin = by_unknown.new_tensor([o.by_vmin(state.vmin, of_misfit)])
        slope = self.scale * torch.cat([by_unknown.flatten(), by_vmin])
        value = o.value(state.velocity, state.vmin, at.misfit)
        return Evaluation(state, value, slope, o.band.relative(at.misfit))


@dataclass(frozen=True)
class Evaluation:
    """What was found at a state.

    Attributes:
        state: the map and its sponge's velocity.
        value: of the objective.
        slope: its derivative by x, (cells + 1,).
        relative: residual of the band.
    """

    state: State
    value: float
    slope: Tensor
    relative: float
