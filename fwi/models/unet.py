"""Segmentation networks of segmentation-models-pytorch over gathers that a stem makes square.

The image's depth axis is the gathers' time axis: a crude but good first guess, since time is
depth stretched by velocity.

Source: Ronneberger et al., U-Net, arXiv 1505.04597; Zhou et al., U-Net++, arXiv 1807.10165; Lin et
al., FPN, arXiv 1612.03144; Fan et al., MA-Net, doi 10.1109/ACCESS.2020.3025372;
segmentation-models-pytorch (MIT), timm (Apache 2).
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.encoders import Pretrained, check_loaded, explain_missing, overlay
from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, Shape, check_map_shape, grid_of
from fwi.models.stem import GatherStem, check_channels
from fwi.registry import nearest

_ARCHITECTURES = ("Unet", "UnetPlusPlus", "FPN", "MAnet")


class SegmentationBody(nn.Module):
    """An encoder-decoder of segmentation-models-pytorch, without its head.

    Args:
        in_channels: of the image.
        architecture: "Unet", "UnetPlusPlus", "FPN" or "MAnet".
        encoder: of segmentation-models-pytorch; "tu-<name>" takes timm's.
        depth: halvings of the encoder, 3 to 5.
        decoder_channels: one a halving, deepest first; FPN takes the first as its width.
        pretrained: see `fwi.models.encoders.TimmEncoder`.

    Attributes:
        channels: of the features.
    """

    def __init__(
        self,
        in_channels: int,
        encoder: str,
        depth: int,
        decoder_channels: tuple[int, ...],
        architecture: str = "Unet",
        pretrained: Pretrained = False,
    ) -> None:
        super().__init__()
        if architecture not in _ARCHITECTURES:
            known = ", ".join(_ARCHITECTURES)
            raise ValueError(f"architecture must be one of {known}, got {architecture!r}")
        widths = (
            {"decoder_pyramid_channels": decoder_channels[0], "decoder_dropout": 0.0}
            if architecture == "FPN"
            else {"decoder_channels": tuple(decoder_channels)}
        )
        if pretrained and not encoder.startswith("tu-"):
            raise ValueError(f"encoder must be a tu-<timm name> to be pretrained, got {encoder!r}")
        if encoder.startswith("tu-") and not timm.is_model(encoder[3:].partition(".")[0]):
            raise ValueError(
                f"encoder must be a network of timm after tu-, got {encoder!r}; "
                f"{nearest(encoder, [f'tu-{name}' for name in timm.list_models()])}"
            )
        weights = {"pretrained_cfg_overlay": overlay(pretrained)} if pretrained else {}
        with explain_missing(encoder, pretrained):
            network = getattr(smp, architecture)(
                encoder,
                encoder_depth=depth,
                encoder_weights=True if pretrained else None,  # of timm, its own
                in_channels=in_channels,
                **widths,
                **weights,
            )
        self.encoder, self.decoder = network.encoder, network.decoder
        check_loaded(getattr(self.encoder, "model", self.encoder), encoder, pretrained)
        self.channels = int(network.segmentation_head[0].in_channels)
        self.multiple = 2**depth

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, H, W) -> features (B, C, H or more, W or more), padded evenly."""
        rows, columns = image.shape[-2:]
        up, left = -rows % self.multiple, -columns % self.multiple
        image = F.pad(image, (left // 2, left - left // 2, up // 2, up - up // 2))
        features = self.decoder(self.encoder(image))
        if features.shape[-2:] != image.shape[-2:]:  # FPN decodes a quarter of the image
            features = F.interpolate(features, image.shape[-2:], mode="bilinear")
        return features


SMALL = {"depth": 4, "decoder_channels": (128, 96, 64, 32)}
_LARGE = {"depth": 4, "decoder_channels": (256, 128, 64, 32)}


@register_model(
    "unet",
    {
        "resnet10t": {"encoder": "tu-resnet10t", **SMALL},
        "resnet18": {"encoder": "tu-resnet18", **_LARGE},
        "resnet34": {"encoder": "tu-resnet34", **_LARGE},
        "plusplus": {"encoder": "tu-resnet10t", "architecture": "UnetPlusPlus", **SMALL},
        "fpn": {"encoder": "tu-resnet10t", "architecture": "FPN", **SMALL},
        "manet": {"encoder": "tu-resnet10t", "architecture": "MAnet", **SMALL},
    },
    source="arXiv 1505.04597",
)
def unet(
    encoder: str,
    depth: int,
    decoder_channels: tuple[int, ...],
    architecture: str = "Unet",
    stem_channels: tuple[int, int] = (32, 64),
    n_shots: int = 5,
    pretrained: Pretrained = False,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build a `GatherStem` and a `SegmentationBody` in a `Network`.

    Args:
        encoder: see `SegmentationBody`.
        depth: see `SegmentationBody`.
        decoder_channels: see `SegmentationBody`.
        architecture: see `SegmentationBody`.
        stem_channels: of the stem's two convolutions.
        n_shots: shots that the network takes.
        pretrained: see `SegmentationBody`.
        map_shape: of `Network`.
        **heads: further options of `Network`.
    """
    body = SegmentationBody(
        check_channels(stem_channels)[1], encoder, depth, decoder_channels, architecture, pretrained
    )
    stem = GatherStem(n_shots, stem_channels, grid_of(check_map_shape(map_shape)))
    whole = nn.Sequential(stem, body)
    return Network(whole, body.channels, n_shots=n_shots, map_shape=map_shape, **heads)
