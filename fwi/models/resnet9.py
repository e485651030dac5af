"""The CIFAR network ResNet9 as an encoder of gathers, under a U-Net decoder.

Source: see `fwi.baselines.resnet9`.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from fwi.baselines.resnet9 import ResNet9Trunk
from fwi.models.decoders import UNetDecoder
from fwi.models.encoder_decoder import FIELD_CHANNELS, EncoderDecoder
from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.stem import GatherStem, check_channels


@register_model(
    "resnet9",
    {
        "narrow": {"width": 32, "decoder_channels": (96, 64, 48, 32)},
        "cifar": {"width": 64, "decoder_channels": FIELD_CHANNELS},
    },
    source="arXiv 1512.03385",
)
def resnet9(
    width: int,
    decoder_channels: tuple[int, ...],
    stem_channels: tuple[int, int] = (32, 64),
    n_shots: int = 5,
    **heads: Any,
) -> Network:
    """Build a stem, the trunk of ResNet9 at 72, 36, 18 and 9 cells a side, and a decoder.

    Args:
        width: channels of the trunk's first step, 64 for CIFAR.
        decoder_channels: one a feature map, deepest first.
        stem_channels: of the stem's two convolutions.
        n_shots: shots that the network takes.
        **heads: options of `Network`.
    """
    trunk = ResNet9Trunk(check_channels(stem_channels)[1], width)
    encoder = nn.Sequential(GatherStem(n_shots, stem_channels), trunk)
    body = EncoderDecoder(encoder, UNetDecoder(trunk.channels, decoder_channels))
    return Network(body, decoder_channels[-1], n_shots=n_shots, **heads)
