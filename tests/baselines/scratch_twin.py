"""The from-scratch network of `fwi.baselines.cifar`, in torch's own layers."""

from torch import nn


def torch_twin(channels: int, side: int) -> nn.Sequential:
    """Build it with torch's starting weights."""
    return nn.Sequential(
        nn.Conv2d(channels, 10, 7, padding=3),
        nn.BatchNorm2d(10),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(10 * (side // 2) ** 2, 300),
        nn.LeakyReLU(),
        nn.Linear(300, 10),
    )
