"""U-Nets of segmentation-models-pytorch over gathers that a learned stem brings to a square.

The stem folds time into channels step by step: strided convolutions, 7 samples at a time and then
2, bring 1000 x 70 to 72 x 70 without discarding a sample. What follows is a plain U-Net whose
depth axis is then the gathers' time axis: a crude but good first guess, since time is depth
stretched by velocity.

Source: Ronneberger et al., arXiv 1505.04597; segmentation-models-pytorch (MIT), timm (Apache 2).
"""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.preprocess import Compress
from fwi.models.registry import register_model

_SIDE = 72  # rows of the stem's output: divisible by 8, and just above the map's 70
_STRIDES = (7, 2)
# Raw outputs are near unit scale: the mean and spread of velocity over all families, m/s.
_MEAN, _SPREAD = 2900.0, 800.0


class GatherStem(nn.Module):
    """(B, S, T, R) -> (B, C, 72, R + 2): two anisotropic convolutions, strides 7 and 2 in time."""

    def __init__(self, n_shots: int, channels: tuple[int, int]) -> None:
        super().__init__()
        first, second = channels
        self.fold = nn.Sequential(
            nn.Conv2d(n_shots, first, (7, 3), (_STRIDES[0], 1), (0, 1), bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, (4, 3), (_STRIDES[1], 1), (1, 2), bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),
        )

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Bring any number of time samples to 72 rows; the standard 1000 need no resampling."""
        nt, target = gathers.shape[-2], _SIDE * _STRIDES[0] * _STRIDES[1]
        if nt > target or nt < target // 2:
            gathers = F.interpolate(gathers, (target, gathers.shape[-1]), mode="bilinear")
        else:
            before = (target - nt) // 2
            gathers = F.pad(gathers, (0, 0, before, target - nt - before))
        return self.fold(gathers)


class GatherUNet(nn.Module):
    """Gathers to velocity through a stem and a segmentation-models-pytorch U-Net.

    Args:
        encoder: an encoder of segmentation-models-pytorch; "tu-<name>" takes timm's.
        depth: halvings of the encoder, 3 to 5.
        decoder_channels: one a halving, deepest first.
        stem_channels: of the stem's two convolutions.
        n_shots: shots that the network takes; further ones are ignored.
        gain: amplitude above which gathers are compressed; see `Compress`.
        pretrained: load the encoder's published weights, which needs a network.
    """

    def __init__(
        self,
        encoder: str,
        depth: int,
        decoder_channels: tuple[int, ...],
        stem_channels: tuple[int, int] = (32, 64),
        n_shots: int = 5,
        gain: float = 10.0,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.n_shots = n_shots
        self.compress = Compress(gain)
        self.stem = GatherStem(n_shots, stem_channels)
        self.unet = smp.Unet(
            encoder,
            encoder_depth=depth,
            encoder_weights="imagenet" if pretrained else None,
            in_channels=stem_channels[1],
            decoder_channels=tuple(decoder_channels),
            classes=1,
        )
        self.multiple = 2**depth

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Raw gathers (B, S, T, R) to velocity (B, 1, 70, 70), m/s."""
        features = self.stem(self.compress(gathers[:, : self.n_shots]))
        features = features.contiguous(memory_format=torch.channels_last)
        rows, columns = features.shape[-2:]
        up, left = -rows % self.multiple, -columns % self.multiple
        features = F.pad(features, (left // 2, left - left // 2, up // 2, up - up // 2))
        decoded = self.unet.decoder(self.unet.encoder(features))
        # bfloat16 steps by 3 m/s at this scale: the last convolution keeps float32 throughout.
        with torch.autocast(decoded.device.type, enabled=False):
            output = self.unet.segmentation_head(decoded.float())
        top, side = (output.shape[-2] - 70) // 2, (output.shape[-1] - 70) // 2
        return output[..., top : top + 70, side : side + 70] * _SPREAD + _MEAN


@register_model(
    "unet",
    {
        "resnet10t": {"encoder": "tu-resnet10t", "depth": 4, "decoder_channels": (128, 96, 64, 32)},
        "resnet18": {"encoder": "tu-resnet18", "depth": 4, "decoder_channels": (256, 128, 64, 32)},
        "resnet34": {"encoder": "tu-resnet34", "depth": 4, "decoder_channels": (256, 128, 64, 32)},
    },
)
def unet(**options: object) -> nn.Module:
    """Build a `GatherUNet`."""
    return GatherUNet(**options)  # type: ignore[arg-type]
