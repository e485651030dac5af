"""What an optimizer is: a rule that moves every parameter once a step, and what it remembers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from array_api_compat import array_namespace

from fwi.core.arrays import Array, real
from fwi.core.layer import Layer, check_layer
from fwi.schedules import inverse_time

Moments = dict[str, Array]


@dataclass
class Optimizer(ABC):
    """One step for every parameter w with gradient g = dL/dw, at step t = 0, 1, ...

    r_t = rate / (1 + decay t), unless the caller gives another rate
    g  <- g + l2 w, the gradient of the penalty (l2 / 2) |w|^2
    w  <- rule(w, g, moments, t + 1, r_t)

    Parameters are replaced, never changed in place: arrays taken before a step keep their values.

    Attributes:
        rate: learning rate, above 0.
        decay: of the learning rate, a step, at least 0.
        l2: weight of the penalty, on all parameters, at least 0.
        steps: made so far.
        moments: what the rule remembers, by the parameter's dotted path and the moment's name.
        remembered: names of the moments, which start as zeros.
    """

    remembered: ClassVar[tuple[str, ...]] = ()

    rate: float
    decay: float = field(default=0.0, kw_only=True)
    l2: float = field(default=0.0, kw_only=True)
    steps: int = field(default=0, init=False)
    moments: dict[str, Moments] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            TypeError: if one is no real number.
            ValueError: if one lies outside its range.
        """
        for name, value in self.settings().items():
            # A NumPy scalar of float64 would turn float32 parameters into float64.
            setattr(self, name, real(name, value))
            _check_setting(name, getattr(self, name))

    def settings(self) -> dict[str, float]:
        """Give what the constructor takes."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def set_momentum(self, momentum: float) -> None:
        """Set what the rule calls its momentum, or the memory of its mean gradient.

        Raises:
            TypeError: if it is no number, or the rule has neither.
            ValueError: if it is negative, or 1 and more.
        """
        name = next((n for n in ("momentum", "beta1") if n in self.settings()), None)
        if name is None:
            raise TypeError(
                f"optimizer must have momentum, got {type(self).__name__}; leave it out"
            )
        momentum = real("momentum of a step", momentum)
        _check_setting(name, momentum)
        setattr(self, name, momentum)

    def rate_at(self, step: int) -> float:
        """Give the learning rate of a step."""
        return inverse_time(step, self.rate, self.decay)

    def step(self, layer: Layer, rate: float | None = None) -> None:
        """Move every parameter of a layer, and of those inside, after its `backward`.

        Args:
            layer: whose `params` are replaced.
            rate: learning rate of this step, at least 0; its own if None.

        Raises:
            TypeError: if the layer is none, or the rate is no number.
            ValueError: if a parameter has no gradient, or the rate is negative or not finite.
        """
        check_layer("layer", layer)
        rate = self.rate_at(self.steps) if rate is None else real("rate", rate)
        _check_setting("rate of a step", rate)
        gradients = {path: grads[name] for path, grads, name in layer.entries("grads")}
        entries = list(layer.entries("params"))
        _check_gradients([path for path, _, _ in entries], gradients)
        self.steps += 1
        for path, params, name in entries:
            value, gradient = params[name], gradients[path]
            if self.l2:
                gradient = gradient + self.l2 * value
            if path not in self.moments:
                self.moments[path] = self._start(value)
            params[name] = self.rule(value, gradient, self.moments[path], self.steps, rate)

    @abstractmethod
    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give the new value of a parameter at step t = 1, 2, ..., and replace its moments."""

    def convert(self, change: Callable[[Array], Array]) -> None:
        """Replace every moment, such as by arrays of torch; layers have a `convert` of theirs."""
        for moments in self.moments.values():
            moments.update({name: change(value) for name, value in moments.items()})

    def _start(self, value: Array) -> Moments:
        xp = array_namespace(value)
        return {name: xp.zeros_like(value) for name in self.remembered}


def _check_setting(name: str, value: float) -> None:
    if name == "rate":
        fits, range_ = 0 < value < math.inf, "above 0 and finite"
    elif name in ("momentum", "memory", "beta1", "beta2"):
        fits, range_ = 0 <= value < 1, "at least 0 and below 1"
    else:
        fits, range_ = 0 <= value < math.inf, "at least 0 and finite"
    if not fits:
        raise ValueError(f"{name} must be {range_}, got {value:g}; choose another")


def _check_gradients(paths: list[str], gradients: dict[str, Any]) -> None:
    missing = [path for path in paths if path not in gradients]
    if missing:
        raise ValueError(
            f"grads must hold every parameter's, got none for {missing[0]!r}; run forward with "
            "training=True, then backward, before the step"
        )
