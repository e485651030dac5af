"""InversionNet: everything that the gathers say in one vector, and the map grown out of it.

Convolutions down the time axis halve it until time and receivers are about equally long, square
ones bring both to nothing, and transposed convolutions double 5 x 5 cells to 80 x 80. Nothing
passes beside the vector: gathers and maps are not aligned.

Source: Wu and Lin, InversionNet, arXiv 1811.07875; in the sizes of Deng et al., OpenFWI, arXiv
2111.02926, whose network has 24.4 million parameters. OpenFWI takes the logarithm of the
amplitudes; here `Preprocess` compresses them by asinh, which is the same for large ones, and
linear for small ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from fwi.models.heads import Output
from fwi.models.network import Network, middle
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, RECORD, Shape, check_map_shape

SLOPE = 0.2  # of the leaky rectifiers
_DOWN_TIME = ((32, 7, 2), (64, 3, 2), (64, 3, 1), (64, 3, 2), (64, 3, 1), (128, 3, 2), (128, 3, 1))
_SQUARE = ((128, 2), (128, 1), (256, 2), (256, 1), (256, 2), (256, 1))
_VECTOR = 512
_REST = (8, 9)  # rows and columns that 1000 x 70 samples come down to
_UP = (256, 128, 64, 32)  # each doubles the rows and columns that the vector is unfolded to


class InversionBody(nn.Module):
    """An encoder to one vector, and a decoder from it.

    Args:
        n_shots: channels of the gathers.
        width: factor on every number of channels, 1 for OpenFWI's.
        map_shape: rows and columns of the features.

    Attributes:
        channels: of the features.

    Raises:
        ValueError: if the width leaves a layer without channels.
    """

    def __init__(self, n_shots: int, width: float, map_shape: Shape = MAP) -> None:
        super().__init__()
        self.map_shape = map_shape
        if round(width * min(_UP)) < 1:
            raise ValueError(f"width must be at least 1/{min(_UP)}, got {width:g}; 1 is OpenFWI's")
        layers: list[nn.Module] = []
        before = n_shots
        for make, channels, sizes in _layers(map_shape):
            after = round(width * channels)
            layers.append(_block(make(before, after, bias=False, **sizes), after))
            before = after
        self.layers = nn.Sequential(*layers)
        self.channels = before

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, n_shots, 1000, 70) -> features (B, channels, 70, 70)."""
        features = self.layers(gathers.contiguous(memory_format=torch.channels_last))
        # Cut before the head, as in OpenFWI: its normalisation then counts cells of the map alone.
        return middle(features, self.map_shape)


def _layers(
    map_shape: Shape,
) -> Iterator[tuple[type[nn.Conv2d | nn.ConvTranspose2d], int, dict[str, Any]]]:
    """Give every layer's kind, its channels at width 1, and its sizes."""
    flat: dict[str, Any] = {"kernel_size": 3, "padding": 1}
    for channels, kernel, stride in _DOWN_TIME:
        sizes = {"kernel_size": (kernel, 1), "stride": (stride, 1), "padding": (kernel // 2, 0)}
        yield nn.Conv2d, channels, sizes
    for channels, stride in _SQUARE:
        yield nn.Conv2d, channels, {**flat, "stride": stride}
    yield nn.Conv2d, _VECTOR, {"kernel_size": _REST}
    yield nn.ConvTranspose2d, _VECTOR, {"kernel_size": tuple(-(-n // 16) for n in map_shape)}
    yield nn.Conv2d, _VECTOR, flat
    for channels in _UP:
        yield nn.ConvTranspose2d, channels, {"kernel_size": 4, "stride": 2, "padding": 1}
        yield nn.Conv2d, channels, flat


def _block(convolution: nn.Conv2d | nn.ConvTranspose2d, channels: int) -> nn.Module:
    # A wide start: by torch's own, 24 layers would fade a sample to nothing before the
    # normalisations have seen their first batch.
    nn.init.kaiming_normal_(convolution.weight, SLOPE)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.LeakyReLU(SLOPE, inplace=True))


@register_model(
    "inversionnet",
    {"base": {}, "small": {"width": 0.5}},
    source="arXiv 1811.07875",
    published={"base": 87.0},
)
def inversionnet(
    width: float = 1.0,
    n_shots: int = 5,
    output: Output = "sigmoid",
    norm: bool = True,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build an `InversionBody` in a `Network`.

    OpenFWI's last layer is a hyperbolic tangent, 3000 + 1500 tanh(y) m/s. Since tanh(y) =
    2 / (1 + exp(-2 y)) - 1, that is the sigmoid output with the argument doubled, and the
    normalisation's scale, which starts at 2 here, is that factor.

    Args:
        width: see `InversionBody`.
        n_shots: shots that the network takes.
        output: of `Network`.
        norm: of `Network`.
        map_shape: of `Network`; records of any size are read at OpenFWI's.
        **heads: further options of `Network`.
    """
    body = InversionBody(n_shots, width, check_map_shape(map_shape))
    sizes: dict[str, Any] = {"map_shape": map_shape, "record": RECORD}
    network = Network(
        body, body.channels, n_shots=n_shots, output=output, norm=norm, **sizes, **heads
    )
    if output == "sigmoid" and isinstance(network.head.norm, nn.BatchNorm2d):
        nn.init.constant_(network.head.norm.weight, 2.0)
    return network
