"""Small images as a proving ground: their data, two networks, and how well they do.

The from-scratch network is

    convolution 10 x 7 x 7 - batch norm - ReLU - max-pool 2 - dropout 0.25 - linear 300 - leaky ReLU
    - linear 10,

the other one ResNet9 in torch. The data at hand without a download are scikit-learn's digits;
CIFAR-10 is read where the user has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fwi.baselines.accuracy import accuracy, robust_accuracy
from fwi.baselines.cifar_files import Images, read_cifar10
from fwi.baselines.one_cycle import fit_in_one_cycle
from fwi.baselines.resnet9 import ResNet9
from fwi.baselines.resnet9_training import classify, fit_resnet9
from fwi.core import (
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
)
from fwi.core.losses import cross_entropy

__all__ = [
    "Images",
    "ResNet9",
    "accuracy",
    "classify",
    "digits",
    "fit_resnet9",
    "fit_scratch_cnn",
    "read_cifar10",
    "robust_accuracy",
    "scratch_cnn",
]


def digits(test: int = 360, seed: int = 0) -> Images:
    """Give scikit-learn's 1,797 handwritten digits of 1 x 8 x 8 pixels, 0 to 1.

    Args:
        test: how many of them judge, in the same shares of each digit.
        seed: of the division.

    Source:
        Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI, doi 10.24432/C50P49.
    """
    whole = load_digits()
    images = (whole.images[:, None] / 16).astype(np.float32)
    labels = whole.target.astype(np.int64)
    parts = train_test_split(images, labels, test_size=test, stratify=labels, random_state=seed)
    train, judged, train_labels, judged_labels = parts
    return Images(train, train_labels, judged, judged_labels)


def scratch_cnn(
    in_channels: int = 3,
    size: Sequence[int] = (32, 32),
    n_outputs: int = 10,
    *,
    dropout: float = 0.25,
    seed: int = 0,
    dtype: str = "float32",
) -> Network:
    """Build the network of this module's head, written from scratch.

    Args:
        in_channels: of the images.
        size: their rows and columns.
        n_outputs: numbers that come out, for classes their logits.
        dropout: probability with which a value is left out in training.
        seed: of weights and dropout.
        dtype: "float32" or "float64".
    """
    rng = np.random.default_rng(seed)
    made: dict[str, Any] = {"rng": rng, "dtype": dtype}
    return Network(
        Conv2d(in_channels, 10, 7, padding=3, **made),
        BatchNorm(10, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Dropout(dropout, rng=rng),
        Flatten(),
        Linear(10 * (size[0] // 2) * (size[1] // 2), 300, **made),
        LeakyReLU(),
        Linear(300, n_outputs, **made),
    )


def fit_scratch_cnn(
    images: Images,
    epochs: int = 20,
    *,
    lr: float = 0.01,
    batch_size: int = 64,
    seed: int = 0,
    dtype: str = "float32",
) -> Network:
    """Fit the from-scratch network by Adam in one cycle; its history is `network.history`.

    Args:
        images: of any size.
        epochs: passes over the training part.
        lr: peak of the one-cycle schedule.
        batch_size: images a step.
        seed: of weights, dropout and order.
        dtype: "float32" or "float64".

    Raises:
        KeyboardInterrupt: if Ctrl-C ended the fit early.
    """
    channels, *size = images.train.shape[1:]
    n_classes = int(images.train_labels.max()) + 1
    network = scratch_cnn(channels, size, n_classes, seed=seed, dtype=dtype)
    return fit_in_one_cycle(
        network,
        images.train.astype(dtype),
        images.train_labels,
        cross_entropy,
        epochs,
        lr,
        batch_size,
        seed,
        validation=(images.test.astype(dtype), images.test_labels),
    )
