"""HGNet-V2 encoders under a U-Net decoder: the field's starting point, MAE 60.9.

The public starter shrinks the gathers to 70 x 70 before the first layer; here their time axis goes
through the stem whole, so the encoder's grids are 72, 36, 18 and 9 where its were 36, 18, 9 and 9.

Source: Cui et al., PP-HGNet-V2 of PaddleClas, as in timm; Zhao et al., RT-DETR, arXiv 2304.08069.
"""

from __future__ import annotations

from typing import Any

from fwi.models.encoder_decoder import FIELD_CHANNELS, SMALL_CHANNELS, encoder_decoder
from fwi.models.network import Network
from fwi.models.registry import register_model


@register_model(
    "hgnet",
    {
        f"b{i}": {
            "encoder": f"hgnetv2_b{i}",
            "decoder_channels": SMALL_CHANNELS if i < 2 else FIELD_CHANNELS,
        }
        for i in range(7)
    },
    source="arXiv 2304.08069; the field's starter, its size not named: 60.9 m/s",
)
def hgnet(**options: Any) -> Network:
    """Build an `encoder_decoder` over an HGNet-V2."""
    return encoder_decoder(**options)
