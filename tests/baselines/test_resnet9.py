"""ResNet9 on small images."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from fwi.baselines.cifar_files import Images
from fwi.baselines.resnet9 import ResNet9, ResNet9Trunk
from fwi.baselines.resnet9_training import augment, classify, fit_resnet9


def test_parameters_are_those_of_its_nine_layers() -> None:
    w = [3, 64, 128, 128, 128, 256, 512, 512, 512]  # channels before and after each convolution
    convolutions = sum(9 * a * b + 2 * b for a, b in pairwise(w))
    # Each convolution has a scale and a shift for every channel; the linear layer has a bias.
    assert sum(p.numel() for p in ResNet9().parameters()) == convolutions + 512 * 10 + 10


def test_trunk_halves_its_maps_three_times() -> None:
    maps = ResNet9Trunk(5, 8)(torch.randn(2, 5, 72, 72))
    assert [m.shape[1:] for m in maps] == [(8, 72, 72), (16, 36, 36), (32, 18, 18), (64, 9, 9)]


def test_augmented_images_are_crops_and_mirrors_of_the_reflection() -> None:
    torch.manual_seed(0)
    images = torch.randn(64, 3, 8, 8)
    made = augment(images, 2, flip=True)
    padded = torch.nn.functional.pad(images, [2] * 4, "reflect")
    mirrored = 0
    for one, source in zip(made, padded, strict=True):
        crops = source.unfold(1, 8, 1).unfold(2, 8, 1)  # (C, 5, 5, 8, 8)
        same = [(crops == c[:, None, None]).all((0, 3, 4)).any() for c in (one, one.flip(2))]
        assert any(same)
        mirrored += int(same[1])
    assert 16 < mirrored < 48  # half of 64, within four standard deviations
    torch.testing.assert_close(augment(images, 0, flip=False), images, rtol=0, atol=0)


def test_separable_images_are_learned_and_the_fit_repeats() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    x = rng.normal(0, 0.1, (90, 1, 8, 8)).astype(np.float32)
    x[labels == 1, :, ::2] += 1  # rows, columns, or neither
    x[labels == 2, :, :, ::2] += 1
    images = Images(x[:60], labels[:60], x[60:], labels[60:])
    # Twelve epochs of three steps: the running statistics follow the weights by a tenth a step.
    options = {"batch_size": 20, "crop": 0, "flip": False, "width": 4, "epochs": 12}
    model, history = fit_resnet9(images, **options)
    assert history["accuracy"][-1] == 1
    assert history["epoch"].to_list() == list(range(1, 13))
    assert (classify(model, images.test, batch_size=7) == images.test_labels).all()
    assert fit_resnet9(images, **options)[1].equals(history)


def small_images(n: int = 21) -> Images:
    rng = np.random.default_rng(1)
    x = rng.random((n + 9, 1, 8, 8)).astype(np.float32)
    labels = np.arange(n + 9) % 3
    return Images(x[:n], labels[:n], x[n:], labels[n:])


def test_a_last_single_image_joins_the_step_before() -> None:
    # Images of 8 x 8 end as one value a channel, which alone has no variance.
    _, history = fit_resnet9(small_images(21), 1, batch_size=10, crop=1, width=4)
    assert history["loss"].is_finite().all()


def test_images_of_other_dtypes_and_strides_fit_alike() -> None:
    images, options = small_images(), {"epochs": 2, "batch_size": 10, "crop": 1, "width": 4}
    flipped = [
        np.ascontiguousarray(x[..., ::-1]).astype(float) for x in (images.train, images.test)
    ]
    other = Images(
        flipped[0][..., ::-1],
        images.train_labels.astype(np.int32),
        flipped[1][..., ::-1],
        images.test_labels.astype(np.uint8),
    )
    model, history = fit_resnet9(other, **options)
    assert history.equals(fit_resnet9(images, **options)[1])
    np.testing.assert_array_equal(classify(model, other.test), classify(model, images.test))


def test_images_without_as_many_labels_are_refused() -> None:
    images = small_images()
    with pytest.raises(ValueError, match="same number of samples, at least 1, got 21 and 20"):
        fit_resnet9(replace(images, train_labels=images.train_labels[1:]), 1)
