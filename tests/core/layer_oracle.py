"""What the tests of layers ask: the same numbers as torch's autograd and central differences."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fwi.core.layer import Array, Layer
from fwi.core.losses import mse

Values = npt.NDArray[np.float64]
Reference = Callable[[Tensor, dict[str, Tensor]], Tensor]

# The promise; float64 rounds at 1e-16 and sums of some thousand values at 1e-13.
EXACT = 1e-10
# Steps of 1e-5 leave errors near 1e-10 of the third derivative and 1e-11 of rounding.
STEP, BY_STEPS = 1e-5, 1e-8

LIBRARIES: dict[str, Callable[[Values], Array]] = {"numpy": np.array, "torch": torch.tensor}


def draw(*shape: int, seed: int = 0) -> Values:
    """Draw normal values in float64."""
    return np.random.default_rng(seed).normal(size=shape)


def randomise(layer: Layer, seed: int = 1) -> Layer:
    """Move every parameter off its start, so that no 0 or 1 hides a mistake."""
    rng = np.random.default_rng(seed)
    for _, inner in layer.walk():
        inner.params = {
            key: value + rng.normal(0, 0.3, value.shape).astype(value.dtype)
            for key, value in inner.params.items()
        }
    return layer


def arrays_of(layer: Layer, which: str) -> dict[str, Array]:
    """Collect params, grads or state of a layer and all inside, by dotted path."""
    return {
        f"{path}.{key}".lstrip("."): value
        for path, inner in layer.walk()
        for key, value in getattr(inner, which).items()
    }


def gradients(layer: Layer, x: Array, target: Array) -> tuple[Array, Array, dict[str, Array]]:
    """Go forward and back under the mean squared error: y, dL/dx and all dL/dw."""
    y = layer.forward(x, training=True)
    return y, layer.backward(mse(y, target)[1]), arrays_of(layer, "grads")


def gap_to_autograd(layer: Layer, reference: Reference, x: Values, library: str) -> float:
    """Find the largest difference of y, dL/dx and dL/dw to torch, L the mean over the batch."""
    layer = randomise(layer)
    leaves = {key: torch.tensor(value) for key, value in arrays_of(layer, "params").items()}
    there = torch.tensor(x)
    for leaf in (there, *leaves.values()):
        leaf.requires_grad_()
    expected = reference(there, leaves)
    target = draw(*expected.shape, seed=2)
    torch.nn.functional.mse_loss(expected, torch.tensor(target)).backward()

    change = LIBRARIES[library]
    layer.convert(change)
    y, image, found = gradients(layer, change(x), change(target))
    assert type(image) is type(y) is type(change(x))
    assert found.keys() == leaves.keys()
    pairs = [(y, expected), (image, there.grad), *((found[k], leaves[k].grad) for k in leaves)]
    return max(gap(ours, theirs) for ours, theirs in pairs)


def gap(ours: Array, theirs: Array) -> float:
    """Find the largest difference of two arrays of the same shape and precision."""
    a, b = (v.detach().numpy() if isinstance(v, Tensor) else np.asarray(v) for v in (ours, theirs))
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    return float(np.abs(a - b).max())


def gap_to_differences(layer: Layer, x: Values) -> float:
    """Find the largest difference of derivatives to (L(v + h d) - L(v - h d)) / 2h.

    Along a random direction d for x and for each parameter; copies of the layer draw alike.
    """
    layer = randomise(layer)
    target = draw(*copy.deepcopy(layer).forward(x, training=True).shape, seed=2)
    _, image, found = gradients(copy.deepcopy(layer), x, target)

    def slope(name: str | None, direction: Values) -> float:
        losses = []
        for sign in (1, -1):
            moved, there = copy.deepcopy(layer), x
            if name is None:
                there = x + sign * STEP * direction
            else:
                array = arrays_of(moved, "params")[name]
                array += sign * STEP * direction
            losses.append(float(mse(moved.forward(there, training=True), target)[0]))
        return (losses[0] - losses[1]) / (2 * STEP)

    gaps = []
    for seed, (name, gradient) in enumerate([(None, image), *found.items()]):
        direction = draw(*gradient.shape, seed=3 + seed)
        gaps.append(abs(slope(name, direction) - float((gradient * direction).sum())))
    return max(gaps)


def precisions(layer: Layer, x: npt.NDArray[np.float32], library: str) -> set[str]:
    """Name the dtypes of all that a layer gives in training and out, kept statistics included."""
    change = LIBRARIES[library]
    layer.convert(change)
    y = layer.forward(change(x), training=True)
    image = layer.backward(y)
    still = layer.forward(change(x))
    kept = [*arrays_of(layer, "grads").values(), *arrays_of(layer, "state").values()]
    return {str(array.dtype).removeprefix("torch.") for array in (y, image, still, *kept)}
