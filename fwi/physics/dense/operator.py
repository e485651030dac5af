"""Gathers of maps on any of torch's devices, and their exact derivatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fwi.geometry import AcquisitionGeometry
from fwi.physics.autograd import differentiable
from fwi.physics.dense.lines import Lines
from fwi.physics.dense.medium import fold, lay_out
from fwi.physics.dense.steps import (
    STEPS,
    adjoint_steps,
    pays_to_compile,
    prepare,
    record_steps,
    save_steps,
    tangent_steps,
)
from fwi.physics.simulator import check_maps


def simulate_dense(
    velocity: Tensor,
    vmin: Tensor | None,
    geometry: AcquisitionGeometry,
    memory: float,
    compiled: bool | None = None,
) -> Tensor:
    """Simulate maps on their device.

    Args:
        velocity: maps (B, nz, nx), m/s; float64 maps are simulated in float64, others in float32.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one, a constant in the derivative. It has a derivative of its own.
        geometry: sources, receivers, grid and time axis.
        memory: most MB of wavefields that a sample holds for its gradient; less is slower.
        compiled: whether to compile the time steps; by default on a GPU.

    Returns:
        Gathers (B, S, T, R), which can be differentiated backward and forward.

    Raises:
        ValueError: if the shape or a value does not fit, the time step is unstable, or the
            memory is too small.
        TypeError: if the maps are not floating.
    """
    return differentiable(velocity, vmin, DenseLinearization(geometry, memory, compiled))


class DenseLinearization:
    """Gathers of a batch of maps, and their Jacobian as an operator.

    Args:
        geometry: sources, receivers, grid and time axis.
        memory: most MB of wavefields to hold for a sample between its gathers and `vjp`.
        compiled: whether to compile the time steps; by default on a GPU.
        steps: taken by one call.
    """

    def __init__(
        self,
        geometry: AcquisitionGeometry,
        memory: float,
        compiled: bool | None = None,
        steps: int = STEPS,
    ) -> None:
        self._geometry, self._memory = geometry, memory
        self._compiled, self._steps = compiled, steps

    @torch.no_grad()
    def simulate(self, velocity: Tensor, vmin: Tensor | None, keep: bool) -> Tensor:
        """Simulate maps, and keep what the derivatives need.

        Args:
            velocity: maps (B, nz, nx), m/s.
            vmin: velocities of the sponges, (B,), m/s; by default each map's smallest one.
            keep: whether `vjp` will be called.

        Returns:
            Gathers (B, S, T, R).

        Raises:
            ValueError: if the shape or a value does not fit, the time step is unstable, or the
                memory is too small.
            TypeError: if the maps are not floating.
        """
        self._lay_out(velocity, vmin)
        every = self._every = self._spacing() if keep else None
        step, (p, d) = prepare(record_steps, self._compile), self._fields(2)
        self._checkpoints, seen = [], []
        for call, added in enumerate(self._added):
            if every is not None and call % every == 0:
                self._checkpoints.append((p, d))
            p, d, rows = step(p, d, self._medium, added)
            seen.append(rows)
        return self._lines.at_receivers(seen)

    @torch.no_grad()
    def jvp(self, direction: Tensor, vmin_direction: Tensor | None = None) -> Tensor:
        """Jacobian-vector product: the gathers' change along a change of the maps.

        Args:
            direction: (B, nz, nx), m/s.
            vmin_direction: change of the sponges' velocities, (B,), m/s.

        Returns:
            (B, S, T, R).
        """
        g, along = self._geometry, direction.cpu().double()
        rates = torch.zeros(len(along)) if vmin_direction is None else vmin_direction
        change = 8 / 3 * self._velocity * along * (g.dt / g.dx) ** 2
        medium = lay_out(change, rates.cpu().double(), g, self._like)
        of_added = self._lines.of_sources(
            2 * self._at_sources(self._velocity) * self._at_sources(along) * g.dt**2
        )
        step, fields, seen = prepare(tangent_steps, self._compile), self._fields(4), []
        for added in zip(self._added, of_added, strict=True):
            *fields, rows = step(*fields, self._medium, medium, *added)
            seen.append(rows)
        return self._lines.at_receivers(seen)

    @torch.no_grad()
    def vjp(self, residual: Tensor) -> Tensor:
        """Vector-Jacobian product: a misfit's gradient with respect to the maps.

        Args:
            residual: the misfit's gradient with respect to the gathers, (B, S, T, R).

        Returns:
            (B, nz, nx) float64, on the processor.
        """
        if self._every is None:
            raise ValueError("simulate must keep what vjp needs; pass keep=True")
        again, back = (prepare(steps, self._compile) for steps in (save_steps, adjoint_steps))
        added, fields, seen = self._adjoint_lines(residual), self._fields(2), []
        image = torch.zeros_like(self._medium.a)
        for point in reversed(range(len(self._checkpoints))):
            p, d = self._checkpoints[point]
            first = point * self._every
            calls = range(first, min(first + self._every, self._lines.calls))
            saved = []
            for call in calls:
                p, d, *pushes = again(p, d, self._medium, self._added[call])
                saved.append(pushes)
            for call in reversed(calls):
                *fields, image, rows = back(*fields, image, self._medium, added[call], saved.pop())
                seen.append(rows)
        return self._gradient(image, seen[::-1])

    def vmin_vjp(self, residual: Tensor) -> Tensor:
        """A misfit's gradient with respect to the sponges' velocities, (B,) float64."""
        still, along = torch.zeros_like(self._velocity), torch.ones(len(self._velocity))
        change = self.jvp(still, along).cpu().double()
        return (change * residual.cpu().double()).sum((1, 2, 3))

    def _lay_out(self, velocity: Tensor, vmin: Tensor | None) -> None:
        """Check the maps and lay them out, on their device."""
        g, maps = self._geometry, velocity.cpu()
        lowest = check_maps(maps.numpy(), None if vmin is None else vmin.cpu().numpy(), g)
        double = velocity.dtype == torch.float64
        self._like = velocity.new_empty(0, dtype=torch.float64 if double else torch.float32)
        self._velocity = maps.double()
        self._courant2 = (self._velocity * g.dt / g.dx) ** 2
        self._medium = lay_out(4 / 3 * self._courant2, torch.from_numpy(lowest), g, self._like)
        self._lines = Lines(g, len(maps), self._steps, self._like)
        self._added = self._lines.of_sources((self._at_sources(self._velocity) * g.dt) ** 2)
        by_device = pays_to_compile(velocity.device)
        self._compile = by_device if self._compiled is None else self._compiled

    def _gradient(self, image: Tensor, rows: list[Tensor]) -> Tensor:
        """Gradient of an image and the adjoint rows at the sources (fwi.physics.kernel.shot)."""
        g = self._geometry
        folded = fold(image.cpu().double(), g.sponge_width)
        gradient = 2 * folded / (self._courant2 * self._velocity)
        part = 2 * g.dx**2 / self._at_sources(self._velocity) * self._lines.at_sources(rows)
        gradient[:, g.source_depth_idx].index_add_(1, torch.from_numpy(g.source_idx), part)
        return gradient

    def _at_sources(self, maps: Tensor) -> Tensor:
        """Values of maps where the sources stand, (B, S)."""
        return maps[:, self._geometry.source_depth_idx, self._geometry.source_idx]

    def _adjoint_lines(self, residual: Tensor) -> Tensor:
        """The residual times (v dt / dx)^2: what the receivers add, call by call."""
        g, values = self._geometry, residual.to(self._like)
        courant2 = self._courant2[:, g.receiver_depth_idx, g.receiver_idx].to(self._like)
        return self._lines.of_receivers(values * courant2[:, None, None])

    def _fields(self, count: int) -> list[Tensor]:
        """Wavefields at rest."""
        batch, _, rows, columns = self._medium.a.shape
        shape = (batch, len(self._geometry.source_x), rows, columns)
        return [self._like.new_zeros(shape) for _ in range(count)]

    def _spacing(self) -> int:
        """Calls between two checkpoints: as few as the memory allows, since copies cost time."""
        calls, shots = self._lines.calls, len(self._geometry.source_x)
        fields = shots * self._medium.a[0].numel() * self._like.itemsize / 1e6
        needs = [
            fields * (2 * -(-calls // every) + every * self._steps) for every in range(1, calls + 1)
        ]
        fitting = [every for every, need in enumerate(needs, 1) if need <= self._memory]
        if not fitting:
            raise ValueError(
                f"memory must be at least {math.ceil(min(needs))} MB a sample for this geometry "
                f"and {shots} shots, got {self._memory:g}; raise it or use fewer shots"
            )
        return fitting[0]
