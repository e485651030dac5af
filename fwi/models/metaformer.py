"""CAFormer and ConvFormer encoders under a U-Net decoder: the field's best public one, MAE 28.8.

The stem's 7x7 convolution takes every fourth sample and every receiver; a mean over four rows
brings them to the grid of 72 x 72. Upsampling is sub-pixel, with attention over channels and cells.

CAFormer-b36 has 122.3 M parameters here, 93.3 M of them in the encoder, as published; the whole of
the published one has 123.7 M. The 1.4 M more belong to its decoder, whose words (sub-pixel
upsampling, attention on each step's input and output, 256, 128, 64, 32 channels) leave layers open.

Source: Yu et al., MetaFormer baselines for vision, arXiv 2210.13452.
"""

from __future__ import annotations

from typing import Any

import timm
from timm.models.metaformer import (
    Attention,
    LayerNorm2dNoBias,
    LayerNormNoBias,
    MetaFormer,
    SepConv,
)
from torch import nn

from fwi.models.encoder_decoder import FIELD_CHANNELS, SMALL_CHANNELS, encoder_decoder
from fwi.models.network import Network
from fwi.models.registry import register_model


def _tiny(mixers: list[type[nn.Module]], norms: list[type[nn.Module]], **options: Any) -> nn.Module:
    """Build the family's shape at a fifth of s18's size, for machines without a GPU."""
    options = {"depths": (1, 2, 4, 1), "dims": (32, 64, 160, 256), **options}
    options |= {
        "feature_cfg": {"flatten_sequential": True, "out_indices": (0, 1, 2, 3)},
        "pretrained_cfg": {"url": ""},
    }
    return timm.models.build_model_with_cfg(
        MetaFormer, "fwi_metaformer", token_mixers=mixers, norm_layers=norms, **options
    )


@timm.models.register_model
def caformer_tiny(pretrained: bool = False, **options: Any) -> nn.Module:
    """Build a small CAFormer: separable convolutions, then attention in the last two stages."""
    norms = [LayerNorm2dNoBias] * 2 + [LayerNormNoBias] * 2
    return _tiny([SepConv] * 2 + [Attention] * 2, norms, pretrained=pretrained, **options)


@timm.models.register_model
def convformer_tiny(pretrained: bool = False, **options: Any) -> nn.Module:
    """Build a small ConvFormer: separable convolutions throughout."""
    return _tiny([SepConv] * 4, [LayerNorm2dNoBias] * 4, pretrained=pretrained, **options)


def _variants(family: str) -> dict[str, dict[str, Any]]:
    return {
        size: {
            "encoder": f"{family}_{size}",
            "decoder_channels": SMALL_CHANNELS if size in ("tiny", "s18") else FIELD_CHANNELS,
        }
        for size in ("tiny", "s18", "s36", "m36", "b36")
    }


@register_model(
    "caformer", _variants("caformer"), source="arXiv 2210.13452", published={"b36": 28.8}
)
@register_model("convformer", _variants("convformer"), source="arXiv 2210.13452")
def metaformer(**options: Any) -> Network:
    """Build an `encoder_decoder` over a CAFormer (attention deep down) or a ConvFormer."""
    return encoder_decoder(**{"time_fold": "pool", "upsample": "subpixel", "scse": True, **options})
