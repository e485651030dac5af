"""A timm encoder, a U-Net decoder, the common heads: what the field's three public networks are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from fwi.models.decoders import UNetDecoder, Upsample
from fwi.models.encoders import Pretrained, TimmEncoder
from fwi.models.network import Network
from fwi.models.sizes import MAP, Shape, check_map_shape, grid_of

FIELD_CHANNELS = (256, 128, 64, 32)  # of the public networks' decoders
SMALL_CHANNELS = (128, 96, 64, 32)


class EncoderDecoder(nn.Module):
    """An encoder's feature maps through a decoder, as the body of a `Network`."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """(B, S, 1000, 70) -> (B, C, 72, 72)."""
        return self.decoder(self.encoder(gathers))


def encoder_decoder(
    encoder: str,
    decoder_channels: Sequence[int],
    time_fold: str = "conv",
    upsample: Upsample = "nearest",
    scse: bool = False,
    skips: bool = True,
    n_shots: int = 5,
    pretrained: Pretrained = False,
    drop_path: float = 0.0,
    encoder_options: dict[str, Any] | None = None,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build a `TimmEncoder` and a `UNetDecoder` in a `Network`.

    Args:
        encoder: timm's name.
        decoder_channels: one a feature map, deepest first.
        time_fold: see `TimmEncoder`.
        upsample: see `UNetDecoder`.
        scse: see `UNetDecoder`.
        skips: see `UNetDecoder`.
        n_shots: shots that the network takes.
        pretrained: see `TimmEncoder`.
        drop_path: probability with which a residual branch is left out in training.
        encoder_options: further options of `timm.create_model`.
        map_shape: of `Network`.
        **heads: further options of `Network`.
    """
    options = {"drop_path_rate": drop_path, **(encoder_options or {})}
    grid = grid_of(check_map_shape(map_shape))
    trunk = TimmEncoder(encoder, n_shots, time_fold, pretrained, grid, **options)  # type: ignore[arg-type]
    decoder = UNetDecoder(trunk.channels, decoder_channels, upsample, scse, skips)
    body = EncoderDecoder(trunk, decoder)
    return Network(body, decoder_channels[-1], n_shots=n_shots, map_shape=map_shape, **heads)
