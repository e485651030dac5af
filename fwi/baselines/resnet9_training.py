"""ResNet9 fitted to small images: the one-cycle recipe of CIFAR-10.

Adam to a peak rate of 0.01 and back, weight decay 1e-4, gradient values clipped at 0.1, batches of
400, random crops of the reflected image and random left-right flips.

Source: Smith and Topin, super-convergence, arXiv 1708.07120; see `fwi.baselines.resnet9`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
import torch.nn.functional as F

from fwi.arrays import Array
from fwi.baselines.accuracy import accuracy
from fwi.baselines.cifar_files import Images
from fwi.baselines.one_cycle import WARMUP
from fwi.baselines.resnet9 import ResNet9
from fwi.core.batches import check_samples, shuffled, steps_in_epoch
from fwi.progress import progress_bar
from fwi.schedules import one_cycle


def fit_resnet9(
    images: Images,
    epochs: int = 8,
    *,
    lr: float = 0.01,
    weight_decay: float = 1e-4,
    clip: float = 0.1,
    batch_size: int = 400,
    crop: int = 4,
    flip: bool = True,
    width: int = 64,
    seed: int = 0,
) -> tuple[ResNet9, pl.DataFrame]:
    """Fit ResNet9, and judge it after each epoch.

    Args:
        images: square ones of at least 8 pixels a side, of any real dtype.
        epochs: passes over the training part.
        lr: peak of the one-cycle schedule.
        weight_decay: L2 penalty of Adam.
        clip: largest absolute value of a gradient.
        batch_size: images a step; a last single one joins the step before.
        crop: pixels by which an image is reflected at its sides before a crop of its own size.
        flip: mirror half of the images; digits must not be.
        width: channels of the first step, 64 for CIFAR.
        seed: of weights, order and augmentation.

    Returns:
        The network in eval, and a frame with epoch, loss, accuracy (of the test part) and lr.

    Raises:
        ValueError: if images and labels differ in number, or the batch size is below 1.
    """
    check_samples(images.train, images.train_labels, batch_size)
    torch.manual_seed(seed)
    n_classes = int(images.train_labels.max()) + 1
    model = ResNet9(images.train.shape[1], n_classes, width)
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=weight_decay)
    x, y = _tensor(images.train, np.float32), _tensor(images.train_labels, np.int64)
    batches = steps_in_epoch(len(x), batch_size)
    rows: list[dict[str, float]] = []
    with progress_bar("ResNet9", epochs * len(x)) as advance:
        for epoch in range(epochs):
            losses = []
            for i, chosen in enumerate(shuffled(len(x), batch_size, seed, epoch)):
                rate = one_cycle(epoch * batches + i, epochs * batches, lr, WARMUP)
                seen = augment(x[chosen], crop, flip)
                losses.append(_step(model, optimizer, seen, y[chosen], rate, clip))
                advance(len(chosen))
            right = accuracy(partial(classify, model), images.test, images.test_labels)
            rows.append(
                {"epoch": epoch + 1, "loss": float(np.mean(losses)), "accuracy": right, "lr": rate}
            )
            advance(0, note=f"accuracy {right:.1%}")
    return model.eval(), pl.DataFrame(rows)


def _step(
    model: ResNet9,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    rate: float,
    clip: float,
) -> float:
    """Learn from one batch, and give its loss."""
    model.train()
    optimizer.param_groups[0]["lr"] = rate
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(model.parameters(), clip)
    optimizer.step()
    return loss.item()


def augment(images: torch.Tensor, crop: int, flip: bool) -> torch.Tensor:
    """Crop each image (B, C, H, W) at random from its reflection, and mirror half of them."""
    n, _, height, width = images.shape
    padded = F.pad(images, [crop] * 4, "reflect") if crop else images
    down, across = torch.randint(2 * crop + 1, (2, n))
    rows = down[:, None] + torch.arange(height)
    columns = across[:, None] + torch.arange(width)
    if flip:
        columns = torch.where(torch.rand(n, 1) < 0.5, columns.flip(1), columns)
    samples = torch.arange(n)[:, None, None]
    # Indexed axes come first: (B, H, W, C).
    return padded[samples, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


@torch.inference_mode()
def classify(model: torch.nn.Module, images: Array, batch_size: int = 1000) -> Array:
    """Give the most probable class of each image (N, C, H, W): (N,) int64."""
    model.eval()
    parts = _tensor(images, np.float32).split(batch_size)
    return np.concatenate([model(part).argmax(1).numpy() for part in parts])


def _tensor(array: Array, dtype: npt.DTypeLike) -> torch.Tensor:
    """Share an array with torch, which takes neither negative strides nor two dtypes in one sum."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype))
