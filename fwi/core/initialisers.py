"""Where training starts: random weights that neither fade nor grow from layer to layer.

A weight of shape (outputs, inputs, ...) reads fan_in = inputs * positions values for one output,
and hands one input on to fan_out = outputs * positions values; positions is a kernel's area, 1 in
a linear layer. The variance of the weights decides what a signal's variance becomes:

    Glorot: 2 / (fan_in + fan_out)    He: 2 / fan_in    orthogonal: the norm stays, W W^T = 1

A uniform draw between -a and a has the variance a^2 / 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt

from fwi.core.arrays import float_dtype, generator
from fwi.registry import nearest

Weights = npt.NDArray[np.floating]
_hollow = ContextVar("hollow", default=False)
Initialiser = Callable[[Sequence[int], np.random.Generator], Weights]


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Count fan_in and fan_out of a weight of shape (outputs, inputs, ...).

    Raises:
        ValueError: if it has fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"shape must be (outputs, inputs, ...), got {tuple(shape)}; add an axis")
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


def glorot_uniform(shape: Sequence[int], rng: np.random.Generator) -> Weights:
    """Draw from U(-a, a), a = sqrt(6 / (fan_in + fan_out)).

    Source:
        Glorot and Bengio, AISTATS 2010, equation 16.
    """
    bound = math.sqrt(6 / sum(fans(shape)))
    return rng.uniform(-bound, bound, shape)


def glorot_normal(shape: Sequence[int], rng: np.random.Generator) -> Weights:
    """Draw from N(0, s^2), s^2 = 2 / (fan_in + fan_out).

    Source:
        Glorot and Bengio, AISTATS 2010, equation 12.
    """
    return rng.normal(0.0, math.sqrt(2 / sum(fans(shape))), shape)


def he_uniform(shape: Sequence[int], rng: np.random.Generator) -> Weights:
    """Draw from U(-a, a), a = sqrt(6 / fan_in): for rectifiers, which halve the variance.

    Source:
        He et al., arXiv 1502.01852, equation 10, with a uniform draw of that variance.
    """
    bound = math.sqrt(6 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


def he_normal(shape: Sequence[int], rng: np.random.Generator) -> Weights:
    """Draw from N(0, s^2), s^2 = 2 / fan_in: for rectifiers, which halve the variance.

    Source:
        He et al., arXiv 1502.01852, equation 10.
    """
    return rng.normal(0.0, math.sqrt(2 / fans(shape)[0]), shape)


def orthogonal(shape: Sequence[int], rng: np.random.Generator) -> Weights:
    """Draw orthonormal rows (or columns, if these are fewer) from Gaussian = Q R, diag R > 0.

    Source:
        Saxe, McClelland and Ganguli, arXiv 1312.6120; the sign of R's diagonal, without which Q
        is not uniform over the rotations: Mezzadri, arXiv math-ph/0609050, section 5.
    """
    rows, columns = shape[0], fans(shape)[0]
    gaussian = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q = q * np.sign(np.diag(r))
    return (q if rows >= columns else q.T).reshape(shape)


INITIALISERS: dict[str, Initialiser] = {
    function.__name__: function
    for function in (glorot_uniform, glorot_normal, he_uniform, he_normal, orthogonal)
}


def initial(
    name: str, shape: Sequence[int], rng: int | np.random.Generator, dtype: str = "float32"
) -> Weights:
    """Draw a weight by the initialiser's name.

    Args:
        name: one of INITIALISERS.
        shape: (outputs, inputs, ...).
        rng: a seed, or a generator that goes on where it stands.
        dtype: float32 or float64.

    Returns:
        The weight.

    Raises:
        KeyError: if there is no such initialiser.
        ValueError: if the shape has fewer than two axes, or the dtype is another.
    """
    if not isinstance(name, str) or name not in INITIALISERS:
        raise KeyError(
            f"initialiser must be a known name, got {name!r}; {nearest(str(name), INITIALISERS)}"
        )
    drawing, kind = generator(rng), float_dtype(dtype)
    fans(shape)
    if _hollow.get():
        return np.broadcast_to(np.zeros((), kind), shape)
    return INITIALISERS[name](shape, drawing).astype(kind)


def constant(value: float, shape: Sequence[int], dtype: str = "float32") -> Weights:
    """Give an array of one value, float32 or float64.

    Raises:
        ValueError: if the dtype is another.
    """
    if _hollow.get():
        return np.broadcast_to(np.full((), value, float_dtype(dtype)), shape)
    return np.full(shape, value, float_dtype(dtype))


@contextmanager
def hollow() -> Iterator[None]:
    """Make weights that have a shape and take no memory, where others replace them at once.

    What a file says of a layer's size is so compared with its arrays before anything is made.
    """
    before = _hollow.set(True)
    try:
        yield
    finally:
        _hollow.reset(before)
