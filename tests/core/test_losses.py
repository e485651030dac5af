"""The losses against torch, central differences and at extreme logits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from layer_oracle import BY_STEPS, EXACT, LIBRARIES, STEP, Values, draw, gap

from fwi.core.losses import binary_cross_entropy, cross_entropy, l1, mse


def real(shape: tuple[int, ...]) -> Values:
    return draw(*shape, seed=1)


def parts(shape: tuple[int, ...]) -> Values:
    return np.random.default_rng(1).random(shape)


def labels(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, shape[1], shape[0])


CASES: dict[str, tuple[Callable, Callable, Callable]] = {
    "mse": (mse, F.mse_loss, real),
    "l1": (l1, F.l1_loss, real),
    "cross-entropy": (cross_entropy, F.cross_entropy, labels),
    "binary": (binary_cross_entropy, F.binary_cross_entropy_with_logits, parts),
}


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("ours", "theirs", "targets"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("shape", [(8, 5), (1, 5), (1, 1)])
def test_value_and_gradient_agree_with_torch(
    ours: Callable, theirs: Callable, targets: Callable, shape: tuple[int, ...], library: str
) -> None:
    change, x, target = LIBRARIES[library], 3 * draw(*shape), targets(shape)
    there = torch.tensor(x, requires_grad=True)
    expected = theirs(there, torch.tensor(target))
    expected.backward()
    value, gradient = ours(change(x), change(target))
    assert gap(value, expected) < EXACT
    assert gap(gradient, there.grad) < EXACT


@pytest.mark.parametrize(("ours", "theirs", "targets"), CASES.values(), ids=CASES)
def test_gradients_agree_with_central_differences(
    ours: Callable, theirs: Callable, targets: Callable
) -> None:
    x, target, direction = draw(8, 5), targets((8, 5)), draw(8, 5, seed=3)
    ends = [ours(x + sign * STEP * direction, target)[0] for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * STEP)
    assert abs(slope - (ours(x, target)[1] * direction).sum()) < BY_STEPS


@pytest.mark.parametrize(("ours", "theirs", "targets"), CASES.values(), ids=CASES)
def test_eight_copies_of_a_sample_have_the_value_of_one(
    ours: Callable, theirs: Callable, targets: Callable
) -> None:
    x, target = draw(1, 5), targets((1, 5))
    one, gradient = ours(x, target)
    eight, gradients = ours(np.repeat(x, 8, 0), np.repeat(target, 8, 0))
    assert abs(one - eight) < EXACT
    assert gap(gradients.sum(0, keepdims=True), gradient) < EXACT


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(("ours", "theirs", "targets"), CASES.values(), ids=CASES)
def test_float32_stays_float32(
    ours: Callable, theirs: Callable, targets: Callable, library: str
) -> None:
    target = targets((4, 5))
    target = target.astype("float32") if target.dtype == "float64" else target
    change = LIBRARIES[library]
    value, gradient = ours(change(draw(4, 5).astype("float32")), change(target))
    assert str(value.dtype).endswith("float32")
    assert str(gradient.dtype).endswith("float32")


def test_labels_of_every_whole_type_give_the_same() -> None:
    z, target = draw(8, 5), labels((8, 5))
    for dtype in ("uint8", "int8", "int32", "int64"):
        assert gap(cross_entropy(z, target.astype(dtype))[1], cross_entropy(z, target)[1]) == 0


def test_extreme_logits_give_the_distance_and_no_overflow() -> None:
    z = np.array([[1e4, 0.0], [0.0, -1e4]])
    with np.errstate(all="raise", under="ignore"):
        wrong = cross_entropy(z, np.array([1, 1]))
        binary = binary_cross_entropy(z, np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert wrong[0] == 1e4
    # (1e4 + log 2 + log 2 + 1e4) / 4
    assert binary[0] == pytest.approx((2e4 + 2 * np.log(2)) / 4, rel=1e-15)


@pytest.mark.parametrize("loss", [mse, l1, binary_cross_entropy])
def test_shapes_that_would_be_broadcast_are_refused(loss: Callable) -> None:
    with pytest.raises(ValueError, match=r"prediction's shape \(8, 1\), got \(8,\)"):
        loss(draw(8, 1), draw(8))


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (np.zeros(8), TypeError, "labels must be whole numbers, got float64"),
        (np.zeros((8, 5), int), ValueError, r"labels must be \(8\), got \(8, 5\)"),
        (np.arange(8), ValueError, "labels must be 0 to 4, got 0 to 7"),
        (np.arange(8) % 5 - 1, ValueError, "labels must be 0 to 4, got -1 to 3"),
    ],
)
def test_labels_that_name_no_class_are_refused(
    target: np.ndarray, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        cross_entropy(draw(8, 5), target)
