"""Small images: their data, the from-scratch network, and what is said of it."""

import signal

import numpy as np
import pytest
import torch
from scratch_twin import torch_twin
from sklearn.datasets import load_digits, load_sample_image

from fwi.baselines import cifar
from fwi.baselines.cifar import (
    Images,
    accuracy,
    classify,
    digits,
    fit_resnet9,
    fit_scratch_cnn,
    robust_accuracy,
    scratch_cnn,
)


def test_digits_are_divided_once_and_in_equal_shares() -> None:
    images = digits()
    assert images.train.shape == (1437, 1, 8, 8)
    assert images.test.shape == (360, 1, 8, 8)
    assert images.train.dtype == np.float32
    together = np.concatenate([images.train, images.test]).reshape(-1, 64) * 16
    # The same 1,797 images, in another order.
    assert sorted(map(tuple, together)) == sorted(map(tuple, load_digits().data))
    assert set(np.bincount(images.test_labels)) <= {35, 36, 37}


def test_accuracy_is_the_part_that_is_right() -> None:
    images, labels = np.zeros((8, 1, 4, 4)), np.array([0, 1] * 4)
    assert accuracy(lambda x: np.zeros(len(x), int), images, labels) == 0.5


def test_robust_accuracy_counts_images_that_bear_every_move() -> None:
    """The class of an image is whether its pixel (2, 2) is lit, which a move takes away."""
    images = np.zeros((4, 1, 5, 5))
    images[0, 0, 2, 2] = 1  # lit alone: every move changes its class
    images[1] = 1  # lit all over: no move does
    images[2, 0, 2, 1] = 1  # a move to the right lights the pixel
    labels = np.array([1, 1, 0, 0])

    def classes(x: np.ndarray) -> np.ndarray:
        return (x[:, 0, 2, 2] > 0).astype(int)

    assert accuracy(classes, images, labels) == 1
    assert robust_accuracy(classes, images, labels) == 0.5


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 32)])
def test_scratch_network_is_that_of_torch(channels: int, side: int) -> None:
    network = scratch_cnn(channels, (side, side), dtype="float64", seed=3)
    twin = torch_twin(channels, side).double()
    for (_, ours), theirs in zip(network.layer.children(), twin, strict=True):
        for key, value in ours.params.items():
            getattr(theirs, key).data = torch.from_numpy(value.copy())
    images = np.random.default_rng(0).normal(size=(5, channels, side, side))
    expected = twin.eval()(torch.from_numpy(images)).detach().numpy()
    # float64 rounding of sums of a few thousand terms.
    np.testing.assert_allclose(network.predict(images), expected, rtol=0, atol=1e-10)


def test_an_interrupted_fit_is_not_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def pressed(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return np.mean(prediction), np.zeros_like(prediction)

    monkeypatch.setattr(cifar, "cross_entropy", pressed)
    with pytest.raises(KeyboardInterrupt):
        fit_scratch_cnn(digits(), 2)
    assert len(calls) == 3


def photographs() -> Images:
    """Cut scikit-learn's two photographs into patches of 3 x 32 x 32, each labelled by its own."""
    patches, labels = [], []
    for label, name in enumerate(("china.jpg", "flower.jpg")):
        picture = load_sample_image(name)[:416, :640].transpose(2, 0, 1) / np.float32(255)
        cut = picture.reshape(3, 13, 32, 20, 32).transpose(1, 3, 0, 2, 4).reshape(-1, 3, 32, 32)
        patches.append(cut)
        labels.append(np.full(len(cut), label))
    x, y = np.concatenate(patches), np.concatenate(labels)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = np.ascontiguousarray(x[order]), y[order]
    return Images(x[:400], y[:400], x[400:], y[400:])


def test_patches_of_photographs_are_told_apart() -> None:
    images = photographs()
    assert images.test.shape == (120, 3, 32, 32)
    network = fit_scratch_cnn(images, epochs=6)
    # 0.5 without learning, measured 0.96 and 0.95; a standard deviation of 120 patches is 0.02 to
    # 0.03, and the last epochs of ResNet9 vary from 0.83 to 0.96.
    assert network.history["validation_accuracy"][-1] > 0.85
    model, history = fit_resnet9(images, 6, batch_size=50, width=16)
    assert history["accuracy"][-1] > 0.85
    assert accuracy(lambda x: classify(model, x), images.test, images.test_labels) > 0.85
