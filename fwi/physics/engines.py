"""Engines by name. Each linearises arrays or tensors of maps, and gives back what it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from fwi.geometry import AcquisitionGeometry
from fwi.physics.intake import is_tensor
from fwi.physics.kernel.operator import KernelOperator
from fwi.physics.operator import OnSample, Operator
from fwi.physics.surrogate.operator import SurrogateOperator
from fwi.registry import Registry


class Engine(Protocol):
    """What makes operators; the arguments are those of `fwi.linearize`."""

    def __call__(
        self,
        velocity: Any,
        geometry: AcquisitionGeometry,
        *,
        vmin: Any,
        threads: int | None,
        memory: float | None,
        on_sample: OnSample | None,
    ) -> Operator:
        """Linearise the scheme about maps."""


ENGINES: Registry[Engine] = Registry("engine")


@ENGINES.register("auto")
def auto(velocity: Any, geometry: AcquisitionGeometry, **how: Any) -> Operator:
    """The compiled kernel for maps in the processor's memory, torch operations elsewhere."""
    elsewhere = is_tensor(velocity) and velocity.device.type != "cpu"
    return (dense if elsewhere else kernel)(velocity, geometry, **how)


@ENGINES.register("kernel")
def kernel(velocity: Any, geometry: AcquisitionGeometry, **how: Any) -> Operator:
    """The exact scheme, compiled for the processor."""
    return _in_arrays(KernelOperator, velocity, geometry, **how)


@ENGINES.register("dense")
def dense(
    velocity: Any, geometry: AcquisitionGeometry, *, threads: int | None, **how: Any
) -> Operator:
    """The exact scheme in torch operations, which have threads of their own."""
    from fwi.physics.adapters import ArrayOperator, to_tensor
    from fwi.physics.dense.operator import DenseOperator

    if is_tensor(velocity):
        return DenseOperator(velocity, geometry, **how)
    return ArrayOperator(DenseOperator(to_tensor(velocity), geometry, **how))


@ENGINES.register("surrogate")
def surrogate(velocity: Any, geometry: AcquisitionGeometry, **how: Any) -> Operator:
    """Absorbing layers for the data's sponge: faster, and not exact."""
    return _in_arrays(SurrogateOperator, velocity, geometry, **how)


def _in_arrays(
    engine: Callable[..., Operator],
    velocity: Any,
    geometry: AcquisitionGeometry,
    *,
    vmin: Any,
    **how: Any,
) -> Operator:
    """Linearise by an engine of arrays."""
    if not is_tensor(velocity):
        vmin = None if vmin is None else np.asarray(vmin)
        return engine(np.asarray(velocity), geometry, vmin=vmin, **how)
    from fwi.physics.adapters import TensorOperator, to_array

    vmin = None if vmin is None else to_array(vmin)
    return TensorOperator(engine(to_array(velocity), geometry, vmin=vmin, **how), velocity.device)
