"""The exact operator in torch operations, on any of torch's devices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwi.arrays import Array
from fwi.geometry import OPENFWI, AcquisitionGeometry
from fwi.physics.adapters import to_array, to_tensor
from fwi.physics.dense.lines import Lines
from fwi.physics.dense.medium import DenseMedium, image_of_maps
from fwi.physics.dense.steps import (
    STEPS,
    adjoint_steps,
    pays_to_compile,
    prepare,
    record_steps,
    save_steps,
    tangent_steps,
)
from fwi.physics.operator import (
    MEMORY,
    OnSample,
    check_directions,
    check_residual,
    nothing_kept,
)
from fwi.physics.scheme.maps import (
    check_maps,
    gradient_of_image,
    run_dtype,
    squared_courant,
    squared_courant_change,
)


class DenseOperator:
    """The scheme linearised about a batch of maps (`fwi.physics.operator.Operator`), in tensors.

    Attributes:
        gathers: (B, S, T, R) of the maps, on their device.

    Args:
        velocity: maps (B, nz, nx), m/s, strictly positive.
        geometry: sources, receivers, grid and time axis.
        vmin: the velocity that each map's sponge is made for, (B,), m/s; by default the map's
            smallest one.
        memory: most MB of wavefields that a sample holds between its gathers and the end of
            `vjp`; None keeps nothing, and `vjp` cannot be called.
        on_sample: called with every sample's index, at the end: all are finished together.
        compiled: whether to compile the time steps; by default on a GPU.
        steps: taken by one call.

    Raises:
        ValueError: if the shape or a value does not fit, the time step is unstable, or the
            memory is too small.
        TypeError: if the maps are not floating.
    """

    @torch.no_grad()
    def __init__(
        self,
        velocity: Tensor,
        geometry: AcquisitionGeometry = OPENFWI,
        *,
        vmin: Any = None,
        memory: float | None = MEMORY,
        on_sample: OnSample | None = None,
        compiled: bool | None = None,
        steps: int = STEPS,
    ) -> None:
        self._geometry, self._steps = geometry, steps
        self._compile = pays_to_compile(velocity.device) if compiled is None else compiled
        self._lay_out(velocity, None if vmin is None else to_array(vmin))
        self._every = None if memory is None else self._spacing(memory)
        self._checkpoints: list[tuple[Tensor, Tensor]] = []
        self.gathers = self._run()
        if on_sample is not None:
            for sample in range(len(velocity)):
                on_sample(sample)

    @torch.no_grad()
    def jvp(self, direction: Tensor, vmin_direction: Any = None) -> Tensor:
        """Jacobian-vector product (`Operator.jvp`), (B, S, T, R)."""
        g, batch = self._geometry, len(self._velocity)
        check_directions(direction, vmin_direction, batch, g)
        along = to_array(direction).astype(np.float64)
        rates = np.zeros(batch) if vmin_direction is None else to_array(vmin_direction)
        slope = squared_courant_change(self._velocity, along, g)
        change = DenseMedium.of_maps(slope, rates.astype(np.float64), g, self._like)
        of_added = self._lines.of_sources(torch.from_numpy(self._at_sources(slope) * g.dx**2))
        step, fields, seen = prepare(tangent_steps, self._compile), self._fields(4), []
        for added in zip(self._added, of_added, strict=True):
            *fields, rows = step(*fields, self._medium, change, *added)
            seen.append(rows)
        return self._lines.at_receivers(seen)

    @torch.no_grad()
    def vjp(self, residual: Tensor) -> Tensor:
        """Vector-Jacobian product (`Operator.vjp`), (B, nz, nx) float64, float32 on mps."""
        if self._every is None:
            raise nothing_kept()
        check_residual(residual, len(self._velocity), self._geometry)
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
        return to_tensor(self._gradient(image, seen[::-1]), self._like.device)

    @torch.no_grad()
    def vmin_vjp(self, residual: Tensor) -> Tensor:
        """Gradient with respect to the sponges' velocities (`Operator.vmin_vjp`), (B,)."""
        check_residual(residual, len(self._velocity), self._geometry)
        still, along = np.zeros_like(self._velocity), np.ones(len(self._velocity))
        change = self.jvp(torch.from_numpy(still), along)
        product = to_array(change).astype(np.float64) * to_array(residual)
        return to_tensor(product.sum((1, 2, 3)), self._like.device)

    def _lay_out(self, velocity: Tensor, vmin: Array | None) -> None:
        """Check the maps and lay them out, on their device."""
        g, maps = self._geometry, to_array(velocity)
        lowest = check_maps(maps, vmin, g)
        double = run_dtype(maps) == np.float64
        self._like = velocity.new_empty(0, dtype=torch.float64 if double else torch.float32)
        self._velocity = maps.astype(np.float64)
        courant2 = squared_courant(self._velocity, g)
        self._medium = DenseMedium.of_maps(courant2, lowest, g, self._like)
        self._lines = Lines(g, len(maps), self._steps, self._like)
        strength = (self._at_sources(self._velocity) * g.dt) ** 2
        self._added = self._lines.of_sources(torch.from_numpy(strength))

    def _run(self) -> Tensor:
        """Make the gathers, and keep checkpoints if asked to."""
        step, (p, d), seen = prepare(record_steps, self._compile), self._fields(2), []
        for call, added in enumerate(self._added):
            if self._every is not None and call % self._every == 0:
                self._checkpoints.append((p, d))
            p, d, rows = step(p, d, self._medium, added)
            seen.append(rows)
        return self._lines.at_receivers(seen)

    def _gradient(self, image: Tensor, rows: list[Tensor]) -> Array:
        """Gradient of an image and the adjoint rows at the sources (fwi.physics.kernel.shot)."""
        g = self._geometry
        gradient = gradient_of_image(image_of_maps(image, g.sponge_width), self._velocity, g)
        of_source = 2 * g.dx**2 / self._at_sources(self._velocity)
        part = of_source * self._lines.at_sources(rows).numpy()
        for shot, column in enumerate(g.source_idx):  # several may stand in one cell
            gradient[:, g.source_depth_idx, column] += part[:, shot]
        return gradient

    def _at_sources(self, maps: Array) -> Array:
        """Values of maps where the sources stand, (B, S)."""
        return maps[:, self._geometry.source_depth_idx, self._geometry.source_idx]

    def _adjoint_lines(self, residual: Tensor) -> Tensor:
        """The residual times (v dt / dx)^2: what the receivers add, call by call."""
        g = self._geometry
        at_receivers = self._velocity[:, None, None, g.receiver_depth_idx, g.receiver_idx]
        courant2 = torch.from_numpy(squared_courant(at_receivers, g))
        return self._lines.of_receivers(residual.to(self._like) * courant2.to(self._like))

    def _fields(self, count: int) -> list[Tensor]:
        """Wavefields at rest."""
        batch, _, rows, columns = self._medium.a.shape
        shape = (batch, len(self._geometry.source_x), rows, columns)
        return [self._like.new_zeros(shape) for _ in range(count)]

    def _spacing(self, memory: float) -> int:
        """Calls between two checkpoints: as few as the memory allows, since copies cost time."""
        calls, shots = self._lines.calls, len(self._geometry.source_x)
        fields = shots * self._medium.a[0].numel() * self._like.itemsize / 1e6
        needs = [
            fields * (2 * -(-calls // every) + every * self._steps) for every in range(1, calls + 1)
        ]
        fitting = [every for every, need in enumerate(needs, 1) if need <= memory]
        if not fitting:
            raise ValueError(
                f"memory must be at least {math.ceil(min(needs))} MB a sample for this geometry "
                f"and {shots} shots, got {memory:g}; raise it or use fewer shots"
            )
        return fitting[0]
