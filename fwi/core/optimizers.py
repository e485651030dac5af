"""Seven rules that move a parameter w along its gradient g; r is the rate of step t = 1, 2, ...

All moments start as zeros, and the definitions, where papers differ, are those of torch.optim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from fwi.core.arrays import Array
from fwi.core.optimizer import Moments, Optimizer


@dataclass
class SGD(Optimizer):
    """Gradient descent on batches: w <- w - r g.

    Source:
        Robbins and Monro, 1951, doi 10.1214/aoms/1177729586.
    """

    rate: float = 1e-2

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r g."""
        return w - rate * g


@dataclass
class Momentum(Optimizer):
    """A heavy ball: v <- m v + g, w <- w - r v.

    Attributes:
        momentum: m, 0 to below 1; a constant gradient moves w by r g / (1 - m) a step.

    Source:
        Polyak, 1964, doi 10.1016/0041-5553(64)90137-5; the rate outside the velocity, as in
        Sutskever et al., 2013, is torch's form.
    """

    remembered: ClassVar[tuple[str, ...]] = ("v",)
    rate: float = 1e-2
    momentum: float = 0.9

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r v."""
        v = moments["v"] = self.momentum * moments["v"] + g
        return w - rate * v


@dataclass
class Nesterov(Optimizer):
    """Momentum that looks ahead: v <- m v + g, w <- w - r (g + m v).

    Attributes:
        momentum: m, 0 to below 1.

    Source:
        Nesterov, 1983, in the form of Sutskever et al., 2013, eqs. (3) and (4), written for the
        point that looks ahead.
    """

    remembered: ClassVar[tuple[str, ...]] = ("v",)
    rate: float = 1e-2
    momentum: float = 0.9

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r (g + m v)."""
        v = moments["v"] = self.momentum * moments["v"] + g
        return w - rate * (g + self.momentum * v)


@dataclass
class AdaGrad(Optimizer):
    """Smaller steps where gradients were large: s <- s + g^2, w <- w - r g / (sqrt(s) + eps).

    Attributes:
        eps: keeps the quotient finite, at least 0.

    Source:
        Duchi, Hazan and Singer, 2011, JMLR 12, eq. (1) with a diagonal matrix.
    """

    remembered: ClassVar[tuple[str, ...]] = ("s",)
    rate: float = 1e-2
    eps: float = 1e-10

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r g / (sqrt(s) + eps)."""
        s = moments["s"] = moments["s"] + g * g
        return w - rate * g / (array_namespace(s).sqrt(s) + self.eps)


@dataclass
class RMSProp(Optimizer):
    """AdaGrad that forgets: s <- b s + (1 - b) g^2, w <- w - r g / (sqrt(s) + eps).

    Attributes:
        memory: b, 0 to below 1; gradients of the last 1 / (1 - b) steps count.
        eps: keeps the quotient finite, at least 0.

    Source:
        Tieleman and Hinton, 2012, lecture 6.5 of Neural Networks for Machine Learning.
    """

    remembered: ClassVar[tuple[str, ...]] = ("s",)
    rate: float = 1e-2
    memory: float = 0.99
    eps: float = 1e-8

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r g / (sqrt(s) + eps)."""
        s = moments["s"] = self.memory * moments["s"] + (1 - self.memory) * g * g
        return w - rate * g / (array_namespace(s).sqrt(s) + self.eps)


@dataclass
class Adam(Optimizer):
    """Momentum over RMSProp, both freed from their start at zero.

    m <- b1 m + (1 - b1) g
    s <- b2 s + (1 - b2) g^2
    w <- w - r / (1 - b1^t) m / (sqrt(s / (1 - b2^t)) + eps)

    Attributes:
        beta1: b1, memory of the mean, 0 to below 1.
        beta2: b2, memory of the square, 0 to below 1.
        eps: keeps the quotient finite, at least 0.

    Source:
        Kingma and Ba, arXiv 1412.6980, algorithm 1.
    """

    remembered: ClassVar[tuple[str, ...]] = ("m", "s")
    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give w - r m' / (sqrt(s') + eps), where a prime marks a moment without its bias."""
        m = moments["m"] = self.beta1 * moments["m"] + (1 - self.beta1) * g
        s = moments["s"] = self.beta2 * moments["s"] + (1 - self.beta2) * g * g
        mean, square = m / (1 - self.beta1**t), s / (1 - self.beta2**t)
        return w - rate * mean / (array_namespace(s).sqrt(square) + self.eps)


@dataclass
class AdamW(Adam):
    """Adam whose weights shrink by themselves: w <- (1 - r d) w, then Adam's step.

    Attributes:
        weight_decay: d, at least 0; unlike `l2` it never passes through the moments.

    Source:
        Loshchilov and Hutter, arXiv 1711.05101, algorithm 2.
    """

    weight_decay: float = 1e-2

    def rule(self, w: Array, g: Array, moments: Moments, t: int, rate: float) -> Array:
        """Give Adam's step from (1 - r d) w."""
        return super().rule((1 - rate * self.weight_decay) * w, g, moments, t, rate)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    rule.__name__: rule for rule in (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adam, AdamW)
}
